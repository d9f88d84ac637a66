"""What a channel program in progress asks of storage, and how a halt ends it.

Functions of the program's present state; `channel.program` decides what it needs next.
"""

from typing import TypeAlias

from msgspec import Struct

from ccw_actors.actors.hardware._regions import (
    Region,
    areas_of,
    region_of,
    within,
)
from ccw_actors.actors.protocol import (
    Area,
    Piece,
    ReadStorage,
    SubchannelToStorage,
    WriteStorage,
)
from ccw_actors.channel import Dstat
from ccw_actors.channel.actions import (
    Action,
    End,
    FetchData,
    Fetched,
    FetchWords,
    StorageCheck,
    Words,
)
from ccw_actors.channel.actions import Stored as DataStored
from ccw_actors.channel.execution import Execution
from ccw_actors.runtime import ActorRef

__all__ = ["Access", "cut_short", "is_ccw", "to_fetch", "to_store"]

_CE_DE = Dstat.CHANNEL_AND_DEVICE_END


class Access(Struct, frozen=True):
    """A message to the storage that has an address."""

    storage: ActorRef[SubchannelToStorage]
    message: ReadStorage | WriteStorage


Given: TypeAlias = tuple[Piece, ...]


def is_ccw(action: Action) -> bool:
    """Whether a CCW is fetched next: between two CCWs a halt may come."""
    return type(action) is FetchWords and action.what == Words.CCW


def to_fetch(
    run: int, given: Given, regions: tuple[Region, ...], action: FetchWords | FetchData
) -> Fetched | Access:
    """Fetch what came with START, or return how to read it from storage.

    An address in no region is an addressing check.
    """
    known = _known(given, action) if given else None
    if known is not None:
        return Fetched(known)
    areas = areas_of(action)
    region = region_of(regions, areas[0].address)
    if region is None:
        return Fetched(b"", StorageCheck.ADDRESSING)
    wanted = tuple(Area(a.address - region.base, a.length) for a in areas)
    return Access(region.storage, ReadStorage(run, wanted, region.dma, action.key))


def _known(given: Given, action: FetchWords | FetchData) -> bytes | None:
    """Return the bytes to fetch, if all of them came with START."""
    if isinstance(action, FetchWords):
        return within(given, action.address, action.length)
    parts = [within(given, address, length) for address, length in action.pieces]
    return None if None in parts else b"".join([part or b"" for part in parts])


def to_store(
    run: int,
    regions: tuple[Region, ...],
    pieces: tuple[tuple[int, bytes], ...],
    key: int,
) -> DataStored | Access:
    """Return how to store data; an address in no region is an addressing check."""
    region = region_of(regions, pieces[0][0])
    if region is None:
        return DataStored(0, StorageCheck.ADDRESSING)
    wanted = tuple(Piece(a - region.base, data) for a, data in pieces)
    return Access(region.storage, WriteStorage(run, wanted, region.dma, key))


def cut_short(execution: Execution) -> End:
    """End a halted program between two commands, as the device would.

    A fetched CCW is the current one, and so the last one used. It has moved nothing
    yet, unless the data have used it up and the CCW that continues them is fetched.
    """
    count, cpa = execution.ccw.count, execution.cpa
    if is_ccw(execution.action) and execution.areas:
        last = execution.areas[-1]
        count, cpa = 0 if execution.late else last.count, last.cpa
    elif is_ccw(execution.action):
        count = execution.count
        cpa = cpa if execution.tic else execution.last_cpa
    return End(_CE_DE, 0, count, cpa, selected=True)
