"""Lamport's mutual exclusion: requests have times, and go to all processes.

Source: L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System",
CACM 21(7), 1978. The repository tlaplus/Examples records 724,274 states for three
processes whose clocks go up to 6 (specifications/lamport_mutex/manifest.json,
MCLamportMutex.cfg); states with a later clock are left out. Messages between two
processes stay in order. A process that does not wait for the others' acknowledgements
breaks it.

python examples/explore/published/mutex.py
"""

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from ccw_actors.explore import TransitionSystem, explore

ACKNOWLEDGE, RELEASE = -1, -2
"""Messages; any other is a request, and the number its time."""

LONGEST = 3
NONE: Final = -1

T = TypeVar("T")

Action = tuple[str, int, int]
"""The kind of the action, its process, and the sender of the message it takes."""


class Process(NamedTuple):
    """A process: its clock, the requests it knows (0 for none), and `acknowledged`.

    `acknowledged` has one bit for each process.
    """

    clock: int
    requests: tuple[int, ...]
    acknowledged: int = 0
    is_critical: bool = False


Channel = tuple[int, ...]
Channels = tuple[tuple[Channel, ...], ...]
"""The messages on their way, the oldest first: `channels[to][of]`."""


class State(NamedTuple):
    """The processes, and the messages on their way between them."""

    processes: tuple[Process, ...]
    channels: Channels


class Mutex(Struct, frozen=True):
    """Processes with clocks up to the latest; patient ones wait for all."""

    processes: int = 3
    latest: int = 6
    patient: bool = True

    def actions(self, state: State) -> Iterator[Action]:
        """Yield the actions of each process."""
        for one, process in enumerate(state.processes):
            if not process.requests[one]:
                yield "request", one, NONE
            elif self._may_enter(process, one):
                yield "enter", one, NONE
            if process.is_critical:
                yield "leave", one, NONE
            for other, channel in enumerate(state.channels[one]):
                if channel:
                    yield "take", one, other

    def _may_enter(self, process: Process, one: int) -> bool:
        if process.acknowledged != 2**self.processes - 1 and self.patient:
            return False
        mine = process.requests[one], one
        return all(
            not time or mine <= (time, other)
            for other, time in enumerate(process.requests)
        )

    def next_state(self, state: State, action: Action) -> State | None:
        """Return the state after an action; None if a clock would be too late."""
        what, one, other = action
        process, channels = state.processes[one], state.channels
        match what:
            case "request":
                requests = _put(process.requests, one, process.clock)
                channels = _told(channels, one, process.clock)
                process = process._replace(requests=requests, acknowledged=1 << one)
            case "enter":
                process = process._replace(is_critical=True)
            case "leave":
                requests = _put(process.requests, one, 0)
                channels = _told(channels, one, RELEASE)
                process = Process(process.clock, requests)
            case _:
                message, *rest = channels[one][other]
                channels = _put_channel(channels, one, other, tuple(rest))
                process = _taken(process, message, other)
                if message > 0:
                    channels = _sent(channels, other, one, ACKNOWLEDGE)
                if process.clock > self.latest:
                    return None
        return State(_put(state.processes, one, process), channels)

    def system(self) -> TransitionSystem[State, Action]:
        """Return the transition system."""
        count = self.processes
        nothing = (((),) * count,) * count
        return TransitionSystem[State, Action](
            [State((Process(1, (0,) * count),) * count, nothing)],
            self.actions,
            self.next_state,
            invariants={
                "one is in the critical section at most": lambda s: (
                    sum(process.is_critical for process in s.processes) <= 1
                ),
                f"no channel has more than {LONGEST} messages": lambda s: all(
                    len(channel) <= LONGEST for row in s.channels for channel in row
                ),
            },
            sometimes={
                f"{one} is in the critical section": partial(_is_critical, one)
                for one in range(count)
            },
            summary=f"Lamport's mutual exclusion of {count}, as a transition system.",
        )


def _taken(process: Process, message: int, other: int) -> Process:
    """Return a process that has taken a message of another one."""
    if message == ACKNOWLEDGE:
        return process._replace(acknowledged=process.acknowledged | 1 << other)
    if message == RELEASE:
        return process._replace(requests=_put(process.requests, other, 0))
    return process._replace(
        clock=max(message, process.clock) + 1,
        requests=_put(process.requests, other, message),
    )


def _is_critical(one: int, state: State) -> bool:
    return state.processes[one].is_critical


def _put(values: tuple[T, ...], at: int, value: T) -> tuple[T, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _put_channel(channels: Channels, to: int, of: int, channel: Channel) -> Channels:
    return _put(channels, to, _put(channels[to], of, channel))


def _sent(channels: Channels, to: int, of: int, message: int) -> Channels:
    return _put_channel(channels, to, of, (*channels[to][of], message))


def _told(channels: Channels, of: int, message: int) -> Channels:
    for to in range(len(channels)):
        if to != of:
            channels = _sent(channels, to, of, message)
    return channels


mutex = Mutex(latest=3).system()
mutex_as_published = Mutex().system()
impatient = Mutex(latest=3, patient=False).system()


def main() -> None:
    """Explore clocks up to 3, and refute processes that do not wait."""
    result = explore(mutex)
    print(result.states, "states;", result)
    print("Impatient:", explore(impatient))


if __name__ == "__main__":
    main()
