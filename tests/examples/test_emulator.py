"""The emulator of the examples: the same output in every world and every order."""

import asyncio

from ccw_actors.runtime import Choice, SteppingDispatcher, System, VirtualDispatcher
from examples.emulator.machine import Machine, build, printing
from examples.emulator.main import on_asyncio, without_a_loop
from examples.emulator.messages import ReadOutput, Reset

TICKS_MAX = 4


def test_three_worlds() -> None:
    """The loop, the virtual clock and the stepping dispatcher print the same."""
    clock = VirtualDispatcher()
    assert asyncio.run(on_asyncio("ok", interval_ms=2)) == "ok"
    assert without_a_loop(clock, "ok") == "ok"
    assert clock.now() == 0.015
    assert without_a_loop(SteppingDispatcher("channel"), "ok") == "ok"


def test_no_order_loses_a_character() -> None:
    """Whenever the timer and the UART interrupt, every run that halts has printed all.

    Every order under channel delivery, with at most four expirations of the timer.
    """
    steps = SteppingDispatcher("channel")
    machine = build(System(steps), printing("ab"))
    machine.cpu.tell(Reset())
    halted = explore(steps, machine, {}, ticks=0)
    assert halted > 0


def explore(
    steps: SteppingDispatcher,
    machine: Machine,
    seen: dict[object, None],
    ticks: int,
) -> int:
    """Go through all orders; return how many different ends there are."""
    here = steps.snapshot()
    # Time is left out: a timer may fire whenever the test picks it.
    key = (here.key()[0], tuple(sorted(key for key, _ in here.timers)), ticks)
    if key in seen:
        return 0
    seen[key] = None
    if machine.owner.halted is not None:
        assert machine.uart.ask(ReadOutput(), block=True).text == "ab"
        steps.restore(here)
        machine.owner.halted = None
        return 1
    ends = 0
    for choice in steps.enabled():
        expires = is_expiration(choice)
        if expires and ticks == TICKS_MAX:
            continue
        steps.step(choice)
        ends += explore(steps, machine, seen, ticks + expires)
        steps.restore(here)
    return ends


def is_expiration(choice: Choice) -> bool:
    """Whether the choice is that the timer expires."""
    return choice.recipient == "timer" and choice.timer > 0
