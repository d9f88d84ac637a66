"""The place that a command reads or writes: tracks, a record, blocks."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ccw_actors.channel import DeviceCommand
from ccw_actors.devices import BlockGeometry, Geometry, Outcome
from ccw_actors.devices.eckd import EckdState
from ccw_actors.devices.track import slots
from ccw_actors.errors import ImageError

__all__ = ["Place", "place_of"]

_IPL, _WRITE_BLOCKS, _READ_BLOCKS = 0x02, 0x41, 0x42
_R = 4
"""The offset of the record number in a count area."""


class Place(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a command goes.

    `tracks` are cylinders and heads, `record` the number of the record that is under
    the head at its end, and `blocks` the first block and their number.
    """

    tracks: tuple[tuple[int, int], ...] = ()
    record: int | None = None
    blocks: tuple[int, int] = (0, 0)


def place_of(
    geometry: Geometry | BlockGeometry | None,
    before: Any,
    command: DeviceCommand,
    outcome: Outcome[Any],
    needed: Mapping[int, bytes],
) -> Place:
    """Return where a command goes that has been executed on a state of the model.

    `needed` are the tracks that it needed. A model of the user's own has no records
    and no blocks that are known here.
    """
    if isinstance(geometry, BlockGeometry):
        return Place(blocks=_blocks(before, command))
    if not isinstance(geometry, Geometry):
        return Place()
    numbers = dict.fromkeys((*needed, *(track for track, _ in outcome.writes)))
    tracks = tuple(divmod(number, geometry.heads) for number in numbers)
    return Place(tracks, _record(geometry, outcome, needed) if tracks else None)


def _record(
    geometry: Geometry, outcome: Outcome[Any], needed: Mapping[int, bytes]
) -> int | None:
    """Return the number of the record under the head, None at the index."""
    state = outcome.state
    if not isinstance(state, EckdState) or not state.chain.orientation:
        return None
    number = geometry.track_number(state.cylinder, state.head)
    image = dict(outcome.writes).get(number) or needed.get(number, b"")
    try:
        slot = slots(image)[state.chain.slot]
    except (ImageError, IndexError):
        return None
    return image[slot.offset + _R]


def _blocks(state: Any, command: DeviceCommand) -> tuple[int, int]:
    # A model of the user's own may have no chain.
    chain = getattr(state, "chain", None)
    domain = getattr(chain, "domain", None) if command.chained else None
    if command.code in (_READ_BLOCKS, _WRITE_BLOCKS) and domain is not None:
        return domain.block, domain.count
    return 0, int(command.code == _IPL)
