"""What the parts of the machine say to each other."""

from ccw_actors.runtime import Message, Request


class Halted(Message, frozen=True):
    """The processor has come to its end, with that in its accumulator."""

    accumulator: int


class Run(Request[Halted], frozen=True):
    """Starts the processor at address 0; answered when it halts."""


class Interrupt(Message, frozen=True):
    """A device wants something: the number of its line (0 to 7)."""

    line: int


class Register(Message, frozen=True):
    """What a device answers: the value that was read, or written."""

    value: int


class Read(Request[Register], frozen=True):
    """Asks a device for its register."""


class Write(Request[Register], frozen=True):
    """Writes a value (0 to 255) into a device's register."""

    value: int


class Text(Message, frozen=True):
    """All that the UART has sent so far."""

    text: str


class ReadText(Request[Text], frozen=True):
    """Asks the UART for it."""
