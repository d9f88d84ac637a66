"""Runs the machine three times: on asyncio, in virtual time, and step by step."""

import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":  # so that this file may be run from anywhere
    sys.path.insert(0, str(Path(__file__).parents[2]))

from ccw_actors.runtime import (
    Dispatcher,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
)
from examples.emulator.machine import build, printing
from examples.emulator.messages import ReadOutput, Reset

__all__ = ["on_asyncio", "without_a_loop"]

TEXT = "Hello, UART!"


async def on_asyncio(text: str, interval_ms: int = 5) -> str:
    """Return what the machine prints, in real time."""
    async with System() as system:
        machine = build(system, printing(text, interval_ms))
        machine.cpu.tell(Reset())
        await machine.owner.ref.stopped()
        return (await machine.uart.ask(ReadOutput())).text


def without_a_loop(dispatcher: Dispatcher, text: str, interval_ms: int = 5) -> str:
    """Return what the machine prints, as fast as it can be computed."""
    system = System(dispatcher)
    machine = build(system, printing(text, interval_ms))
    machine.cpu.tell(Reset())
    dispatcher.run_until(lambda: machine.owner.halted is not None)
    return machine.uart.ask(ReadOutput(), block=True).text


def main() -> None:
    """Run it in three worlds."""
    clock = VirtualDispatcher()
    outputs = {
        "asyncio": asyncio.run(on_asyncio(TEXT)),
        "virtual time": without_a_loop(clock, TEXT),
        "step by step": without_a_loop(SteppingDispatcher(), TEXT),
    }
    for world, output in outputs.items():
        print(f"{world:12} {output}")
    print(f"virtual time passed: {clock.now():.3f} s")
    assert set(outputs.values()) == {TEXT}


if __name__ == "__main__":
    main()
