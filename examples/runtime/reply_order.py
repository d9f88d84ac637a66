"""A reply keeps its place among the other messages of the actor that answers."""

import asyncio

from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class News(Message, frozen=True):
    """Something that happens."""

    text: str


class Report(Message, frozen=True):
    """How much there was so far."""

    count: int


class Subscribe(Request[Report], frozen=True):
    """Asks for a report, and for all news from then on."""

    to: ActorRef[News]


class Agency(Actor[Subscribe | News]):
    """Hands on news to those that have subscribed."""

    subscribers: tuple[ActorRef[News], ...] = ()
    count = 0

    @receive
    def subscribe(self, message: Subscribe) -> Report:
        """Answer by what has been before; what follows comes as news."""
        self.subscribers += (message.to,)
        return Report(self.count)

    @receive
    def news(self, message: News) -> None:
        """Hand it on."""
        self.count += 1
        for subscriber in self.subscribers:
            subscriber.tell(message)


class Reader(Actor[Report | News]):
    """Subscribes by a tell: the answer is a message among the others."""

    def __init__(self, agency: ActorRef[Subscribe]) -> None:
        self.agency, self.full = agency, asyncio.Event()
        self.heard: list[Message] = []

    def on_start(self) -> None:
        """Ask."""
        self.agency.tell(Subscribe(self.ref))

    @receive
    def hear(self, message: Report | News) -> None:
        """Remember."""
        self.heard.append(message)
        if len(self.heard) == 3:
            self.full.set()


async def main() -> None:
    """Subscribe between news: none is missed, and none is in the report as well."""
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
