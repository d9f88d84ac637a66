"""Functions that tests have workers call."""

import os
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

from ccw_actors.explore import TransitionSystem
from examples.explore.published.two_phase import commits


class Answer(NamedTuple):
    """A number, and the process that has computed it."""

    number: int
    process: int


def double(number: int) -> Answer:
    """Return twice the number."""
    return Answer(2 * number, os.getpid())


def note_after(seconds: float, file: str) -> None:
    """Make a file, after some time."""
    time.sleep(seconds)
    Path(file).touch()


def fail(number: int) -> Answer:
    """Raise an error."""
    raise ValueError(f"{number} is wrong")


def die() -> None:
    """End the process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(file: str, number: int) -> Answer:
    """End the process at once, unless the file says that one has done so."""
    seen = Path(file)
    if not seen.exists():
        seen.write_text("one has died")
        die()
    return double(number)


def two_phase(managers: int) -> TransitionSystem[Any, Any]:
    """Return two-phase commit with so many managers."""
    return commits(managers)


def hasty(managers: int) -> TransitionSystem[Any, Any]:
    """Return it with a fault."""
    return commits(managers, hasty=True)


def counting(last: int) -> TransitionSystem[int, int]:
    """Return numbers that grow by 1 or are doubled, and must not reach the last one.

    Most ways to a number are longer than the shortest one.
    """
    return TransitionSystem(
        [1],
        lambda number: [number + 1, 2 * number],
        lambda _number, after: after if after <= last else None,
        invariants={"the last one is not reached": lambda number: number != last},
    )


def dies_in(managers: int, file: str) -> TransitionSystem[Any, Any]:
    """Return it so that the first process that comes to a deep state dies there."""
    system = commits(managers)

    def holds(state: Any) -> bool:
        if len(state[2]) == managers - 1 and not Path(file).exists():
            Path(file).write_text("one has died")
            die()
        return True

    return TransitionSystem(
        system.initial(),
        lambda state: [action for action, _ in system.moves(state)],
        lambda state, wanted: next(
            after for action, after in system.moves(state) if action == wanted
        ),
        invariants={"holds": holds},
    )


def broken(_managers: int) -> TransitionSystem[Any, Any]:
    """Return a system whose actions cannot be asked for."""

    def actions(_state: Any) -> Any:
        raise RuntimeError("no actions today")

    return TransitionSystem([0], actions, lambda state, _action: state)
