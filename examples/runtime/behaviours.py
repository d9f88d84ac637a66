"""Behaviours: a connection that handles messages differently while it is open."""

import asyncio
import logging

from ccw_actors.errors import MessageError
from ccw_actors.runtime import Actor, Message, Request, System, receive


class Switch(Message, frozen=True):
    """Opens the connection if it is closed, and closes it if it is open."""


class Now(Message, frozen=True):
    """The current behaviour of the connection."""

    behaviour: str


class Look(Request[Now], frozen=True):
    """Asks for the current behaviour."""


class Send(Request[Now], frozen=True):
    """Asks to send something."""

    text: str


class Connection(Actor[Switch | Look | Send]):
    """A connection that is closed at first."""

    sent = ""

    def on_start(self) -> None:
        """Start closed."""
        self.become("closed")

    @receive(state="closed")
    def open(self, _message: Switch) -> None:
        """Open the connection."""
        self.become("open")

    @receive(state="open")
    def send(self, message: Send) -> Now:
        """Send the text."""
        self.sent += message.text
        return Now(self.behaviour)

    @receive(state="open")
    def close(self, _message: Switch) -> None:
        """Close the connection."""
        self.become("closed")

    @receive
    def look(self, _message: Look) -> Now:
        """Answer, in every behaviour."""
        return Now(self.behaviour)


async def main() -> None:
    """Send before, while and after the connection is open."""
    refused: list[str] = []
    logging.disable(logging.WARNING)  # The System also logs refused messages.
    async with System() as system:
        ref = system.spawn(connection := Connection(), "connection")
        for _ in range(3):
            now = (await ref.ask(Look())).behaviour
            try:
                await ref.ask(Send(f"while {now}"))
            except MessageError as error:
                refused.append(str(error))
            ref.tell(Switch())
    print(*refused, connection.sent, sep="\n")
    assert (len(refused), connection.sent) == (2, "while open")


if __name__ == "__main__":
    asyncio.run(main())
