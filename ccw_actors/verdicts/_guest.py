"""The actors that every machine has: a guest, and an operator who resets it.

| path | actor |
|---|---|
| guest-subchannel | the emulator, or the reader of the regions where there is none |
| css, emulator, cpu0 ... | the guest |
| operator | resets the guest's subchannel |
"""

from typing import Any, Final

from msgspec import Struct

from ccw_actors.actors.protocol import ResetSubchannel, SubchannelReset
from ccw_actors.channel import SubchannelId
from ccw_actors.explore import World
from ccw_actors.runtime import Actor, ActorRef, Message, System, receive
from ccw_actors.scenarios import add_cpus
from ccw_actors.verdicts._guest_monitor import GUEST
from ccw_actors.verdicts._scenario import VerdictScenario

__all__ = [
    "LEFT",
    "SCHID",
    "spawn_guest",
    "spawn_operator",
]

LEFT: Final = "I6: a program is never freed, and its pages stay pinned"
SCHID: Final = SubchannelId(0, 0)


def spawn_guest(system: System, scenario: VerdictScenario) -> None:
    """Spawn a guest's CPUs, its channel subsystem, and the actor that ends it."""
    add_cpus(system, scenario.programs, system.ref(GUEST), system.ref("storage"))


def spawn_operator(world: World, scenario: VerdictScenario) -> None:
    """Spawn the operator, if the scenario has a reset of the guest's subchannel."""
    if scenario.happens == "reset":
        operator = world.spawn(Operator(world.system.ref(GUEST)), "operator")
        world.inject(operator, Press())


class Press(Message, frozen=True):
    """The operator presses the button."""


class OperatorState(Struct):
    """Whether a reset is in progress."""

    waits: bool = False


class Operator(Actor):
    """Resets the guest's subchannel, at any time."""

    state: OperatorState

    def __init__(self, subchannel: ActorRef[Any]) -> None:
        self._subchannel = subchannel
        self.state = OperatorState()

    @receive
    def press(self, _message: Press) -> None:
        """Reset the guest's subchannel."""
        self.state.waits = True
        self._subchannel.tell(ResetSubchannel())

    @receive
    def done(self, _message: SubchannelReset) -> None:
        """Note that the reset is done."""
        self.state.waits = False
