"""Which guest of a machine runs in which process, and what a process is told."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.machine._config import Machine, Placement
from ccw_actors.machine._problems import check_machine

__all__ = ["MAIN", "SIGNALLED", "Part", "guests_by_process", "placed"]

MAIN = "main"
"""The process of guests that name none."""

SIGNALLED: Final = 128
"""What a process that a signal ended in order adds to its number, as its status."""


class Part(Struct, frozen=True):
    """What one process has to do: the file that it reads first, as JSON.

    `address` is where the parent listens, `path` and `text` are the machine file. The
    part of the `trace` has its newest `trace_size` bytes, None for all. With the
    `placement` "shared-host" the parent has the host's part of the guests.
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
    placement: Placement


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


def placed(machine: Machine, placement: Placement | None, source: str) -> Machine:
    """Return the machine with that placement, None for its own.

    Raises:
        MachineFileError: It does not fit with the rest of the machine; the text names
            `source` as the file.
    """
    if placement is None:
        return machine
    changed = replace(machine, placement=placement)
    check_machine(changed, source)
    return changed
