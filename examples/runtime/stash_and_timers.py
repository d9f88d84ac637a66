"""Stash and timers: a printer that stashes jobs while it has no paper."""

import asyncio

from ccw_actors.runtime import Actor, Message, Request, System, receive


class Printed(Message, frozen=True):
    """A page is printed; `number` counts the pages."""

    number: int


class Print(Request[Printed], frozen=True):
    """Asks for a page to be printed."""


class Refill(Message, frozen=True):
    """The timer's message: three sheets of paper."""


class Look(Message, frozen=True):
    """The periodic timer's message: check the paper."""


class Printer(Actor[Print]):
    """Prints while it has paper; a timer refills it 20 ms after it runs out."""

    def __init__(self) -> None:
        self.paper = 2
        self.printed = 0
        self.looks: list[int] = []

    def on_start(self) -> None:
        """Check the paper periodically."""
        self.key = self.every(0.005, Look())

    @receive
    def print(self, _message: Print) -> Printed | None:
        """Print, or stash the job unanswered."""
        if not self.paper:
            self.stash()
            return None
        self.paper -= 1
        self.printed += 1
        if not self.paper:
            self.after(0.02, Refill())
        return Printed(self.printed)

    @receive
    def refill(self, _message: Refill) -> None:
        """Continue with the stashed jobs, before later ones."""
        self.paper = 3
        self.unstash()

    @receive
    def look(self, _message: Look) -> None:
        """Note how much paper there is; stop checking when everything is printed."""
        self.looks.append(self.paper)
        if self.printed == 7:
            self.cancel(self.key)


async def main() -> None:
    """Print seven pages with paper for two."""
    printer = Printer()
    async with System() as system:
        ref = system.spawn(printer)
        pages = await asyncio.gather(*(ref.ask(Print()) for _ in range(7)))
        print([page.number for page in pages], "paper seen:", printer.looks)
        assert pages == [Printed(number) for number in range(1, 8)]
        assert 0 in printer.looks


if __name__ == "__main__":
    asyncio.run(main())
