"""VerdictScenario: what a scenario of the table is made of."""

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

    `number` is that of the scenario in the analysis of the thread, 0 for others.
    `title` is what tables show of it. `programs` are those of CPUs, `raw` the requests
    of threads without an emulator. `behaviour` is what the device does with each
    program in a model, `content` the channel program that does the same on this
    package's actors; `program` is what is special about it otherwise. `happens` at any
    time: the device wants attention, it is lost, the guest's subchannel is reset,
    channel paths report. `neighbour` puts another device beside it, whose program hangs
    and which wants attention. `conditions` have to be met sometimes: else the scenario
    has tested nothing. `not_ours` is why there is no such scenario for this package.
    """

    number: int
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
        """Whether an emulator takes part: threads write the regions themselves."""
        return not self.raw
