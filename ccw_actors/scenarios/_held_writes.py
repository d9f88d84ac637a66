"""A channel program that writes, on one subchannel: what it shows is on the volume.

| scenario | how the program ends |
|---|---|
| held-writes-halt | two writes, while another CPU halts it |
| held-writes-clear | two writes, while another CPU clears it and starts it again |
| held-writes-check | after the first write, with a program check at a bad CCW |

| property | |
|---|---|
| no status of a program comes while the device holds what the program wrote | always |
| a record that a program has written is on the volume | at rest |
| the device holds nothing | at rest |
"""

from collections.abc import Callable, Sequence
from typing import Final

from ccw_actors.actors.protocol import Operation, Tested
from ccw_actors.channel import Ccw, Cstat, Fctl
from ccw_actors.devices import Track
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.scenarios._bare import bare_scenario
from ccw_actors.scenarios._guest_scenario import Maker
from ccw_actors.scenarios._machine import PATHS, PROGRAM
from ccw_actors.scenarios._machine import track as track_of
from ccw_actors.scenarios._operations import (
    CLEAR,
    HALT,
    START,
    START_AGAIN,
    TEST,
    WAIT,
)

__all__ = ["HELD_WRITES"]

_CC: Final = Ccw.chain_command.mask
_DEFINE_EXTENT, _LOCATE_RECORD, _UPDATE_DATA, _BAD = 0x63, 0x47, 0x85, 0x00
_EXTENT: Final = PROGRAM + 0x40
_LOCATION: Final = PROGRAM + 0x50
_DATA: Final = PROGRAM + 0x60
_NEW: Final = (b"new 1...", b"new 2...")
_SIZE: Final = len(_NEW[0])
_BEHIND: Final = PROGRAM + 32
"""The address behind the program: that in the status of one without an error."""
_IMAGE: Final = track_of(b"old 1...", b"old 2...")


def _writing(*last: Ccw) -> bytes:
    """Return a program that writes record 1, and `last`; parameters and data behind it.

    The location is for two records from record 1 of track 0.
    """
    ccws = (
        Ccw(_DEFINE_EXTENT, _CC, 16, _EXTENT),
        Ccw(_LOCATE_RECORD, _CC, 16, _LOCATION),
        Ccw(_UPDATE_DATA, _CC, _SIZE, _DATA),
        *last,
    )
    words = b"".join(ccw.to_bytes(1) for ccw in ccws).ljust(_EXTENT - PROGRAM, b"\0")
    extent = bytes.fromhex("80c00000 00000000 00000000 0000000e")
    location = bytes.fromhex("01000002 00000000 00000000 01000000")
    return words + extent + location + b"".join(_NEW)


_TWO_WRITES: Final = _writing(Ccw(_UPDATE_DATA, 0, _SIZE, _DATA + _SIZE))
_BAD_AFTER_WRITE: Final = _writing(Ccw(_BAD, 0, 1, _DATA))


def _holds(view: View) -> bool:
    return bool(view[PATHS.device].tracks.held)


def _is_ended(view: View) -> bool:
    """Whether status of a program is pending, and of no clear function."""
    scsw = view[PATHS.subchannel].scsw
    return scsw.pending and scsw.fctl & Fctl.START and not scsw.is_intermediate


def _written(view: View) -> list[bytes]:
    records = Track.from_bytes(view["volume"].tracks[0]).records
    return [record.data for record in records[1:]]


def _is_on_volume(view: View) -> bool:
    """Whether the volume has the records that an end says were written.

    A program without a check has written both, and one with a bad CCW the first.
    """
    irbs = [one.irb for one in view["cpu0"].outcomes if isinstance(one, Tested)]
    ends = [irb.scsw for irb in irbs if irb.scsw.dstat or irb.scsw.cstat]
    first, second = _written(view)
    if any(scsw.cstat & Cstat.PROGRAM_CHECK for scsw in ends):
        return first == _NEW[0]
    whole = any(scsw.cpa == _BEHIND and not scsw.count for scsw in ends)
    return not whole or (first, second) == _NEW


def _held_writes(
    summary: str,
    content: bytes,
    programs: Sequence[Sequence[Operation]],
    check: Callable[[World], None],
) -> Maker:
    """Return the maker of a scenario; `check` states what has to be reached."""

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            kinds = layers or OURS
            bare_scenario(
                *programs,
                content=content,
                image=_IMAGE,
                subchannel=kinds.subchannel,
                device=kinds.device,
            )(world)
            world.system_invariant(
                "no program ends while the device holds what it wrote",
                lambda view: not (_is_ended(view) and _holds(view)),
            )
            world.final("what was written is on the volume", _is_on_volume)
            world.final("the device holds nothing", lambda view: not _holds(view))
            world.sometimes("the device holds a track", _holds)
            check(world)

        scenario.__doc__ = summary
        return scenario

    return maker


def _halted(world: World) -> None:
    def ends_early(view: View) -> bool:
        first, second = _written(view)
        return _is_ended(view) and first == _NEW[0] and second != _NEW[1]

    world.sometimes("the halt ends it after the first write", ends_early)


def _cleared(world: World) -> None:
    def gone(view: View) -> bool:
        return _holds(view) and view[PATHS.subchannel].execution is None

    world.sometimes("the clear comes while a track is held", gone)


def _checked(world: World) -> None:
    world.final("only the first is written", lambda view: _written(view)[1] != _NEW[1])


HELD_WRITES: Final[dict[str, Maker]] = {
    "held-writes-halt": _held_writes(
        "A HALT comes while a device holds what a channel program writes.",
        _TWO_WRITES,
        ((START, WAIT, TEST), (HALT,)),
        _halted,
    ),
    "held-writes-clear": _held_writes(
        "A CLEAR comes while a device holds what a channel program writes.",
        _TWO_WRITES,
        ((START, WAIT, TEST), (CLEAR, WAIT, TEST, START_AGAIN)),
        _cleared,
    ),
    "held-writes-check": _held_writes(
        "A program that writes ends at a CCW of which the device learns nothing.",
        _BAD_AFTER_WRITE,
        ((START, WAIT, TEST), (START_AGAIN,)),
        _checked,
    ),
}
"""The maker of each scenario, by name."""
