"""A device or a subchannel that shows an end too early is refuted."""

from typing import Any

import pytest

from ccw_actors.actors import Device, Subchannel
from ccw_actors.actors.hardware import SubchannelState
from ccw_actors.actors.hardware._subchannel_functions import FunctionsAtWork
from ccw_actors.actors.protocol import ResetDone, ResetSignal, WriteHeldTracks
from ccw_actors.channel.actions import End, WriteHeld
from ccw_actors.channel.execution import Execution
from ccw_actors.explore import explore
from ccw_actors.machine import Layers
from ccw_actors.runtime import receive
from ccw_actors.scenarios import MAKERS


class NeverAsks(FunctionsAtWork):
    """Shows the end of a program without asking the device to write."""

    def _have_written(
        self, state: SubchannelState, _execution: Execution, action: WriteHeld
    ) -> None:
        self._end(state, action.end)


class HaltsAtOnce(FunctionsAtWork):
    """Shows the end of a halted program without asking the device to write."""

    def _cut_short(self, state: SubchannelState, execution: Execution) -> None:
        self._end(state, End(0x0C, 0, 0, execution.cpa, selected=True))


class AsksNever(Subchannel):
    """Has functions that never ask."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._functions = NeverAsks(self._links, self._model, self._pace)


class AsksAtNoHalt(Subchannel):
    """Has functions that do not ask at a halt."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._functions = HaltsAtOnce(self._links, self._model, self._pace)


class ForgetsHeld(Device):
    """Answers that held tracks are written, and has not written them."""

    @receive
    def write_held(self, message: WriteHeldTracks) -> None:
        """Write nothing."""
        self.state.tracks.take_held()
        super().write_held(message)


class HoldsAcrossResets(Device):
    """Keeps at a reset what it holds."""

    @receive
    def reset(self, message: ResetSignal) -> ResetDone:
        """Write nothing, and reset."""
        tracks = self.state.tracks
        held, tracks.held = tracks.held, frozenset()
        done = super().reset(message)
        tracks.held = held
        return done


@pytest.mark.parametrize(
    ("broken", "scenario"),
    [
        (Layers(subchannel=AsksNever), "held-writes-check"),
        (Layers(subchannel=AsksNever), "held-writes-halt"),
        (Layers(subchannel=AsksAtNoHalt), "held-writes-halt"),
        (Layers(device=ForgetsHeld), "held-writes-check"),
        (Layers(device=HoldsAcrossResets), "held-writes-clear"),
    ],
)
def test_faults_are_found(broken: Layers, scenario: str) -> None:
    """Each fault is refuted."""
    result = explore(MAKERS[scenario](broken))
    assert result.verdict == "refuted", result
