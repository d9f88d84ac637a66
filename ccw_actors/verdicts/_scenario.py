"""VerdictScenario: a scenario of the verdict table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ccw_actors.actors.protocol import Operation
from ccw_actors.designs import ENDS, Behaviour, Case, DesignRequest
from ccw_actors.scenarios import one_read
from ccw_actors.verdicts._conditions import Condition

__all__ = ["VerdictScenario"]

Steps = Sequence[Operation]


@dataclass(frozen=True, kw_only=True)
class VerdictScenario:
    """One race, to be explored for every design.

    `title` is shown in tables. `programs` are those of the guest's CPUs, `raw` the
    requests of threads without an emulator. In a model the device treats each program
    as `behaviour` says; on this package's actors the channel program `content` does the
    same. `program` names a special case of the program. `happens` comes at any time:
    the device has attention, it is lost, the guest's subchannel is reset, channel paths
    report. With `neighbour` there is another device, whose program hangs and which has
    attention. Some schedule has to reach each of the `conditions`, or the scenario has
    tested nothing. `not_ours` is why the scenario does not apply to this package.
    """

    title: str
    summary: str
    invariants: tuple[str, ...]
    programs: tuple[Steps, ...] = ()
    raw: tuple[tuple[DesignRequest, ...], ...] = ()
    behaviour: Behaviour = ENDS
    content: bytes = field(default_factory=one_read)
    program: Case = ""
    happens: Literal["", "attention", "loss", "reset", "reports"] = ""
    neighbour: bool = False
    not_ours: str = ""
    conditions: Mapping[str, Condition] = field(default_factory=dict[str, Condition])

    @property
    def has_emulator(self) -> bool:
        """Whether it has an emulator; if not, threads write the regions themselves."""
        return not self.raw
