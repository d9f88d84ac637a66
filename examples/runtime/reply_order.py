"""A reply keeps its place among the other messages of the actor that answers."""

import asyncio

from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class News(Message, frozen=True):
    """An event."""

    text: str


class Report(Message, frozen=True):
    """The number of events so far."""

    count: int


class Subscribe(Request[Report], frozen=True):
    """Asks for a report, and for all later news."""

    to: ActorRef[News]


class Agency(Actor[Subscribe | News]):
    """Forwards news to its subscribers."""

    subscribers: tuple[ActorRef[News], ...] = ()
    count = 0

    @receive
    def subscribe(self, message: Subscribe) -> Report:
        """Answer with the number of earlier events; later ones come as news."""
        self.subscribers += (message.to,)
        return Report(self.count)

    @receive
    def news(self, message: News) -> None:
        """Forward the news."""
        self.count += 1
        for subscriber in self.subscribers:
            subscriber.tell(message)


class Reader(Actor[Report | News]):
    """Subscribes with a tell: the answer is a message among the others."""

    def __init__(self, agency: ActorRef[Subscribe]) -> None:
        self.agency, self.full = agency, asyncio.Event()
        self.heard: list[Message] = []

    def on_start(self) -> None:
        """Subscribe."""
        self.agency.tell(Subscribe(self.ref))

    @receive
    def hear(self, message: Report | News) -> None:
        """Keep the message."""
        self.heard.append(message)
        if len(self.heard) == 3:
            self.full.set()


async def main() -> None:
    """Subscribe between news: none is missed, and none is also in the report."""
    async with System() as system:
        agency = system.spawn(Agency(), "agency")
        agency.tell(News("old"))
        system.spawn(reader := Reader(agency), "reader")
        agency.tell(News("first"))
        agency.tell(News("second"))
        await asyncio.wait_for(reader.full.wait(), 5)
        print(*reader.heard, sep="\n")
        assert reader.heard == [Report(1), News("first"), News("second")]


if __name__ == "__main__":
    asyncio.run(main())
