"""The devices: a timer that ticks, and a UART that sends one character at a time."""

from typing import Any

import msgspec

from ccw_actors.runtime import Actor, ActorRef, receive
from examples.emulator.messages import (
    Byte,
    Done,
    Expired,
    Interrupt,
    Output,
    ReadOutput,
    ReadPort,
    Sent,
    WritePort,
)

__all__ = ["TIMER_LINE", "UART_LINE", "Timer", "Uart"]

TIMER_LINE = 0
UART_LINE = 1

READY = 1


class Timer(Actor[WritePort | ReadPort]):
    """Interrupts every `value` milliseconds after `value` was written; 0 stops it."""

    class State(msgspec.Struct):
        """The key of the timer that runs, 0 for none, and how often it expired."""

        key: int = 0
        ticks: int = 0

    def __init__(self, cpu: ActorRef[Any]) -> None:
        self._cpu = cpu
        self.state = self.State()

    @receive
    def write(self, message: WritePort) -> Done:
        """Start or stop."""
        if self.state.key:
            self.cancel(self.state.key)
            self.state.key = 0
        if message.value:
            self.state.key = self.every(message.value / 1000, Expired())
        return Done()

    @receive
    def expired(self, _message: Expired) -> None:
        """Interrupt."""
        self.state.ticks += 1
        self._cpu.tell(Interrupt(TIMER_LINE))

    @receive
    def read(self, _message: ReadPort) -> Byte:
        """Return how often it has expired."""
        return Byte(self.state.ticks & 0xFF)


class Uart(Actor[WritePort | ReadPort | ReadOutput]):
    """Sends characters, each in a millisecond; interrupts when one is through.

    A character that is written while another one is being sent is lost, as on the
    real thing: a program has to wait for the interrupt, or look at the status.
    """

    class State(msgspec.Struct):
        """The character being sent, None for none, and all that were."""

        sending: int | None = None
        sent: str = ""

    def __init__(self, cpu: ActorRef[Any]) -> None:
        self._cpu = cpu
        self.state = self.State()

    @receive
    def write(self, message: WritePort) -> Done:
        """Begin to send a character."""
        if self.state.sending is None:
            self.state.sending = message.value
            self.after(0.001, Sent())
        return Done()

    @receive
    def sent(self, _message: Sent) -> None:
        """Be through with it."""
        assert self.state.sending is not None, "it is being sent"
        self.state.sent += chr(self.state.sending)
        self.state.sending = None
        self._cpu.tell(Interrupt(UART_LINE))

    @receive
    def read(self, _message: ReadPort) -> Byte:
        """Return READY if a character would be taken."""
        return Byte(READY if self.state.sending is None else 0)

    @receive
    def output(self, _message: ReadOutput) -> Output:
        """Return what was sent."""
        return Output(self.state.sent)
