"""The argument of a predicate over several actors."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ccw_actors.runtime import ActorRef

__all__ = ["View"]


class View:
    """The states of all actors that exist, by path or reference, between two messages.

    `monitor` is the value of the scenario's monitor, None without one.
    """

    def __init__(
        self,
        places: Mapping[str, int],
        state_of: Callable[[int], Any],
        monitor: Any,
    ) -> None:
        self._places = places
        self._state_of = state_of
        self.monitor = monitor

    def __getitem__(self, actor: ActorRef[Any] | str) -> Any:
        return self._state_of(self._places[_path(actor)])

    def __contains__(self, actor: ActorRef[Any] | str) -> bool:
        return _path(actor) in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _path(actor: ActorRef[Any] | str) -> str:
    return actor if isinstance(actor, str) else actor.path
