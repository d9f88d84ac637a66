"""Timers, stash and behaviours: a door, in virtual time and without an event loop."""

from ccw_actors.runtime import (
    Actor,
    Message,
    Request,
    System,
    VirtualDispatcher,
    receive,
)


class Passed(Message, frozen=True):
    """Somebody is through, at that time (seconds)."""

    at: float


class Pass(Request[Passed], frozen=True):
    """Asks to be let through."""


class Unlock(Message, frozen=True):
    """Opens the door for a while."""


class Close(Message, frozen=True):
    """What the timer brings."""


class Chime(Message, frozen=True):
    """What the periodic timer brings."""


class Door(Actor[Pass | Unlock]):
    """Lets nobody through while it is closed; who comes then waits."""

    def __init__(self) -> None:
        self.chimes: list[float] = []

    def on_start(self) -> None:
        """Begin closed, with a chime every minute."""
        self.become("closed")
        self.every(60.0, Chime())

    @receive(state="closed")
    def wait(self, _message: Pass) -> None:
        """Put the message aside, unanswered."""
        self.stash()

    @receive(state="closed")
    def unlock(self, _message: Unlock) -> None:
        """Open, and handle first what was put aside."""
        self.become("open")
        self.unstash()
        self.after(5.0, Close())

    @receive(state="open")
    async def let_through(self, _message: Pass) -> Passed:
        """Take two seconds for each; the next one waits in the mailbox."""
        await self.sleep(2.0)
        return Passed(self.now())

    @receive(state="open")
    def close(self, _message: Close) -> None:
        """Close."""
        self.become("closed")

    @receive
    def chime(self, _message: Chime) -> None:
        """Chime, open or closed."""
        self.chimes.append(self.now())


def main() -> None:
    """Come to a closed door, and wait until it opens at 100 s."""
    clock = VirtualDispatcher()
    system = System(clock)
    actor = Door()
    door = system.spawn(actor, "door")
    door.tell(Pass())
    clock.advance(100.0)
    assert actor.chimes == [60.0]
    door.tell(Unlock())
    passed = door.ask(Pass(), block=True)  # behind the one who has waited
    print("through at", passed.at)
    assert passed.at == 104.0
    clock.advance(10.0)
    print("behaves as", actor.behaviour, "at", clock.now())
    assert (actor.behaviour, clock.now()) == ("closed", 114.0)


if __name__ == "__main__":
    main()
