"""A guest inside a guest loses its device: the layers of both guests learn that."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from ccw_actors.actors import ChannelSubsystem, Region, Storage
from ccw_actors.actors.protocol import Detach, DetachDevice, Piece
from ccw_actors.channel import SubchannelId
from ccw_actors.errors import ActorFailedError
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_guest,
    add_subchannel,
    pass_through,
)
from ccw_actors.scenarios import (
    ENABLED,
    PROGRAM,
    START,
    STORAGE,
    VALID_HOST,
    WAIT,
    add_disk,
    one_read,
)
from ccw_actors.testkit import SteppingSystem

OUTER_AT: Final = 1 << 36
"""Where the host has the outer guest's storage."""
INNER_AT: Final = 1 << 32
"""Where the outer guest has the inner one's."""

HOST: Final = DevicePaths(vfio_ccw="outer/vfio-ccw", emulated="outer/subchannel")
OUTER: Final = DevicePaths(
    subchannel="outer/subchannel",
    cio="outer/cio",
    vfio_ccw="inner/vfio-ccw",
    emulated="inner/subchannel",
)
INNER: Final = GuestPaths.below("inner")


class Nested:
    """The layers of the host and of the outer guest, and an inner guest that reads."""

    def __init__(self) -> None:
        system = self.system = SteppingSystem("channel")
        self.outer = Storage(STORAGE)
        self.inner = Storage(STORAGE, (Piece(PROGRAM, one_read()),))
        outer = system.spawn(self.outer, "outer/storage")
        inner = system.spawn(self.inner, "inner/storage")
        regions = (
            Region(OUTER_AT, STORAGE, outer, dma=True),
            Region(OUTER_AT + INNER_AT, STORAGE, inner, dma=True),
        )
        add_disk(system, paths=HOST)
        add_subchannel(system, HOST, SubchannelId(0, 0), VALID_HOST, regions)
        pass_through(system, HOST, outer, base=OUTER_AT, pmcw=ENABLED, sink=OUTER.cio)
        self.subchannel = pass_through(
            system, OUTER, inner, base=INNER_AT, pmcw=ENABLED, sink=INNER.css
        )
        emulated = {0: system.ref(OUTER.emulated)}
        self.css = ChannelSubsystem(emulated)
        add_guest(system, INNER, [(START, WAIT)], emulated, inner, css=self.css)

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


def crash_vfio_ccw(nested: Nested) -> None:
    """Crash the outer guest's VfioCcw, which then has lost track."""
    nested.crash("inner/vfio-ccw")


@pytest.mark.parametrize("happens", [detach_device, detach, crash_cio, crash_vfio_ccw])
def test_device_lost(happens: Callable[[Nested], None]) -> None:
    """After any message of a START, the inner guest finds that its device is gone."""
    messages = Nested().system.steps.run()
    for before in range(0, messages + 1, 3):
        nested = Nested()
        for _ in range(before):
            nested.system.steps.step()
        happens(nested)
        nested.system.steps.run()
        assert not nested.subchannel.state.schib.pmcw.valid
        assert len(nested.css.state.reports) == 1
        assert nested.outer.state.pins == nested.inner.state.pins == {}
