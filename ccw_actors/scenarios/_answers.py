"""GuestSubchannel above a layer that answers in any order its interface allows.

The layers of this package answer in few orders. Here events come on two lines, each in
order, and either line may be first.

| scenario | line 0 | line 1 | what the guest may see |
|---|---|---|---|
| answers | START's end | HALT's end | one status: START's, with both in FC |
| answers-again | the same, after a START that has ended | | the same |
| answers-stores | the answers to three STOREs, START's end | HALT's end | the same |
| answers-refused | START's end | HALT is refused | the same |
| answers-busy, -invalid, -no-path | | START is refused | that START failed |
| answers-pci | a PCI after HALT, then both end | a PCI before HALT | the first |
| answers-suspended | a suspension, HALT's end | nothing | both |
| answers-clear | START's end | CLEAR's end | CLEAR's alone |
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from ccw_actors.actors.protocol import (
    Instruct,
    Operation,
    StartSubchannel,
    Tested,
)
from ccw_actors.channel import Actl, Cstat, Dstat, Fctl, Scsw, Stctl
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.scenarios._answers_below import (
    BOTH,
    NEW,
    ORB,
    PCI,
    Answers,
    again,
    controlled,
    failed,
    in_any_order,
    refused,
    spawn_guest,
    suspended,
)
from ccw_actors.scenarios._guest_scenario import Maker, spelled
from ccw_actors.scenarios._operations import CLEAR, HALT, STORE, TEST, WAIT

__all__ = ["ANSWERS"]

_START: Final = Instruct(0, StartSubchannel(ORB))


class _AnswersScenario(Struct, frozen=True):
    """The maker of a scenario of CPUs, each with one of the `programs`.

    `seen` has the conditions that the status tested by the first CPU has to meet at the
    end.
    """

    summary: str
    programs: tuple[Sequence[Operation], ...]
    answers: Answers
    seen: Mapping[str, Callable[[Sequence[Scsw]], bool]]

    def __call__(self, layers: Layers | None = None) -> Scenario:
        """Make the scenario."""

        def scenario(world: World) -> None:
            spawn_guest(world.system, self.programs, self.answers, layers or OURS)
            for name, holds in self.seen.items():
                world.final(name, _of_tested(holds))
            world.final("no CPU waits for an answer", _nobody_waits)
            world.sometimes("line 1 is first", _line_1_first)
            world.sometimes("line 0 is first", _line_0_first)

        scenario.__doc__ = self.summary
        return scenario


def _answers(
    summary: str,
    steps: Sequence[Operation],
    answers: Answers,
    *others: Sequence[Operation],
    **seen: Callable[[Sequence[Scsw]], bool],
) -> Maker:
    """Return the maker of a scenario; names in `seen` have underscores for spaces."""
    return _AnswersScenario(
        summary,
        (steps, *others),
        answers,
        spelled(seen),
    )


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
        and scsw.cpa == NEW
    )
    return scsw.fctl == BOTH and ended


def _fails(cstat: int, *, deferred_cc: int = 0) -> Callable[[Sequence[Scsw]], bool]:
    def holds(tested: Sequence[Scsw]) -> bool:
        (scsw,) = tested
        same = (scsw.cstat, scsw.deferred_cc) == (cstat, deferred_cc)
        return same and scsw.fctl == Fctl.START and bool(scsw.stctl & Stctl.ALERT)

    return holds


def _is_new(tested: Sequence[Scsw]) -> bool:
    addresses = {scsw.cpa for scsw in tested if scsw.cstat & PCI}
    return addresses == {NEW}


def _is_clears(tested: Sequence[Scsw]) -> bool:
    return [(s.fctl, s.stctl) for s in tested] == [(Fctl.CLEAR, Stctl.PENDING)]


def _is_suspended(tested: Sequence[Scsw]) -> bool:
    return any(s.actl & Actl.SUSPENDED and s.stctl & Stctl.INTERMEDIATE for s in tested)


_HALTED: Final = (_START, HALT, WAIT, TEST)

ANSWERS: Final[dict[str, Maker]] = {
    "answers": _answers(
        "START and HALT are answered in either order.",
        _HALTED,
        in_any_order,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-again": _answers(
        "START and HALT are answered in either order, after a START that has ended.",
        (_START, WAIT, TEST, *_HALTED),
        again,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-stores": _answers(
        "Three CPUs issue STORE, one at a time; then one issues HALT.",
        (_START, STORE, HALT, WAIT, TEST),
        in_any_order,
        (STORE,),
        (STORE,),
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-refused": _answers(
        "START is answered and HALT is refused, in either order.",
        _HALTED,
        refused,
        the_status_is_that_of_START=_is_starts,
    ),
    "answers-busy": _answers(
        "START is refused as busy, which never happens under this emulator.",
        (_START, WAIT, TEST),
        failed(errno.EBUSY),
        interface_control_check=_fails(Cstat.INTERFACE_CONTROL_CHECK),
    ),
    "answers-invalid": _answers(
        "START is refused because its program is invalid.",
        (_START, WAIT, TEST),
        failed(errno.EINVAL),
        program_check=_fails(Cstat.PROGRAM_CHECK),
    ),
    "answers-no-path": _answers(
        "START is refused because there is no path.",
        (_START, WAIT, TEST),
        failed(errno.EACCES),
        deferred_condition_code_3=_fails(0, deferred_cc=3),
    ),
    "answers-pci": _answers(
        "An intermediate status older than HALT, and one that is not.",
        (*_HALTED, WAIT, TEST),
        controlled,
        the_newer_status_is_seen_and_the_older_is_not=_is_new,
    ),
    "answers-suspended": _answers(
        "The status of a suspension that is older than HALT.",
        (*_HALTED, WAIT, TEST),
        suspended,
        the_suspension_is_seen=_is_suspended,
    ),
    "answers-clear": _answers(
        "START's end and CLEAR's end in either order.",
        (_START, CLEAR, WAIT, TEST),
        in_any_order,
        the_status_is_that_of_CLEAR_alone=_is_clears,
    ),
}
"""The maker of each scenario, by name."""
