"""The complete machine, and a program that prints over the UART."""

from ccw_actors.runtime import ActorRef, System
from examples.emulator.cpu import Cpu, Op
from examples.emulator.devices import TIMER, UART, Timer, Uart
from examples.emulator.messages import ReadText, Run

TEXT, POINTER = 64, 62


def build(
    system: System, program: bytes, cycle: float = 0.0001
) -> tuple[ActorRef[Run], ActorRef[ReadText]]:
    """Spawn the machine; return its processor and its UART. `cycle` is in seconds."""
    cpu = system.ref("cpu")
    timer = system.spawn(Timer(cpu), "timer")
    uart = system.spawn(Uart(cpu), "uart")
    system.spawn(Cpu(program, {TIMER: timer, UART: uart}, cycle), "cpu")
    return cpu, uart


def printing(text: str, interval_ms: int = 5, *, waits: bool = True) -> bytes:
    """Return a program that prints a text; it `waits` for the UART each time."""
    code = (
        (Op.SET, TEXT),
        (Op.STORE, POINTER),
        (Op.SET, interval_ms),
        (Op.OUT, TIMER),
        (Op.LOAD_AT, POINTER),  # 8: the loop
        (Op.JUMP_ZERO, 26),
        (Op.OUT, UART),
        (Op.WAIT, 1 << UART) if waits else (Op.SET, 0),
        (Op.LOAD, POINTER),
        (Op.ADD, 1),
        (Op.STORE, POINTER),
        (Op.WAIT, 1 << TIMER),
        (Op.JUMP, 8),
        (Op.SET, 0),  # 26: stop the timer; the accumulator has its expirations
        (Op.OUT, TIMER),
        (Op.IN, TIMER),
        (Op.HALT, 0),
    )
    return b"".join(map(bytes, code)).ljust(TEXT, b"\0") + text.encode("ascii") + b"\0"
