"""What is explored in shares, and how: the same in every process."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._entry import RECHECK
from ccw_actors.explore._model import Model
from ccw_actors.explore._plain import PlainModel, TransitionSystem, is_plain
from ccw_actors.explore._result import Network, Noops, Time
from ccw_actors.explore._world import Scenario
from ccw_actors.explore.shares._exchange import Exchange, PlainExchange
from ccw_actors.explore.shares._numbers import ActorExchange, Register
from ccw_actors.explore.shares._share import Share

__all__ = ["AnyModel", "Base", "Setting"]

AnyModel: TypeAlias = PlainModel[Any, Any] | ActorModel


class Base(NamedTuple):
    """The model in the process that keeps the register, if the model needs one."""

    model: Model[Any, Any]
    exchange: Exchange[Any, Any]
    register: Register | None


class Setting(NamedTuple):
    """A scenario and options of `explore`, which go to other processes.

    `scenario` returns the scenario, and `within` the predicate, if there is one. Both
    have to be what `pickle` takes, such as functions of a module.
    """

    scenario: Callable[[], Scenario | TransitionSystem[Any, Any]]
    delivery: Network = "channel"
    noops: Noops = "consumed"
    time: Time = "untimed"
    within: Callable[[], Callable[[Any], object]] | None = None
    capacity: int = 0

    def predicate(self) -> Callable[[Any], object] | None:
        """Return the predicate that states are to be within, None for none."""
        return None if self.within is None else self.within()

    def model(self) -> AnyModel:
        """Return the scenario as a model. Raises `ExploreError`."""
        scenario, within = self.scenario(), self.predicate()
        if is_plain(scenario):
            return PlainModel(scenario, RECHECK, within)
        assert not isinstance(scenario, TransitionSystem), "`is_plain` has said so"
        return ActorModel(
            scenario,
            self.delivery,
            RECHECK,
            self.time,
            self.noops,
            within=within,
            capacity=self.capacity,
        )

    def base(self) -> Base:
        """Return what the process needs that brings the shares together."""
        model = self.model()
        if isinstance(model, ActorModel):
            register = Register(model)
            return Base(model, register, register)
        return Base(model, PlainExchange(model), None)

    def share(self, number: int, shares: int) -> Share[Any, Any]:
        """Return an empty share, which has yet to learn what the register knows."""
        model = self.model()
        if isinstance(model, ActorModel):
            return Share(model, ActorExchange(model), number, shares)
        return Share(model, PlainExchange(model), number, shares)
