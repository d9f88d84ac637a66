"""What a guest sees: the answers to its CPUs, as far as they are valid.

A guest sees the fields of an IRB that are valid for its status, by the table below
(Linux drivers/s390/cio/scsw.h; CCW address and count: PoP, "Subchannel-Status Word").
While no status is pending it does not see the activity of a subchannel: that changes at
any time, and no program may rely on it.
"""

from collections.abc import Callable, Hashable
from typing import Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    ConditionCode,
    Interruption,
    NoInterruption,
    Stopped,
    StorageData,
    StorageWritten,
    Stored,
    Tested,
)
from ccw_actors.channel import Actl, Fctl, Irb, Scsw, Stctl
from ccw_actors.channel.lifecycle import FROM_ORB
from ccw_actors.explore import Event

__all__ = ["seen", "visible"]

Valid: TypeAlias = Callable[[Scsw], bool]


class _Field(NamedTuple):
    """Bits of a field of the SCSW, and when they are valid."""

    name: str
    mask: int
    valid: Valid


def _start(scsw: Scsw) -> bool:
    return bool(scsw.fctl & Fctl.START)


def _pending(scsw: Scsw) -> bool:
    return bool(scsw.stctl & Stctl.PENDING)


def _ended(scsw: Scsw) -> bool:
    """Whether the status shows how far the channel program is."""
    return _pending(scsw) and bool(scsw.stctl & ~Stctl.PENDING)


def _intermediate(scsw: Scsw) -> bool:
    return bool(scsw.stctl & Stctl.INTERMEDIATE)


def _start_pending(scsw: Scsw) -> bool:
    return _start(scsw) and _pending(scsw)


def _start_intermediate(scsw: Scsw) -> bool:
    return _start(scsw) and _intermediate(scsw)


def _not_intermediate(scsw: Scsw) -> bool:
    return _pending(scsw) and not _intermediate(scsw)


def _function_pending(scsw: Scsw) -> bool:
    return bool(scsw.fctl) and _pending(scsw)


def _operational(scsw: Scsw) -> bool:
    return _pending(scsw) and scsw.deferred_cc != 3


_CC: Final = 0x0300
_ESWF: Final = 0x0400
_ACTIVE: Final = Actl.START_PENDING | Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE

FIELDS: Final = (
    _Field("flags", FROM_ORB, _start),
    _Field("flags", _ESWF, _pending),
    _Field("flags", _CC, _start_pending),
    _Field("flags", Scsw.zero_condition.mask, _start_intermediate),
    _Field("flags", Scsw.extended_control.mask, _not_intermediate),
    _Field("flags", Scsw.path_not_operational.mask, _function_pending),
    _Field("actl", _ACTIVE, _pending),
    _Field("dstat", 0xFF, _operational),
    _Field("cstat", 0xFF, _operational),
    _Field("cpa", 0xFFFFFFFF, _ended),
    _Field("count", 0xFFFF, _ended),
)
"""Fields that are not listed are always valid."""

_WHOLE: Final = (
    ConditionCode,
    Interruption,
    NoInterruption,
    StorageData,
    StorageWritten,
    Stopped,
)
"""The messages that are seen as they are."""


def seen(irb: Irb) -> Irb:
    """Return an IRB with zeros in the fields that are not valid."""
    scsw = irb.scsw
    masked = scsw
    for name, mask, valid in FIELDS:
        # A field that is not valid may have any value, in either subchannel.
        if not valid(scsw):
            masked = replace(masked, **{name: getattr(masked, name) & ~mask})
    if not _pending(scsw):
        return Irb(masked)
    return replace(irb, scsw=masked)


def visible(event: Event) -> Hashable | None:
    """Return what a guest sees of a step: a CPU and its answer; None if nothing.

    CPUs are the actors "cpu0", "cpu1" and so on. A guest sees interruptions, condition
    codes, what TEST SUBCHANNEL and STORE SUBCHANNEL store, and storage that it reads.
    """
    message = event.message
    if event.crash or not event.actor.startswith("cpu"):
        return None
    match message:
        case Tested(cc=cc, irb=irb):
            return event.actor, Tested(cc, seen(irb))
        case Stored(cc=cc, schib=schib):
            scsw = seen(Irb(schib.scsw)).scsw
            return event.actor, Stored(cc, replace(schib, scsw=scsw))
        case _:
            return (event.actor, message) if isinstance(message, _WHOLE) else None
