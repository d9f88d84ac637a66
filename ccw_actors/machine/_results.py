"""The progress of a run, and its results."""

import contextlib
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from ccw_actors.actors.protocol import GuestReport
from ccw_actors.control import GuestState

__all__ = ["GuestProgress", "GuestResult", "Progress", "RunResult", "SystemResult"]


class GuestProgress(Struct, frozen=True):
    """How far a guest has come; `report` is None until the guest can be asked."""

    state: GuestState
    report: GuestReport | None = None


class Progress(Struct, frozen=True):
    """A running machine: seconds since its start, messages so far, guests by name."""

    seconds: float
    messages: int
    guests: dict[str, GuestProgress]


class GuestResult(Struct, frozen=True):
    """What a guest did and what its program returned.

    `volser`, `records`, `bytes` and `sha256` are those of `programs.read_volume`; what
    another program returned is in `result`. `cc` counts I/O instructions by condition
    code. `error` is one line, or None if the program came to its end.

    For a guest in a QEMU, `status` is the exit status of QEMU, or a negative signal
    number, and `system_calls` counts the system calls that were checked. The guest is
    `released` if at the end no page of its storage was pinned, no channel program was
    kept, and the host's subchannels were idle. So is one whose process has died, if a
    shared host has the rest of it.
    """

    volser: str | None = None
    records: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    ios: int = 0
    interrupts: int = 0
    cc: dict[str, int] = {}
    error: str | None = None
    result: Any | UnsetType = UNSET
    status: int | UnsetType | None = UNSET
    system_calls: int | UnsetType = UNSET
    released: bool | UnsetType = UNSET

    @classmethod
    def of(cls, report: GuestReport) -> "GuestResult":
        """Make the result of a guest whose program has ended."""
        counts = cls(
            ios=report.ios,
            interrupts=report.interrupts,
            cc=report.cc,
            error=report.error,
        )
        if report.result is None:
            return counts
        for kind in (_Volume, _Client):
            with contextlib.suppress(msgspec.ValidationError):
                known = msgspec.convert(report.result, kind)
                return replace(counts, **msgspec.structs.asdict(known))
        return replace(counts, result=report.result)


class SystemResult(Struct, frozen=True):
    """Messages handled, by type, and seconds of the System's clock."""

    messages: dict[str, int]
    seconds: float


class RunResult(Struct, frozen=True):
    """The end of a run; `trace` is the path of the trace, None if there is none.

    `trace_error` is why the trace is incomplete, `trace_cut` how many of its oldest
    bytes were removed.
    """

    guests: dict[str, GuestResult]
    system: SystemResult
    trace: str | None = None
    trace_error: str | UnsetType = UNSET
    trace_cut: int | UnsetType = UNSET

    @property
    def finished(self) -> bool:
        """Whether the program of every guest came to its end."""
        return all(guest.error is None for guest in self.guests.values())


class _Client(Struct, frozen=True, forbid_unknown_fields=True):
    status: int | None
    system_calls: int
    released: bool


class _Volume(Struct, frozen=True, forbid_unknown_fields=True):
    volser: str
    records: int
    bytes: int
    sha256: str
