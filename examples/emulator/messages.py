"""The messages between the parts of the machine."""

from ccw_actors.runtime import Message, Request


class Halted(Message, frozen=True):
    """The processor has halted with this value in its accumulator."""

    accumulator: int


class Run(Request[Halted], frozen=True):
    """Starts the processor at address 0; it answers when it halts."""


class Interrupt(Message, frozen=True):
    """The interrupt of a device: the number of its line (0 to 7)."""

    line: int


class Register(Message, frozen=True):
    """The answer of a device: the value that was read or written."""

    value: int


class Read(Request[Register], frozen=True):
    """Asks a device for its register."""


class Write(Request[Register], frozen=True):
    """Writes a value (0 to 255) into a device's register."""

    value: int


class Text(Message, frozen=True):
    """The text that the UART has sent so far."""

    text: str


class ReadText(Request[Text], frozen=True):
    """Asks the UART for its text."""
