"""The devices: a timer that ticks, and a UART that sends one character at a time."""

import msgspec

from ccw_actors.runtime import Actor, ActorRef, Message, receive
from examples.emulator.messages import Interrupt, Read, ReadText, Register, Text, Write

TIMER, UART = 0, 1


class Due(Message, frozen=True):
    """The message of a device's timer to the device."""


class TimerState(msgspec.Struct):
    """The key of the running timer, 0 for none, and how often it has expired."""

    key: int = 0
    ticks: int = 0


class Timer(Actor[Read | Write]):
    """Interrupts periodically; write the period in ms, or 0 to stop it."""

    def __init__(self, cpu: ActorRef[Interrupt]) -> None:
        self._cpu = cpu
        self.state = TimerState()

    @receive
    def write(self, message: Write) -> Register:
        """Start or stop the timer."""
        self.cancel(self.state.key)
        if message.value:
            self.state.key = self.every(message.value / 1000, Due())
        return Register(message.value)

    @receive
    def due(self, _message: Due) -> None:
        """Interrupt."""
        self.state.ticks += 1
        self._cpu.tell(Interrupt(TIMER))

    @receive
    def read(self, _message: Read) -> Register:
        """Return how often it has expired."""
        return Register(self.state.ticks & 0xFF)


class UartState(msgspec.Struct):
    """The current character, 0 for none, and the characters sent."""

    sending: int = 0
    text: str = ""


class Uart(Actor[Read | Write | ReadText]):
    """Sends a character in a millisecond, then interrupts.

    A character written while it sends another one is lost.
    """

    def __init__(self, cpu: ActorRef[Interrupt]) -> None:
        self._cpu = cpu
        self.state = UartState()

    @receive
    def write(self, message: Write) -> Register:
        """Begin to send a character."""
        if not self.state.sending:
            self.state.sending = message.value
            self.after(0.001, Due())
        return Register(message.value)

    @receive
    def due(self, _message: Due) -> None:
        """Finish the character, and interrupt."""
        self.state.text += chr(self.state.sending)
        self.state.sending = 0
        self._cpu.tell(Interrupt(UART))

    @receive
    def read(self, _message: Read) -> Register:
        """Return 1 if the UART can take a character."""
        return Register(int(not self.state.sending))

    @receive
    def read_text(self, _message: ReadText) -> Text:
        """Return the text sent."""
        return Text(self.state.text)
