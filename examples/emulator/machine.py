"""The machine, put together, and a program that prints over the UART."""

from typing import Any, NamedTuple

from ccw_actors.runtime import Actor, ActorRef, System, receive
from examples.emulator.cpu import Cpu, Op
from examples.emulator.devices import TIMER_LINE, UART_LINE, Timer, Uart
from examples.emulator.messages import Halted, ReadOutput, Reset

__all__ = ["Machine", "build", "printing"]

_TEXT = 64
_POINTER = 62


class Owner(Actor[Halted]):
    """Remembers that the processor has halted, and ends then."""

    halted: Halted | None = None

    @receive
    def processor_halted(self, message: Halted) -> None:
        """Remember, and end."""
        self.halted = message
        self.stop()


class Machine(NamedTuple):
    """A machine: start it with `cpu.tell(Reset())`."""

    cpu: ActorRef[Reset]
    uart: ActorRef[ReadOutput]
    owner: Owner


def build(system: System, program: bytes) -> Machine:
    """Spawn the processor with its devices at ports 0 (timer) and 1 (UART)."""
    owner = Owner()
    cpu = system.ref("cpu")
    timer = system.spawn(Timer(cpu), "timer")
    uart = system.spawn(Uart(cpu), "uart")
    ports: dict[int, ActorRef[Any]] = {TIMER_LINE: timer, UART_LINE: uart}
    system.spawn(Cpu(program, ports, system.spawn(owner, "owner")), "cpu")
    return Machine(cpu, uart, owner)


def printing(text: str, interval_ms: int = 5) -> bytes:
    """Return a program that prints a text (ASCII), a character a timer interrupt.

    For each character it waits for both: for the timer to expire, and for the UART to
    be through with the one before.
    """
    code = [
        (Op.SET, _TEXT),  # 0
        (Op.STORE, _POINTER),
        (Op.SET, interval_ms),
        (Op.OUT, TIMER_LINE),
        (Op.WAIT, 1 << TIMER_LINE),  # 8: the loop
        (Op.LOAD_AT, _POINTER),
        (Op.JUMP_ZERO, 26),
        (Op.OUT, UART_LINE),
        (Op.WAIT, 1 << UART_LINE),
        (Op.LOAD, _POINTER),
        (Op.ADD, 1),
        (Op.STORE, _POINTER),
        (Op.JUMP, 8),
        (Op.HALT, 0),  # 26
    ]
    words = b"".join(map(bytes, code))
    return words.ljust(_TEXT, b"\0") + text.encode() + b"\0"
