"""GuestSubchannel above a layer that answers in any order its interface allows.

The layers of this package answer in few orders. Here events come on two lines, each in
order, and what comes first is open.

| scenario | line 0 | line 1 | what the guest may see |
|---|---|---|---|
| answers | START's end | HALT's end | one status: START's, with both in FC |
| answers-again | the same, behind a START that is over | | the same |
| answers-stores | what three STOREs find, START's end | HALT's end | the same |
| answers-refused | START's end | HALT is refused | the same |
| answers-busy, -invalid, -no-path | | START is refused | that START failed |
| answers-pci | a PCI after HALT, then both end | a PCI before HALT | the first |
| answers-suspended | a suspension, HALT's end | nothing | both |
| answers-clear | START's end | CLEAR's end | CLEAR's alone |
"""

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from ccw_actors.actors import Storage
from ccw_actors.actors.protocol import (
    ClearRequest,
    Found,
    HaltRequest,
    Instruct,
    IoEvent,
    IoRequest,
    LookRequest,
    Operation,
    Refused,
    StartSubchannel,
    Taken,
    Tested,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Schib,
    Scsw,
    Stctl,
)
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import OURS, GuestPaths, Layers, add_guest, add_guest_subchannel
from ccw_actors.runtime import Actor, ActorRef, receive
from ccw_actors.scenarios._machine import ENABLED, PATHS, PROGRAM
from ccw_actors.scenarios._operations import CLEAR, HALT, STORE, TEST, WAIT
from ccw_actors.scenarios._overlaps import Maker

__all__ = ["ANSWERS"]

Answer: TypeAlias = IoEvent | Refused | Found
Request: TypeAlias = IoRequest | HaltRequest | ClearRequest | LookRequest
Answers: TypeAlias = Callable[[Request], tuple[tuple[int, Answer], ...]]
"""What is said to a request, each with the line that it goes out on."""

_STORAGE: Final = 0x1000
_PCI: Final = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_BOTH: Final = Fctl.START | Fctl.HALT
_OLD, _NEW = PROGRAM + 8, PROGRAM + 16

_ORB: Final = Orb.command(PROGRAM, suspend=True)
_START: Final = Instruct(0, StartSubchannel(_ORB))


class Line(Actor):
    """Passes answers on to `guest`, in order."""

    def __init__(self, guest: ActorRef[Any]) -> None:
        self._guest = guest

    @receive
    def answer(self, message: Answer) -> None:
        """Pass it on."""
        self._guest.tell(message)


class BelowState(Struct):
    """The numbers of the events that have been taken."""

    taken: tuple[int, ...] = ()


class Below(Actor):
    """Stands for all layers below: gives requests their answers, on `lines`."""

    state: BelowState

    def __init__(self, lines: Sequence[ActorRef[Any]], answers: Answers) -> None:
        self._lines = lines
        self._answers = answers
        self.state = BelowState()

    @receive
    def request(self, message: Request) -> None:
        """Answer it."""
        for line, answer in self._answers(message):
            self._lines[line].tell(answer)

    @receive
    def taken(self, message: Taken) -> None:
        """Note it."""
        self.state.taken = (*self.state.taken, *message.ends)


def _started(number: int) -> IoEvent:
    scsw = Scsw(
        flags=_ORB.flags & 0xF8F8,
        fctl=Fctl.START,
        stctl=Stctl.FINAL_STATUS,
        cpa=_NEW,
        dstat=Dstat.CHANNEL_AND_DEVICE_END,
    )
    return IoEvent((number,), (number,), number, Irb(scsw))


def _signalled(number: int, fctl: int) -> IoEvent:
    scsw = Scsw(fctl=fctl, stctl=Stctl.PENDING)
    return IoEvent((number,), (number,), number, Irb(scsw))


def _intermediate(after: int, **fields: int) -> IoEvent:
    scsw = Scsw(fctl=Fctl.START, stctl=Stctl.INTERMEDIATE_STATUS, **fields)
    return IoEvent((1,), (), after, Irb(scsw))


def _in_any_order(request: Request) -> tuple[tuple[int, Answer], ...]:
    number = request.number
    match request:
        case IoRequest():
            return ()
        case HaltRequest():
            return (0, _started(1)), (1, _signalled(number, Fctl.HALT))
        case LookRequest():
            running = Scsw(fctl=Fctl.START, actl=Actl.ACTIVE)
            return ((0, Found(number, Schib(ENABLED, running))),)
        case ClearRequest():
            return (0, _started(number - 1)), (1, _signalled(number, Fctl.CLEAR))


def _again(request: Request) -> tuple[tuple[int, Answer], ...]:
    """End the first START by itself."""
    number = request.number
    match request:
        case IoRequest() if number == 1:
            return ((1, _started(number)),)
        case HaltRequest():
            return (0, _started(number - 1)), (1, _signalled(number, Fctl.HALT))
        case _:
            return ()


def _refused(request: Request) -> tuple[tuple[int, Answer], ...]:
    number = request.number
    if isinstance(request, IoRequest):
        return ()
    return (0, _started(number - 1)), (1, Refused(number, errno.EACCES))


def _failed(reason: int) -> Answers:
    """Refuse START for a reason."""

    def answers(request: Request) -> tuple[tuple[int, Answer], ...]:
        return ((1, Refused(request.number, reason)),)

    return answers


def _controlled(request: Request) -> tuple[tuple[int, Answer], ...]:
    if not isinstance(request, HaltRequest):
        return ()
    number = request.number
    ended = Scsw(
        fctl=_BOTH,
        stctl=Stctl.FINAL_STATUS,
        cpa=_NEW,
        dstat=Dstat.CHANNEL_AND_DEVICE_END,
    )
    return (
        (1, _intermediate(number - 1, actl=Actl.ACTIVE, cpa=_OLD, cstat=_PCI)),
        (0, _intermediate(number, actl=Actl.ACTIVE, cpa=_NEW, cstat=_PCI)),
        (0, IoEvent((1, number), (1, number), number, Irb(ended))),
    )


def _suspended(request: Request) -> tuple[tuple[int, Answer], ...]:
    if not isinstance(request, HaltRequest):
        return ()
    number = request.number
    ended = Scsw(fctl=_BOTH, actl=Actl.SUSPENDED, stctl=Stctl.PENDING, cpa=_NEW)
    return (
        (0, _intermediate(number - 1, actl=Actl.SUSPENDED, cpa=_NEW)),
        (0, IoEvent((1, number), (1, number), number, Irb(ended))),
    )


def _answers(
    summary: str,
    steps: Sequence[Operation],
    answers: Answers,
    *others: Sequence[Operation],
    **seen: Callable[[Sequence[Scsw]], bool],
) -> Maker:
    """Return what makes a scenario of one CPU, or of several.

    `seen` are what has to be true at the end of the status that the CPU has tested, by
    names with underscores for spaces.
    """

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            system = world.system
            ref = system.ref
            lines = [ref("line0"), ref("line1")]
            guest = GuestPaths()
            add_guest_subchannel(
                system, PATHS, 0, ENABLED, sink=guest.css, layers=layers or OURS
            )
            system.spawn(Below(lines, answers), PATHS.vfio_ccw)
            for line in lines:
                system.spawn(Line(ref(PATHS.emulated)), line.path)
            programs = (steps, *others)
            add_guest(
                system,
                guest,
                programs,
                {0: ref(PATHS.emulated)},
                system.spawn(Storage(_STORAGE), "storage"),
                cpus=len(programs) + 1,
                remember=True,
            )
            for name, holds in seen.items():
                world.final(name.replace("_", " "), _of_tested(holds))
            world.final("no CPU waits for an answer", _nobody_waits)
            world.sometimes("line 1 is first", _line_1_first)
            world.sometimes("line 0 is first", _line_0_first)

        scenario.__doc__ = summary
        return scenario

    return maker


def _tested(view: View) -> list[Scsw]:
    outcomes = view["cpu0"].outcomes
    return [o.irb.scsw for o in outcomes if isinstance(o, Tested) and o.cc == 0]


def _nobody_waits(view: View) -> bool:
    paths = ("cpu0", "cpu1", "cpu2")
    cpus = [view[path] for path in paths if path in view]
    return all(not isinstance(cpu.operation, Instruct) for cpu in cpus)


def _of_tested(holds: Callable[[Sequence[Scsw]], bool]) -> Callable[[View], bool]:
    return lambda view: holds(_tested(view))


def _line_0_first(view: View) -> bool:
    return view["guest-subchannel"].answered == Fctl.START or bool(_tested(view))


def _line_1_first(view: View) -> bool:
    answered = view["guest-subchannel"].answered
    return bool(answered and not answered & Fctl.START) or bool(_tested(view))


def _is_starts(tested: Sequence[Scsw]) -> bool:
    scsw = tested[-1]
    ended = (
        scsw.dstat == Dstat.CHANNEL_AND_DEVICE_END
        and scsw.stctl == Stctl.FINAL_STATUS
        and scsw.cpa == _NEW
    )
    return scsw.fctl == _BOTH and ended


def _fails(cstat: int, *, deferred_cc: int = 0) -> Callable[[Sequence[Scsw]], bool]:
    def holds(tested: Sequence[Scsw]) -> bool:
        (scsw,) = tested
        same = (scsw.cstat, scsw.deferred_cc) == (cstat, deferred_cc)
        return same and scsw.fctl == Fctl.START and bool(scsw.stctl & Stctl.ALERT)

    return holds


def _is_new(tested: Sequence[Scsw]) -> bool:
    addresses = {scsw.cpa for scsw in tested if scsw.cstat & _PCI}
    return addresses == {_NEW}


def _is_clears(tested: Sequence[Scsw]) -> bool:
    return [(s.fctl, s.stctl) for s in tested] == [(Fctl.CLEAR, Stctl.PENDING)]


def _is_suspended(tested: Sequence[Scsw]) -> bool:
    return any(s.actl & Actl.SUSPENDED and s.stctl & Stctl.INTERMEDIATE for s in tested)


_HALTED: Final = (_START, HALT, WAIT, TEST)

ANSWERS: Final[dict[str, Maker]] = {
    "answers": _answers(
        "START and HALT are answered in either order.",
        _HALTED,
        _in_any_order,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-again": _answers(
        "START and HALT are answered in either order, behind a START that is over.",
        (_START, WAIT, TEST, *_HALTED),
        _again,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-stores": _answers(
        "STORE of three CPUs, one at a time, and then HALT.",
        (_START, STORE, HALT, WAIT, TEST),
        _in_any_order,
        (STORE,),
        (STORE,),
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-refused": _answers(
        "START is answered and HALT is refused, in either order.",
        _HALTED,
        _refused,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-busy": _answers(
        "START is refused as busy, which this emulator never brings about.",
        (_START, WAIT, TEST),
        _failed(errno.EBUSY),
        interface_control_check=_fails(Cstat.INTERFACE_CONTROL_CHECK),
    ),
    "answers-invalid": _answers(
        "START is refused, as its program is not taken.",
        (_START, WAIT, TEST),
        _failed(errno.EINVAL),
        program_check=_fails(Cstat.PROGRAM_CHECK),
    ),
    "answers-no-path": _answers(
        "START is refused, as there is no path.",
        (_START, WAIT, TEST),
        _failed(errno.EACCES),
        deferred_condition_code_3=_fails(0, deferred_cc=3),
    ),
    "answers-pci": _answers(
        "An intermediate status older than HALT, and one that is not.",
        (*_HALTED, WAIT, TEST),
        _controlled,
        the_newer_status_is_seen_and_the_older_is_not=_is_new,
    ),
    "answers-suspended": _answers(
        "The status of a suspension that is older than HALT.",
        (*_HALTED, WAIT, TEST),
        _suspended,
        the_suspension_is_seen=_is_suspended,
    ),
    "answers-clear": _answers(
        "START's end and CLEAR's end in either order.",
        (_START, CLEAR, WAIT, TEST),
        _in_any_order,
        the_status_is_that_of_CLEAR_alone=_is_clears,
    ),
}
"""What makes each scenario, given the classes that take the parts of the layers."""
