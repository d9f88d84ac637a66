"""What a driver remembers: the START in progress, and what is pinned or awaited."""

from typing import Literal

from msgspec import Struct

from ccw_actors.actors.host._program_copy import Copy
from ccw_actors.actors.host._translation import Run

__all__ = ["DriverState", "Program"]


class Program(Struct):
    """A START and its channel program.

    `phase` is "copying", "pinning" or "started". `runs` lead host addresses back.
    `at` is the host address of the CCW that has suspended it, as far as is known, else
    0. `resume` is the number of a RESUME that is being prepared, 0 if none: then `copy`
    is made anew, from that CCW on.
    """

    number: int
    phase: Literal["copying", "pinning", "started"]
    copy: Copy
    runs: tuple[Run, ...] = ()
    resume: int = 0
    at: int = 0


class DriverState(Struct):
    """What is remembered.

    `program` is the START not over yet. `pinned` has the numbers of programs that hold
    pins. `halt`, `clear` and `cancel` are requests given to Cio and not ended, 0 if
    none. `untaken` counts events with ends that the emulator has not taken.
    """

    program: Program | None = None
    pinned: tuple[int, ...] = ()
    halt: int = 0
    clear: int = 0
    cancel: int = 0
    untaken: int = 0
