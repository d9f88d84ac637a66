"""What the parts of the machine say to each other."""

from ccw_actors.runtime import Message, Request

__all__ = [
    "Byte",
    "Done",
    "Expired",
    "Halted",
    "Interrupt",
    "Output",
    "ReadOutput",
    "ReadPort",
    "Reset",
    "Sent",
    "SetTimer",
    "WritePort",
]


class Reset(Message, frozen=True):
    """Starts the processor at address 0."""


class Interrupt(Message, frozen=True):
    """A device wants something: its line (0 to 7)."""

    line: int


class Byte(Message, frozen=True):
    """The value of a port."""

    value: int


class Done(Message, frozen=True):
    """A port has taken a value."""


class ReadPort(Request[Byte], frozen=True):
    """Asks a device for its status."""


class WritePort(Request[Done], frozen=True):
    """Hands a value (0 to 255) to a device."""

    value: int


class SetTimer(Message, frozen=True):
    """Has the timer interrupt every so many seconds."""

    interval: float


class Expired(Message, frozen=True):
    """What the timer sends itself."""


class Sent(Message, frozen=True):
    """What the UART sends itself when a character is through."""


class Output(Message, frozen=True):
    """All that the UART has sent."""

    text: str


class ReadOutput(Request[Output], frozen=True):
    """Asks the UART for it."""


class Halted(Message, frozen=True):
    """The processor has come to its end, after so many instructions."""

    instructions: int
