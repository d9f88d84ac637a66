"""Things worth exploring, by name."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from ccw_actors.explore import Scenario, TransitionSystem
from ccw_actors.scenarios.bank import bank_transfer
from ccw_actors.scenarios.lost_reply import lost_reply
from ccw_actors.scenarios.pass_through import MAKERS
from ccw_actors.scenarios.paxos import paxos
from ccw_actors.scenarios.ping_pong import ping_pong
from ccw_actors.scenarios.two_phase import two_phase
from ccw_actors.scenarios.two_phase_commit import two_phase_commit

__all__ = [
    "REFUTED",
    "SCENARIOS",
    "bank_transfer",
    "lost_reply",
    "paxos",
    "ping_pong",
    "two_phase",
    "two_phase_commit",
]

_Explored: TypeAlias = Scenario | TransitionSystem[Any, Any]


class _Scenarios(Mapping[str, _Explored]):
    """Scenarios by name, each made when somebody asks for it.

    Many go through the orders of their specification when they are made: all of them
    take longer than most commands.
    """

    def __init__(self, makers: Mapping[str, Callable[[], _Explored]]) -> None:
        self._makers = makers
        self._made: dict[str, _Explored] = {}

    def __getitem__(self, name: str) -> _Explored:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


SCENARIOS: Mapping[str, _Explored] = _Scenarios(
    {
        "ping-pong": ping_pong,
        "bank-transfer": bank_transfer,
        "bank-transfer-buggy": partial(bank_transfer, buggy=True),
        "two-phase-commit": two_phase_commit,
        "two-phase-commit-hasty": partial(two_phase_commit, hasty=True),
        "two-phase-plain-3": partial(two_phase, 3),
        "two-phase-plain-5": partial(two_phase, 5),
        "paxos": paxos,
        "lost-reply": lost_reply,
        "lost-reply-careless": partial(lost_reply, careless=True),
        **{name: partial(maker, None) for name, maker in MAKERS.items()},
    }
)
"""The scenarios that come with the package, each of the smallest size that shows it."""

REFUTED = frozenset(
    {"bank-transfer-buggy", "two-phase-commit-hasty", "lost-reply-careless"}
)
"""Those that are wrong on purpose."""
