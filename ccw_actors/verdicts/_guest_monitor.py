"""Follows the answers that a guest gets, and notes which of them may never be.

| id | what has to be true of the guest's subchannel, whatever is behind it |
|---|---|
| I4 | START is accepted only while FC is zero and no status is pending |
| I5 | the status that TSCH shows is pending, and that of the functions in FC |
| I8 | each accepted function gets its final status, unless the device is lost |
| cc 2 | START gets condition code 2 only while FC is nonzero |

Source: PoP, "START SUBCHANNEL", "CLEAR SUBCHANNEL", "Function Control", and the reviews
of the series. The ids are those of the verdict table.
"""

from typing import Final, NamedTuple

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    Instruction,
    NotOperational,
    Pending,
    StartSubchannel,
    SubchannelReset,
    TakeInterruption,
    Tested,
)
from ccw_actors.channel import Fctl, Scsw
from ccw_actors.channel.fields import bit_names
from ccw_actors.explore import Event
from ccw_actors.scenarios import PATHS

__all__ = ["GUEST", "GUEST_SIDE", "GuestMonitor", "follow"]

GUEST: Final = PATHS.emulated
_START: Final = StartSubchannel.__name__

GUEST_SIDE: Final = {
    "I4": "START is accepted only while FC is zero and no status is pending",
    "I5": "TSCH shows pending status only, of the functions that were accepted",
    "I8": "each accepted function gets its final status",
    "cc 2": "START gets condition code 2 only while a function is in progress",
}
"""The invariants that a guest can see, by id."""


class GuestMonitor(NamedTuple):
    """What the answers to a guest tell.

    `asked` has, by CPU, the type of the instruction that is not answered. `functions`
    were accepted and have had no final status, as in FC. `pending` is whether there is
    status that was not tested. `newest` is the type of the last instruction, and `met`
    that of the last one that came while status was pending. `wrong` names the broken
    invariant: an id of `GUEST_SIDE`, a colon, and what happened.
    """

    asked: tuple[tuple[str, str], ...] = ()
    functions: int = 0
    pending: bool = False
    newest: str = ""
    met: str = ""
    wrong: str = ""


def follow(monitor: GuestMonitor, event: Event) -> GuestMonitor:
    """Note an instruction for the guest's subchannel, or an answer of it."""
    message = event.message
    if isinstance(message, Instruction):
        name = type(message).__name__
        asked = (*monitor.asked, (event.sender, name))
        met = name if monitor.pending else monitor.met
        monitor = monitor._replace(asked=asked, newest=name, met=met)
    hints = [one for one in event.sent if isinstance(one[1], Pending)]
    answers = [one for one in event.sent if not isinstance(one[1], Pending)]
    if isinstance(message, TakeInterruption):
        hints = []
    # The status that TSCH answers was pending before the one announced with it.
    for to, answer in (*answers, *hints):
        monitor = _sent(monitor, to, answer)
    return monitor


def _sent(monitor: GuestMonitor, to: str, answer: object) -> GuestMonitor:
    match answer:
        case Pending():
            return monitor._replace(pending=True)
        case SubchannelReset():
            return monitor._replace(functions=0, pending=False)
        case NotOperational():
            return monitor._replace(functions=0, pending=False)
        case _:
            name = dict(monitor.asked).get(to, "")
            asked = tuple(one for one in monitor.asked if one[0] != to)
            return _answered(monitor._replace(asked=asked), name, answer)


def _answered(monitor: GuestMonitor, name: str, answer: object) -> GuestMonitor:
    """Note the answer to an instruction of type `name`."""
    match answer:
        case ConditionCode(cc=0):
            return _accepted(monitor, name)
        case ConditionCode(cc=2) if name == _START and not monitor.functions:
            return _wrong(monitor, "cc 2: START is refused while FC is zero")
        case Tested(cc=0, irb=irb):
            return _tested(monitor, irb.scsw)
        case _:
            return monitor


def _accepted(monitor: GuestMonitor, name: str) -> GuestMonitor:
    match name:
        case _ if name == _START:
            return _started(monitor)
        case HaltSubchannel.__name__:
            functions = monitor.functions | Fctl.HALT
            return monitor._replace(functions=functions, pending=False)
        case ClearSubchannel.__name__:
            return monitor._replace(functions=Fctl.CLEAR, pending=False)
        case CancelSubchannel.__name__:
            return monitor._replace(functions=monitor.functions & ~Fctl.START)
        case _:
            return monitor


def _started(monitor: GuestMonitor) -> GuestMonitor:
    if monitor.functions:
        busy = _names(monitor.functions)
        text = f"I4: START is accepted while {busy} is in progress"
        monitor = _wrong(monitor, text)
    elif monitor.pending:
        monitor = _wrong(monitor, "I4: START is accepted while status is pending")
    return monitor._replace(functions=monitor.functions | Fctl.START)


def _tested(monitor: GuestMonitor, scsw: Scsw) -> GuestMonitor:
    shown, accepted = scsw.fctl, monitor.functions
    status = f"the status of {_names(shown)}" if shown else "unsolicited status"
    if not monitor.pending:
        monitor = _wrong(
            monitor, f"I5: TSCH shows {status}, which was dropped or shown before"
        )
    elif shown != accepted:
        own = f"{_names(accepted)} is in progress" if accepted else "FC is zero"
        monitor = _wrong(monitor, f"I5: TSCH shows {status} while {own}, and ends FC")
    functions = accepted if scsw.is_intermediate else 0
    return monitor._replace(functions=functions, pending=False)


def _names(functions: int) -> str:
    return bit_names(Fctl.NAMES, functions).upper()


def _wrong(monitor: GuestMonitor, what: str) -> GuestMonitor:
    """Note the first fault; later ones are ignored."""
    return monitor if monitor.wrong else monitor._replace(wrong=what)
