"""The emulator of the examples has the same output in every world and schedule."""

import asyncio

import pytest

from ccw_actors.runtime import Choice, Delivery, SteppingDispatcher, System
from ccw_actors.runtime import VirtualDispatcher as Clock
from examples.emulator.machine import build, printing
from examples.emulator.main import on_asyncio, without_a_loop
from examples.emulator.messages import Halted, ReadText, Run

EXPIRATIONS_MAX = 4


def test_three_worlds() -> None:
    """The loop, the virtual clock and the stepping dispatcher print the same."""
    clock, program = Clock(), printing("ok", interval_ms=2)
    assert asyncio.run(on_asyncio(program)) == "ok"
    assert without_a_loop(System(clock), program) == "ok"
    assert without_a_loop(System(SteppingDispatcher()), program, 0.0) == "ok"
    assert 0.004 < clock.now() < 0.007


def test_the_timer_paces() -> None:
    """The program waits for one expiration of the timer after each character."""
    cpu, _uart = build(System(Clock()), printing("three"))
    assert cpu.ask(Run(), block=True) == Halted(len("three"))


@pytest.mark.parametrize("delivery", ["mailbox", "channel"])
def test_no_order_loses_a_character(delivery: Delivery) -> None:
    """In any order of timer and UART interrupts, all characters are sent."""
    assert Search(delivery, printing("ab")).outputs() == {"ab"}


@pytest.mark.parametrize("delivery", ["mailbox", "channel"])
def test_some_order_loses_a_character(delivery: Delivery) -> None:
    """The search finds the characters that a program loses if it ignores the UART."""
    assert Search(delivery, printing("ab", waits=False)).outputs() == {"ab", "a"}


def test_careless_program_works_on_a_clock() -> None:
    """On a clock the timer is slower than the UART, and hides the mistake."""
    assert without_a_loop(System(Clock()), printing("ab", waits=False)) == "ab"


class Search:
    """Runs a program in every schedule, with a few expirations of the timer at most."""

    def __init__(self, delivery: Delivery, program: bytes) -> None:
        self._steps = SteppingDispatcher(delivery)
        cpu, self._uart = build(System(self._steps), program, cycle=0.0)
        self._seen: set[object] = set()
        cpu.tell(Run())

    def outputs(self, expirations: int = 0) -> set[str]:
        """Return the outputs of all ends that can be reached from a state."""
        here = self._steps.snapshot()
        # Time is left out: a timer may fire at any step.
        actors, *_times = here.key()
        armed = tuple(sorted(key for key, _timer in here.timers))
        key = actors, armed, expirations
        if key in self._seen:
            return set()
        self._seen.add(key)
        choices = self._steps.enabled()
        if not choices:
            text = self._uart.ask(ReadText(), block=True).text
            self._steps.restore(here)
            return {text}
        found: set[str] = set()
        for choice in choices:
            after = expirations + is_expiration(choice)
            if after <= EXPIRATIONS_MAX:
                self._steps.step(choice)
                found |= self.outputs(after)
                self._steps.restore(here)
        return found


def is_expiration(choice: Choice) -> bool:
    """Return whether the choice is an expiration of the timer."""
    return choice.recipient == "timer" and choice.timer > 0
