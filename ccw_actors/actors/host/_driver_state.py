"""What a driver remembers: the START in progress, pins, and requests sent to Cio."""

from typing import Literal

from msgspec import Struct

from ccw_actors.actors.host._program_copy import Copy
from ccw_actors.actors.host._translation import Run

__all__ = ["DriverState", "Program"]


class Program(Struct):
    """A START and its channel program.

    `phase` is "copying", "pinning" or "started". `runs` map host addresses to guest
    addresses. `at` is the host address of the CCW that suspended it, 0 if not known.
    `resume` is the number of a RESUME that is being prepared, 0 if none: then `copy` is
    made again, from that CCW on.
    """

    number: int
    phase: Literal["copying", "pinning", "started"]
    copy: Copy
    runs: tuple[Run, ...] = ()
    resume: int = 0
    at: int = 0


class DriverState(Struct):
    """What a driver remembers.

    `program` is the START in progress. `pinned` has the numbers of programs that hold
    pins. `halt`, `clear` and `cancel` are requests sent to Cio and not ended, 0 if
    none. `untaken` counts events with ends that the emulator has not said it has taken.
    """

    program: Program | None = None
    pinned: tuple[int, ...] = ()
    halt: int = 0
    clear: int = 0
    cancel: int = 0
    untaken: int = 0
