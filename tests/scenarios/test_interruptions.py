"""A channel subsystem with a fault is refuted where an interruption is handed over."""

import pytest

from ccw_actors.actors import ChannelSubsystem
from ccw_actors.actors.hardware._channel_subsystem import Waiter
from ccw_actors.actors.protocol import InterruptionGone
from ccw_actors.explore import explore
from ccw_actors.machine import _wiring
from ccw_actors.runtime import Failure, receive
from ccw_actors.scenarios import SCENARIOS


class ForgetsWhoAskedAFailedOne(ChannelSubsystem):
    """Leaves a wait closed when the subchannel has failed that was asked for it."""

    @receive
    def failure(self, message: Failure) -> None:
        """Do nothing."""


class ForgetsWhoAskedForOneThatIsGone(ChannelSubsystem):
    """Leaves a wait closed when there is no interruption for it after all."""

    @receive
    def interruption_gone(self, message: InterruptionGone) -> None:
        """Go on with other waits."""
        del message
        self._go_on()


class ServesAnyMask(ChannelSubsystem):
    """Takes the oldest wait for one with all interruption subclasses on."""

    def _first_for(self, isc: int) -> Waiter | None:
        del isc
        return next((one for one in self.state.waiters if one.asked < 0), None)


@pytest.mark.parametrize(
    ("broken", "scenario"),
    [
        (ForgetsWhoAskedAFailedOne, "interruption-crash"),
        (ForgetsWhoAskedAFailedOne, "bare-interruption-crash"),
        (ForgetsWhoAskedForOneThatIsGone, "interruption-isc"),
        (ServesAnyMask, "interruption-mask"),
        (ServesAnyMask, "bare-interruption-mask"),
    ],
)
def test_faults_are_found(
    monkeypatch: pytest.MonkeyPatch, broken: type[ChannelSubsystem], scenario: str
) -> None:
    """Each fault of a channel subsystem is refuted."""
    monkeypatch.setattr(_wiring, "ChannelSubsystem", broken)
    result = explore(SCENARIOS[scenario])
    assert result.verdict == "refuted", result
