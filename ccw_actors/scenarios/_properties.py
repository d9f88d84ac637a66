"""The properties of a passed-through subchannel, checked at every message.

| property | of |
|---|---|
| no program is released while the subchannel may use it | Storage, host's Subchannel |
| nothing stays pinned | Storage, at rest |
| no START of the emulator is refused with EBUSY | GuestSubchannel |
| START is accepted only while FC is zero and no status is pending | GuestSubchannel |
| the functions in a final status are those that were accepted | GuestSubchannel |
| each accepted function gets its final status | GuestSubchannel, at rest |
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from ccw_actors.actors.emulator import GuestSubchannelState
from ccw_actors.actors.host import DriverState
from ccw_actors.actors.protocol import (
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    Pending,
    StartSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Cstat, Fctl
from ccw_actors.explore import Event, View, World

__all__ = [
    "Guarded",
    "Wrong",
    "guard",
    "hold_never_busy",
    "hold_pins",
    "is_held",
    "uses_storage",
]

_GUEST = "guest-subchannel"


class Wrong(StrEnum):
    """The answers that a guest may never get."""

    NOTHING = ""
    START_WHILE_BUSY = "cc 0 on START while FC is nonzero"
    START_WHILE_PENDING = "cc 0 on START while status is pending"
    OTHER_FUNCTIONS = "a final status of functions that were not accepted"


class Guarded(NamedTuple):
    """What the answers to a guest tell.

    `functions` were accepted and have had no final status, as in FC. `pending` is
    whether there is status that has not been tested.
    """

    functions: int = 0
    pending: bool = False
    wrong: Wrong = Wrong.NOTHING


def hold_pins(world: World) -> None:
    """Check that pages are pinned while the channel may use them, and not forgotten."""
    world.system_invariant(
        "no program is released while the subchannel may use it", is_held
    )
    world.final("what is pinned is known", _is_known)


def hold_never_busy(world: World) -> None:
    """Check that VfioCcw is never busy for a START that the emulator has accepted.

    The emulator turns EBUSY into an interface-control check, which no host's subchannel
    shows in these scenarios.
    """
    ref = world.system.ref(_GUEST)
    world.invariant(ref, "no START of the emulator is refused with EBUSY", _is_served)


def _is_served(state: GuestSubchannelState) -> bool:
    shown = (state.irb, state.answer or state.irb)
    check = Cstat.INTERFACE_CONTROL_CHECK
    return not any(irb.scsw.cstat & check for irb in shown)


def _is_known(view: View) -> bool:
    return bool(view["storage"].pins) is bool(view["vfio-ccw"].pinned)


def guard(world: World) -> None:
    """Check the properties in a world with a `PassThroughMachine`."""
    hold_pins(world)
    hold_never_busy(world)
    world.monitor(Guarded(), _follow)
    for wrong in Wrong:
        if wrong:
            world.system_invariant(f"never {wrong}", _never(wrong))
    world.final("nothing stays pinned", lambda view: not view["storage"].pins)
    world.final("each accepted function gets its final status", _all_ended)


def _never(wrong: Wrong) -> Callable[[View], bool]:
    return lambda view: view.monitor.wrong != wrong


def uses_storage(view: View) -> bool:
    """Whether the host's subchannel may use the storage of a guest."""
    host = view["subchannel"]
    # While it flushes, it waits for answers that no program needs any longer.
    works = host.work.awaited in ("storage", "device")
    return host.execution is not None or works


def is_held(view: View) -> bool:
    """Whether pages are pinned while the host's subchannel may use any.

    A program that moves no data uses none, but the driver must still have it.
    """
    if not uses_storage(view):
        return True
    vfio = view["vfio-ccw"]
    # The driver of VfioCcwRegions is a part of its state.
    driver: DriverState = getattr(vfio, "driver", vfio)
    program = driver.program
    moves_data = program is None or bool(program.copy.data_areas())
    return not moves_data or "vfio-ccw" in view["storage"].pins


def _all_ended(view: View) -> bool:
    return not view.monitor.functions or view[_GUEST].schib.scsw.pending


def _follow(known: Guarded, event: Event) -> Guarded:
    """Note what the guest's subchannel has answered and announced."""
    if event.actor != _GUEST:
        return known
    sent = [message for _, message in event.sent]
    if any(isinstance(message, Pending) for message in sent):
        known = known._replace(pending=True)
    if isinstance(event.message, TestSubchannel):
        return _tested(known, sent)
    return _accepted(known, event.message) if ConditionCode(0) in sent else known


def _accepted(known: Guarded, message: object) -> Guarded:
    match message:
        case StartSubchannel():
            wrong = _wrong_start(known)
            return known._replace(functions=known.functions | Fctl.START, wrong=wrong)
        # HSCH and CSCH withdraw pending status.
        case HaltSubchannel():
            return Guarded(known.functions | Fctl.HALT, wrong=known.wrong)
        case ClearSubchannel():
            return Guarded(Fctl.CLEAR, wrong=known.wrong)
        case _:
            return known


def _wrong_start(known: Guarded) -> Wrong:
    if known.functions:
        return Wrong.START_WHILE_BUSY
    return Wrong.START_WHILE_PENDING if known.pending else known.wrong


def _tested(known: Guarded, sent: Sequence[object]) -> Guarded:
    for message in sent:
        if isinstance(message, Tested) and message.cc == 0:
            scsw = message.irb.scsw
            # Intermediate status ends no function.
            if scsw.is_intermediate:
                return known._replace(pending=False)
            same = scsw.fctl == known.functions
            wrong = known.wrong if same else Wrong.OTHER_FUNCTIONS
            return Guarded(wrong=wrong)
    return known
