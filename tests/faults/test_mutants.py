"""Shipped scenarios refute small faults of the actors, or there is a reason why not."""

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ccw_actors.scenarios import MAKERS
from tests.faults.judge import Judgement, judge, lines_reached
from tests.faults.mutants import MODULES, Mutant, dropped_of, mutants_of, source_of

SURVIVORS: Final = tomllib.loads(
    (Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8")
)["reason"]
NOT_ASKED: Final = {"crash-clear", "crash-halt", "crash-reset"}
"""Scenarios that take a minute each: `crash-start` is used instead."""


class Fault(NamedTuple):
    """A fault that all scenarios once let pass: what a text of a module became."""

    module: str
    before: str
    after: str
    scenario: str


_UNTAKEN: Final = (" or state.clear or state.untaken:", " or state.clear:")
FAULTS: Final = (
    Fault("driver", *_UNTAKEN, "raw-starts"),
    Fault("driver", *_UNTAKEN, "raw-regions"),
    Fault(
        "cio_state", "if not self.waiting or self.looked:", "if True:", "cancel-late"
    ),
    Fault("guest_status", "after < self.halt", "after <= self.halt", "answers-pci"),
    Fault(
        "guest_status",
        "        self.interruption.withdraw()\n        self.halt =",
        "        self.halt =",
        "pci-halt",
    ),
    Fault("guest_subchannel", "case _ if pending:", "case _ if False:", "resume-early"),
    Fault(
        "subchannel_status",
        """        self.program = ()
        self.happened(event)""",
        """        self.program = ()""",
        "bare-restart",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.module}-{f.scenario}")
def test_a_fault_is_seen(fault: Fault) -> None:
    """It is in host and reference alike, and refuted by the scenario named."""
    source = source_of(fault.module)
    assert source.count(fault.before) == 1
    changed = source.replace(fault.before, fault.after)
    mutant = Mutant(fault.module, "", "", "", changed, 0)
    judgement = judge(mutant, [fault.scenario])
    assert judgement.scenario == fault.scenario


def test_nothing_is_seen_where_nothing_is_wrong() -> None:
    """The source as it is passes."""
    mutant = Mutant("cio", "", "", "", source_of("cio"), 0)
    assert judge(mutant, ["busy", "cancel-late"]) == Judgement()


def test_each_survivor_that_is_dropped_is_a_fault() -> None:
    """No reason is about deleted code, and none is given twice."""
    told = [name for reason in SURVIVORS for name in reason["faults"]]
    assert len(told) == len(set(told))
    known = {mutant.name for module in MODULES for mutant in dropped_of(module)}
    dropped = [name for name in told if ": drop " in name]
    assert dropped
    assert set(dropped) <= known


@pytest.mark.slow
def test_every_fault_is_seen_or_has_its_reason() -> None:
    """A scenario refutes each fault, or the list says that it makes no difference.

    It takes an hour or two.
    """
    pytest.importorskip("cosmic_ray")
    told = {name for reason in SURVIVORS for name in reason["faults"]}
    names = [name for name in MAKERS if name not in NOT_ASKED]
    reached = lines_reached(names)
    survived: set[str] = set()
    for mutant in (one for module in MODULES for one in mutants_of(module)):
        near = range(mutant.line - 2, mutant.line + 3)
        asked = [n for n in names if not reached[n][mutant.module].isdisjoint(near)]
        if mutant.name not in told and judge(mutant, asked) == Judgement():
            survived.add(mutant.name)
    assert not survived
