"""Every schedule of a golden vector gives what real Hercules observed."""

from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.actors import Subchannel
from ccw_actors.actors.protocol import CommandEnded, Tested
from ccw_actors.actors.protocol import TestSubchannel as Test
from ccw_actors.channel import Irb
from ccw_actors.explore import Limits, explore
from ccw_actors.runtime import receive
from tests.channel.golden_host import CATEGORIES, Case, cases
from tests.scenarios.golden_orders import golden, waits_for_status

CASES = [case for case in cases() if waits_for_status(case)]
LEFT_OUT = [case for case in cases() if not waits_for_status(case)]
LIMITS = Limits(states=20_000)


def named(selected: list[Case]) -> list[Any]:
    """Return cases as parameters."""
    return [pytest.param(case, id=case["name"]) for case in selected]


def test_most_cases_are_taken() -> None:
    """The vectors left out act while a program runs, or have two statuses."""
    assert {case["category"] for case in CASES} == CATEGORIES
    assert len(CASES) > 5 * len(LEFT_OUT)


@pytest.mark.parametrize("case", named(CASES))
def test_every_order_is_golden(case: Case) -> None:
    """Each schedule has the golden condition codes and SCSWs; the invariants hold."""
    result = explore(golden(case), limits=LIMITS)
    assert result.verdict == "verified", str(result)


class ShowsNoResidue(Subchannel):
    """A subchannel whose residual count is always zero."""

    @receive
    def test(self, message: Test) -> Tested:
        """Show a residual count of zero."""
        tested = super().test(message)
        return Tested(tested.cc, Irb(replace(tested.irb.scsw, count=0)))


class EndsTwice(Subchannel):
    """A subchannel that continues a program that has ended."""

    @receive
    def command_ended(self, message: CommandEnded) -> None:
        """Continue the program."""
        super().command_ended(message)
        if self.state.execution is None:
            self._links.proceed(self.state)
            self.state.happened("device asked")


@pytest.mark.parametrize("kind", [ShowsNoResidue, EndsTwice])
def test_what_is_broken_is_not_golden(kind: type[Subchannel]) -> None:
    """A wrong subchannel fails some vector."""
    found = {explore(golden(case, kind), limits=LIMITS).verdict for case in CASES}
    assert "refuted" in found
