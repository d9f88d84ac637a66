"""Virtual time: a week of retries, without an event loop and without waiting."""

from ccw_actors.errors import AskTimeoutError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    ReplyTo,
    Request,
    System,
    VirtualDispatcher,
    receive,
)

HOUR = 3600.0


class Mail(Message, frozen=True):
    """Mail was delivered, and when (seconds)."""

    at: float


class Deliver(Request[Mail], frozen=True):
    """Asks for a delivery."""


class Server(Actor[Deliver]):
    """Is down until some time (seconds), and gives no answer before that."""

    def __init__(self, down_until: float) -> None:
        self.down_until = down_until
        self.untouched: list[ReplyTo[Mail]] = []

    @receive
    def deliver(self, _message: Deliver) -> Mail | None:
        """Answer if it is up; otherwise take the request and never answer."""
        if self.now() >= self.down_until:
            return Mail(self.now())
        self.untouched.append(self.reply_to)
        return None


class Courier(Actor[Deliver]):
    """Tries again after a pause that doubles each time."""

    def __init__(self, server: ActorRef[Deliver]) -> None:
        self.server = server
        self.tries: list[float] = []

    @receive
    async def deliver(self, message: Deliver) -> Mail:
        """Try until the delivery works."""
        pause = HOUR
        while True:
            self.tries.append(self.now() / HOUR)
            try:
                return await self.server.ask(message, timeout=60.0)
            except AskTimeoutError:
                await self.sleep(pause - 60.0)
                pause *= 2


def main() -> None:
    """Deliver to a server that is down for a week."""
    clock = VirtualDispatcher()
    system = System(clock, ask_timeout=30 * 24 * HOUR)
    courier = Courier(system.spawn(Server(7 * 24 * HOUR)))
    mail = system.spawn(courier).ask(Deliver(), block=True)
    print("tried after", *(f"{hours:g} h" for hours in courier.tries))
    assert courier.tries == [0, 1, 3, 7, 15, 31, 63, 127, 255]
    assert mail == Mail(255 * HOUR)
    assert clock.now() == 255 * HOUR


if __name__ == "__main__":
    main()
