"""A guest inside a guest: the outer guest passes its device on, and a layer crashes.

| path | actor |
|---|---|
| volume, device, subchannel, cio | the host's device |
| outer/storage, outer/vfio-ccw, outer/subchannel | the outer guest's device |
| outer/cio, inner/storage, inner/vfio-ccw, inner/subchannel | the inner guest's |
| inner/css, inner/emulator, inner/cpu0 ... | the inner guest |

The outer guest is what has the inner one, so it needs no CPU and no channel subsystem
here: its `Cio` receives what its subchannel announces.
"""

from typing import Final

from ccw_actors.actors import ChannelSubsystem, Region, Storage
from ccw_actors.actors.protocol import Piece
from ccw_actors.channel import SubchannelId
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import (
    OURS,
    DevicePaths,
    GuestPaths,
    Layers,
    Program,
    add_guest,
    add_subchannel,
    pass_through,
)
from ccw_actors.runtime import System
from ccw_actors.scenarios._guest_scenario import Maker
from ccw_actors.scenarios._machine import (
    ENABLED,
    PROGRAM,
    STORAGE,
    VALID_HOST,
    add_disk,
    one_read,
)
from ccw_actors.scenarios._operations import START, WAIT
from ccw_actors.scenarios._properties import uses_storage

__all__ = ["NESTED", "NestedMachine"]

_OUTER_AT: Final = 1 << 36
"""Where the host has the outer guest's storage."""
_INNER_AT: Final = 1 << 32
"""Where the outer guest has the inner one's."""

_HOST: Final = DevicePaths(vfio_ccw="outer/vfio-ccw", emulated="outer/subchannel")
_OUTER: Final = DevicePaths(
    subchannel="outer/subchannel",
    cio="outer/cio",
    vfio_ccw="inner/vfio-ccw",
    emulated="inner/subchannel",
)
_INNER: Final = GuestPaths.below("inner")
_LAYERS: Final = (
    _HOST.vfio_ccw,
    _HOST.emulated,
    _OUTER.cio,
    _OUTER.vfio_ccw,
    _OUTER.emulated,
)
"""The layers that pass the device through, twice: each may crash."""


class NestedMachine:
    """The layers of the host and of the outer guest, and an inner guest.

    The inner guest has a virtual CPU for each of `programs`. `outer` and `inner` are
    the storages of the two guests, `subchannels` the outer guest's subchannel and the
    inner one's, and `css` is the inner guest's.
    """

    def __init__(
        self, system: System, *programs: Program, layers: Layers | None = None
    ) -> None:
        layers = layers or OURS
        self.outer = Storage(STORAGE)
        self.inner = Storage(STORAGE, (Piece(PROGRAM, one_read()),))
        outer = system.spawn(self.outer, "outer/storage")
        inner = system.spawn(self.inner, "inner/storage")
        regions = (
            Region(_OUTER_AT, STORAGE, outer, dma=True),
            Region(_OUTER_AT + _INNER_AT, STORAGE, inner, dma=True),
        )
        add_disk(system, paths=_HOST, layers=layers)
        schid = SubchannelId(0, 0)
        add_subchannel(system, _HOST, schid, VALID_HOST, regions, layers=layers)
        passed = (
            (_HOST, outer, _OUTER_AT, system.ref(_OUTER.cio)),
            (_OUTER, inner, _INNER_AT, system.ref(_INNER.css)),
        )
        self.subchannels = tuple(
            pass_through(
                system, paths, storage, base=at, pmcw=ENABLED, sink=to, layers=layers
            )
            for paths, storage, at, to in passed
        )
        emulated = {0: system.ref(_OUTER.emulated)}
        self.css = ChannelSubsystem(emulated)
        add_guest(
            system,
            _INNER,
            programs,
            emulated,
            inner,
            css=self.css,
            # An emulator that waits for one more CPU never resets the guest.
            cpus=len(programs) + 1,
        )


def _crash_nested(layers: Layers | None = None) -> Scenario:
    def scenario(world: World) -> None:
        """A layer of a guest in a guest crashes at any message of a START."""
        system = world.system
        NestedMachine(system, (START, WAIT), layers=layers)
        world.may_crash(*(system.ref(path) for path in _LAYERS))
        world.system_invariant(
            "no program is released while the subchannel may use it", _is_held
        )
        world.final(
            "nothing stays pinned",
            lambda view: not view["outer/storage"].pins | view["inner/storage"].pins,
        )
        world.final("the inner guest gets its status or a channel report", _is_informed)
        world.sometimes("the device is lost", _is_lost)
        world.sometimes("all goes well", lambda view: not _is_lost(view))

    return scenario


def _is_held(view: View) -> bool:
    """Whether the inner guest's pages are pinned while the channel may use any."""
    return not uses_storage(view) or bool(view["inner/storage"].pins)


def _is_lost(view: View) -> bool:
    return not view["inner/subchannel"].schib.pmcw.valid


def _is_informed(view: View) -> bool:
    if _is_lost(view):
        return bool(view["inner/css"].reports)
    return view["inner/cpu0"].operation is None


NESTED: Final[dict[str, Maker]] = {"crash-nested": _crash_nested}
"""The maker of each scenario, by name."""
