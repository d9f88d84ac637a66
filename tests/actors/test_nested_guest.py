"""A guest inside a guest loses its device: the layers of both guests learn that."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from ccw_actors.actors.protocol import Detach, DetachDevice
from ccw_actors.errors import ActorFailedError
from ccw_actors.scenarios import START, WAIT, NestedMachine
from ccw_actors.testkit import SteppingSystem


class Nested:
    """The layers of the host and of the outer guest, and an inner guest that reads."""

    def __init__(self) -> None:
        system = self.system = SteppingSystem("channel")
        self.machine = NestedMachine(system, (START, WAIT))

    def crash(self, path: str) -> None:
        """Have an actor fail, and begin again."""
        with suppress(ActorFailedError):
            self.system.steps.crash(path)


def detach_device(nested: Nested) -> None:
    """Detach the outer guest's device, as its Cio does."""
    nested.system.ref("outer/subchannel").tell(DetachDevice())


def detach(nested: Nested) -> None:
    """Give up the outer guest's device, as the inner guest's subchannel does."""
    nested.system.ref("inner/vfio-ccw").tell(Detach())


def crash_cio(nested: Nested) -> None:
    """Crash the outer guest's Cio, which then has lost track."""
    nested.crash("outer/cio")


def crash_subchannel(nested: Nested) -> None:
    """Crash the outer guest's subchannel, which then gives up the host's."""
    nested.crash("outer/subchannel")


def crash_vfio_ccw(nested: Nested) -> None:
    """Crash the outer guest's VfioCcw, which then has lost track."""
    nested.crash("inner/vfio-ccw")


@pytest.mark.parametrize(
    "happens",
    [detach_device, detach, crash_cio, crash_subchannel, crash_vfio_ccw],
)
def test_device_lost(happens: Callable[[Nested], None]) -> None:
    """After any message of a START, the inner guest finds that its device is gone."""
    messages = Nested().system.steps.run()
    for before in range(0, messages + 1, 3):
        nested = Nested()
        for _ in range(before):
            nested.system.steps.step()
        happens(nested)
        nested.system.steps.run()
        machine = nested.machine
        _, inner = machine.subchannels
        assert not inner.state.schib.pmcw.valid
        assert len(machine.css.state.reports) == 1
        assert machine.outer.state.pins == machine.inner.state.pins == {}
