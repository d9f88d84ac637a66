"""Runs the machine three times: on asyncio, in virtual time, and step by step."""

import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":  # so that this file may be run from anywhere
    sys.path.insert(0, str(Path(__file__).parents[2]))

from ccw_actors.runtime import SteppingDispatcher, System, VirtualDispatcher
from examples.emulator.machine import build, printing
from examples.emulator.messages import ReadText, Run

TEXT = "Hello, UART!"


async def on_asyncio(program: bytes) -> str:
    """Return the output of the program, at the machine's speed."""
    async with System() as system:
        cpu, uart = build(system, program)
        await cpu.ask(Run())
        return (await uart.ask(ReadText())).text


def without_a_loop(system: System, program: bytes, cycle: float = 0.0001) -> str:
    """Return the output of the program, as fast as the host can compute it."""
    cpu, uart = build(system, program, cycle)
    cpu.ask(Run(), block=True)
    return uart.ask(ReadText(), block=True).text


def main() -> None:
    """Run the program under three dispatchers."""
    clock, program = VirtualDispatcher(), printing(TEXT)
    outputs = {
        "asyncio": asyncio.run(on_asyncio(program)),
        "virtual time": without_a_loop(System(clock), program),
        "step by step": without_a_loop(System(SteppingDispatcher()), program, 0.0),
    }
    for kind, output in outputs.items():
        print(f"{kind:12} {output}")
    print(f"virtual time passed: {clock.now():.3f} s")
    if set(outputs.values()) != {TEXT}:
        sys.exit("the outputs differ")


if __name__ == "__main__":
    main()
