"""Which guest of a machine runs in which process, and what a process is told."""

from typing import Final

from msgspec import Struct

from ccw_actors.machine._config import Machine

__all__ = ["MAIN", "SIGNALLED", "Part", "guests_by_process"]

MAIN = "main"
"""The process of guests that name none."""

SIGNALLED: Final = 128
"""What a process that a signal ended in order adds to its number, as its status."""


class Part(Struct, frozen=True):
    """What one process has to do: the file that it reads first, as JSON.

    `address` is where the parent listens, `path` and `text` are the machine file. The
    part of the `trace` has its newest `trace_size` bytes, None for all.
    """

    process: str
    guests: tuple[str, ...]
    address: str
    path: str
    text: str
    takes_faults: bool
    trace: str | None
    trace_size: int | None
    uvloop: bool
    prints_to_stderr: bool


def guests_by_process(
    machine: Machine, count: int | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the names of the guests of each process, by the name of the process.

    Guests that name no process share the process "main". With a `count` they are dealt
    out to that many, "process-1" and so on.
    """
    found: dict[str, list[str]] = {}
    dealt = 0
    for guest in machine.guests:
        process = guest.process
        if process is None and count is not None:
            process = f"process-{dealt % count + 1}"
            dealt += 1
        found.setdefault(process or MAIN, []).append(guest.name)
    return {process: tuple(guests) for process, guests in found.items()}
