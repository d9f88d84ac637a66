"""Threads that each add one to a shared number: read it, then write one more.

Source: Stateright 0.31.0, examples/increment.rs: its text lists the 13 states of two
threads, the 8 that are left when equal threads are not distinguished, and the schedule
that loses an increment. With a lock around both steps, as in
examples/increment_lock.rs, nothing is lost.

python examples/explore/published/increment.py
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct

from ccw_actors.explore import TransitionSystem, explore

BEGUN, LOCKED, READ, WRITTEN, DONE = range(5)

Action = tuple[str, int]
"""The action of a thread, and its number."""


class Thread(NamedTuple):
    """The phase of a thread, and the number it has read."""

    at: int = BEGUN
    seen: int = 0


class State(NamedTuple):
    """The number, whether it is locked, and the threads."""

    number: int
    is_locked: bool
    threads: tuple[Thread, ...]


class Increments(Struct, frozen=True):
    """Threads, with a lock or without; those that are `alike` are sorted.

    Without the `promise` a lost increment is no fault, so that all states are met.
    """

    threads: int = 2
    lock: bool = False
    alike: bool = False
    promise: bool = True

    def actions(self, state: State) -> Iterator[Action]:
        """Yield the actions of each thread."""
        for mover, thread in enumerate(state.threads):
            if thread.at == BEGUN and self.lock:
                if not state.is_locked:
                    yield "lock", mover
            elif thread.at in (BEGUN, LOCKED):
                yield "read", mover
            elif thread.at == READ:
                yield "write", mover
            elif thread.at == WRITTEN and self.lock:
                yield "release", mover

    def next_state(self, state: State, action: Action) -> State:
        """Return the state after an action."""
        number, is_locked, every = state
        what, mover = action
        at, seen = every[mover]
        match what:
            case "lock":
                at, is_locked = LOCKED, True
            case "read":
                at, seen = READ, number
            case "write":
                at, number = WRITTEN, seen + 1
            case _:
                at, is_locked = DONE, False
        then = [*every]
        then[mover] = Thread(at, seen)
        return State(number, is_locked, tuple(sorted(then) if self.alike else then))

    def system(self) -> TransitionSystem[State, Action]:
        """Return the transition system."""
        invariants: dict[str, Callable[[State], object]] = {
            "no more than was written": lambda s: s.number <= _written(s)
        }
        if self.promise:
            invariants["nothing is lost"] = lambda s: s.number == _written(s)
        return TransitionSystem[State, Action](
            [State(0, is_locked=False, threads=(Thread(),) * self.threads)],
            self.actions,
            self.next_state,
            invariants=invariants,
            sometimes={"all have written": lambda s: _written(s) == self.threads},
            summary=f"{self.threads} threads that add one, as a transition system.",
        )


def _written(state: State) -> int:
    return sum(thread.at >= WRITTEN for thread in state.threads)


increment = Increments().system()
increment_anyhow = Increments(promise=False).system()
increment_alike = Increments(promise=False, alike=True).system()
increment_lock = Increments(lock=True).system()


def main() -> None:
    """Count the states, find the lost increment, and add the lock."""
    print(explore(increment_anyhow).states, "states;", explore(increment))
    print("With a lock:", explore(increment_lock))


if __name__ == "__main__":
    main()
