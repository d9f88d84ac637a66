"""The ways in which a section may show: the events before it, and those after it."""

import errno
from collections.abc import Iterator
from typing import Final, NamedTuple

from ccw_actors.channel import Scsw
from ccw_actors.designs import HostState, Section
from ccw_actors.kernel.refinement._observations import Observation
from ccw_actors.kernel.refinement._probes import NOT_OPER_EVENT
from ccw_actors.kernel.refinement._sections import Ended, Following
from ccw_actors.kernel.refinement._threads import Item, Thread, Want, item
from ccw_actors.kernel.refinement._visible import VISIBLE

__all__ = [
    "FREES",
    "NOTIFIES",
    "Plan",
    "after_section",
    "between",
    "interruption",
    "losing",
    "plans",
    "read_scsw",
    "scsw_of",
    "shown",
]

_FSM_EVENT: Final = "fsm event"
_IO_REQUEST, _INTERRUPT, _ASYNC_REQUEST, _OPEN, _CLOSE = 1, 2, 3, 4, 5
FREES: Final = ", frees"
"""The end of the kind of a plan in which fsm_notoper calls cp_free."""
NOTIFIES: Final = "notifies"
"""The kind of a plan in which DMA_UNMAP asks the driver, whatever the model says."""
_QUIESCE: Final = "vfio_ccw_sch_quiesce"
_SEEN: Final = Want("state", "seen")
"""The kernel reads the state for the tracepoint, and again to act on it."""
_BUSY: Final = Want("ret", "=", -errno.EBUSY)
_ERROR_RESULTS: Final = frozenset(
    {
        "vfio_ccw_mdev_write",
        "vfio_ccw_async_region_write",
        "vfio_ccw_mdev_ioctl",
        "vfio_ccw_mdev_open_device",
        "cp_init",
        "cp_prefetch",
    }
)
"""Functions that return a negative error number, or another value if all is well."""


class Plan(NamedTuple):
    """One way in which a section may show.

    `expect` are the events before it, `after` those after it in any case, and `inside`
    the functions that it is in.
    """

    kind: str
    expect: tuple[Item, ...]
    inside: tuple[str, ...]
    after: tuple[Item, ...] = ()


# -- before a section -----------------------------------------------------------------


def plans(thread: Thread, following: Section, inside: tuple[str, ...]) -> list[Plan]:
    """Return the ways for the section that follows.

    `inside` are the functions that the thread is in, once it has left those that the
    section is not in. The events of entering the others are in the plans.
    """
    if following.step == "disable":
        return _disabling(inside)
    if following.step == "open":
        return _opening(inside)
    if following.step == "enable":
        return _enabling(inside)
    visible = VISIBLE[following.step]
    target = _target(thread, following)
    enters = _enters(inside, target)
    if following.step in ("close_free", "notoper_todo"):
        return _freeing(enters, target)
    before = tuple(item(name, keeps=True) for name in visible.before)
    found = [Plan("", (*enters, *before), target)]
    if following.step == "unmap":
        found.append(Plan(NOTIFIES, enters, target))
    if before:
        # A design may refuse without an instruction.
        found = [
            Plan("issued", (*enters, *before), target),
            Plan("not", enters, target),
        ]
    return found


def _target(thread: Thread, following: Section) -> tuple[str, ...]:
    """Return the functions that a section is in."""
    step = following.step
    if step == "flush" and _QUIESCE in thread.inside:
        return thread.inside
    if step in ("flush", "disable", "close_free", "close_chains", "open", "enable"):
        return (*thread.base, *VISIBLE[step].inside)
    return VISIBLE[step].inside


def _enters(inside: tuple[str, ...], target: tuple[str, ...]) -> tuple[Item, ...]:
    """Return the events of entering the functions that are not entered yet."""
    return tuple(item(f"enter {one}", keeps=True) for one in target[len(inside) :])


def _freeing(enters: tuple[Item, ...], target: tuple[str, ...]) -> list[Plan]:
    """Return both orders: io_mutex is taken before the function is entered."""
    *outer, last = enters
    return [
        Plan("entered", enters, target),
        Plan("first", tuple(outer), target, after=(last,)),
    ]


def _disabling(inside: tuple[str, ...]) -> list[Plan]:
    """Return the ways for CLOSE, up to the subchannel's being disabled or given up."""
    call = (item("enter cio_disable_subchannel"),)
    done = (item("exit cio_disable_subchannel", Want("ret", "=", 0)),)
    busy = (item("exit cio_disable_subchannel", _BUSY),)
    cancel = (
        item("enter cio_cancel_halt_clear"),
        item("exit cio_cancel_halt_clear", keeps=True),
    )
    if _QUIESCE in inside:
        return [
            Plan("done", (*call, *done), inside),
            Plan("busy", (*call, *busy, *cancel), inside),
        ]
    event = item(_FSM_EVENT, _SEEN, Want("event", "=", _CLOSE))
    closes = (*inside, "fsm_close")
    enter = (event, item("enter fsm_close"))
    deeper = (*closes, _QUIESCE)
    not_oper = item(_FSM_EVENT, _SEEN, Want("event", "=", NOT_OPER_EVENT))
    return [
        Plan("done", (*enter, *call, *done), closes),
        Plan(
            "busy",
            (*enter, *call, *busy, item(f"enter {_QUIESCE}"), *cancel),
            deeper,
        ),
        *losing("gives up", (event,), inside),
        *losing("gives up", (*enter, not_oper), closes),
        Plan("nothing", (event,), inside),
    ]


def losing(
    kind: str, before: tuple[Item, ...], inside: tuple[str, ...]
) -> tuple[Plan, Plan]:
    """Return the ways of fsm_notoper: it frees the program itself, or does not."""
    enter, leave = item("enter fsm_notoper"), item("exit fsm_notoper")
    frees = item("enter cp_free", keeps=True)
    return (
        Plan(kind, (*before, enter), inside, after=(leave,)),
        Plan(
            f"{kind}{FREES}",
            (*before, enter, frees),
            inside,
            after=(item("exit cp_free"), leave),
        ),
    )


def _opening(inside: tuple[str, ...]) -> list[Plan]:
    """Return the ways for OPEN, up to the look at the state."""
    event = item(_FSM_EVENT, _SEEN, Want("event", "=", _OPEN))
    return [
        Plan("opens", (event,), inside),
        *losing("gives up", (event,), inside),
        Plan("nothing", (event,), inside),
    ]


def _enabling(inside: tuple[str, ...]) -> list[Plan]:
    """Return the ways for OPEN, from there on."""
    opens = (*inside, "fsm_open")
    enable = (item("enter fsm_open"), item("enter cio_enable_subchannel"))
    failed = (
        item("exit cio_enable_subchannel", Want("ret", "<", 0)),
        item(_FSM_EVENT, _SEEN, Want("event", "=", NOT_OPER_EVENT)),
    )
    done = item("exit cio_enable_subchannel", Want("ret", "=", 0))
    return [
        Plan("done", (*enable, done), opens),
        *losing("fails", (*enable, *failed), opens),
    ]


def interruption() -> tuple[Item, ...]:
    """Return the events of an interruption after TSCH has stored status."""
    return (item(_FSM_EVENT, _SEEN, Want("event", "=", _INTERRUPT)),)


# -- after a section ------------------------------------------------------------------


def after_section(
    thread: Thread, before: HostState, following: Following
) -> Iterator[Item]:
    """Yield the events inside the section's functions that its effect implies."""
    match thread.step:
        case "WriteIo" if not before.mutex:
            yield item(_FSM_EVENT, _SEEN, Want("event", "=", _IO_REQUEST))
        case "WriteAsync" if not before.mutex:
            yield item(_FSM_EVENT, _SEEN, Want("event", "=", _ASYNC_REQUEST))
        case "halt" | "clear":
            yield item("async request", Want("errno", "=", -following.errno))
        case "ResetDevice" if isinstance(following, Ended):
            yield item(_FSM_EVENT, Want("event", "=", _CLOSE))
            yield item(_FSM_EVENT, Want("event", "=", _OPEN))
        case "read_irb" if _is_at(following, "test_free"):
            yield item("enter cp_update_scsw", *shown(before.irb.scsw))
            yield item("exit cp_update_scsw")
        case _:
            pass


def _is_at(following: Following, step: str) -> bool:
    return isinstance(following, Section) and following.step == step


def between(
    thread: Thread, following: Following
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return the events of leaving functions, and the functions that are left."""
    target: tuple[str, ...] = ()
    if isinstance(following, Section):
        target = _target(thread, following)
        if following.step in ("disable", "open", "enable"):
            is_inside = _QUIESCE in thread.inside and following.step == "disable"
            target = thread.inside if is_inside else thread.base
    inside = thread.inside
    shared = 0
    for one, other in zip(inside, target, strict=False):
        if one != other:
            break
        shared += 1
    exits: list[Item] = []
    for function in reversed(inside[shared:]):
        if function == "fsm_io_request" and following.errno:
            exits.append(item("io request", Want("errno", "=", -following.errno)))
        exits.append(item(f"exit {function}", *_result(function, following)))
    return tuple(exits), inside[:shared]


def _result(function: str, following: Following) -> tuple[Want, ...]:
    """Return what the result of a function has to be."""
    if function in _ERROR_RESULTS:
        reason = following.errno
        return (Want("ret", "=", -reason) if reason else Want("ret", ">=", 0),)
    if function == "cp_iova_pinned":
        return (Want("ret", "=", int(_is_at(following, "disable"))),)
    return ()


def shown(scsw: Scsw) -> tuple[Want, ...]:
    """Return what an event that shows an SCSW has to agree with."""
    word = scsw.fctl << 12 | scsw.actl << 5 | scsw.stctl
    status = scsw.dstat << 8 | scsw.cstat
    return Want("word", "=", word), Want("status", "=", status)


def read_scsw(found: Observation) -> Scsw:
    """Return the SCSW of an event that shows one."""
    word, status = found.values.get("word"), found.values.get("status")
    if not isinstance(word, int) or not isinstance(status, int):
        return Scsw()
    return Scsw(
        fctl=word >> 12 & 0x7,
        actl=word >> 5 & 0x7F,
        stctl=word & 0x1F,
        dstat=status >> 8,
        cstat=status & 0xFF,
    )


def scsw_of(thread: Thread) -> Scsw:
    """Return the SCSW that TSCH has stored."""
    return Scsw(
        flags=thread.get("dcc") << 8,
        fctl=thread.get("fctl"),
        actl=thread.get("actl"),
        stctl=thread.get("stctl"),
        dstat=thread.get("dstat"),
        cstat=thread.get("cstat"),
    )
