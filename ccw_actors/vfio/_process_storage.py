"""ProcessStorage: main storage of a guest in the memory of another process.

Only addresses that the process has mapped for its devices exist. It answers like
`actors.Storage`, with two differences: it has no storage keys, as no client gives them,
and it may see a simultaneous store of a guest's CPU in parts, as a real channel may.

A range is unmapped only when no actor has pages of it pinned. So no channel program in
progress names any of it, and the range is then forgotten.

A range is the memory that the process had when it mapped it. When the process has
ended, or executes another program, its ranges have no memory any longer.
"""

import errno
import os
from itertools import groupby
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import PAGE_SIZE, pages_of
from ccw_actors.actors.hardware import pins as pinned
from ccw_actors.actors.protocol import (
    AddToStorage,
    Area,
    CountPins,
    Piece,
    Pin,
    PinCount,
    Pinned,
    ReadStorage,
    StorageData,
    StorageWritten,
    Unpin,
    UnpinAll,
    WriteStorage,
)
from ccw_actors.channel import StorageCheck
from ccw_actors.runtime import Actor, ActorRef, receive
from ccw_actors.vfio._dma import DmaRange, DmaRanges, Part
from ccw_actors.vfio._memory import ProcessMemory
from ccw_actors.vfio._messages import (
    MapRange,
    ProcessStorageMessage,
    RangeMapped,
    RangeUnmapped,
    StorageLost,
    UnmapRange,
)
from ccw_actors.vfio._uapi import DmaFlag

__all__ = ["ProcessStorage"]

_GONE: Final = os.strerror(errno.ESRCH)


class ProcessStorageState(Struct):
    """Pinned pages; the ranges themselves are configuration of the process."""

    pins: pinned.Pins = {}


class ProcessStorage(Actor[ProcessStorageMessage]):
    """Storage behind a client's ranges; it sends `client` a StorageLost on failure."""

    state: ProcessStorageState

    def __init__(self, client: ActorRef[StorageLost]) -> None:
        self._client = client
        self._ranges = DmaRanges()
        self._memories: dict[int, ProcessMemory] = {}
        self._uses: dict[int, int] = {}
        self._next = 0
        self.state = ProcessStorageState()

    # -- from the client ---------------------------------------------------------------

    def on_stop(self) -> None:
        """Close the descriptors of processes."""
        for memory in self._memories.values():
            memory.close()
        self._memories.clear()

    def on_failure(self, error: BaseException) -> None:  # noqa: ARG002 - the base's
        """Clean up as in `on_stop`."""
        self.on_stop()

    @receive
    def map_range(self, message: MapRange) -> RangeMapped:
        """Add a range, or answer why not: see `DmaRanges.add`, `ProcessMemory`."""
        try:
            memory = self._memory_of(message.process)
        except OSError as error:
            return RangeMapped(error.errno or errno.EFAULT)
        added = self._ranges.add(
            DmaRange(message.iova, message.size, message.vaddr, message.flags, memory)
        )
        self._use(memory, 0 if added else 1)
        return RangeMapped(added)

    def _memory_of(self, process: int) -> int:
        """Return the number of a process's memory; new memory gets a new number."""
        for number, memory in self._memories.items():
            if memory.pid == process and memory.is_there():
                return number
        self._next += 1
        self._memories[self._next] = ProcessMemory(process)
        return self._next

    def _use(self, memory: int, more: int) -> None:
        """Count the ranges of a memory, and close it when none is left."""
        self._uses[memory] = self._uses.get(memory, 0) + more
        if not self._uses[memory]:
            del self._uses[memory]
            self._memories.pop(memory).close()

    @receive
    def unmap_range(self, message: UnmapRange) -> RangeUnmapped:
        """Remove the ranges in an area, unless an actor has pages of them pinned."""
        found = self._concerned(message)
        if found is None:
            return RangeUnmapped(errno.EINVAL)
        users = self._users_of(message)
        if users:
            return RangeUnmapped(0, users=users)
        for one in found:
            self._ranges.remove(one)
            self._use(one.process, -1)
        return RangeUnmapped(0, sum(one.size for one in found))

    def _concerned(self, message: UnmapRange) -> list[DmaRange] | None:
        """Return the ranges to unmap, or None if one would be cut in two."""
        if message.everything:
            return list(self._ranges)
        return self._ranges.within(message.iova, message.size)

    def _users_of(self, message: UnmapRange) -> tuple[str, ...]:
        """Return the paths of actors with pinned pages of the ranges to unmap."""
        if message.everything:
            return tuple(self.state.pins)
        area = pages_of(message.iova, message.size)
        return pinned.owners_of(self.state.pins, area)

    # -- from the channel, and from VfioCcw --------------------------------------------

    @receive
    def read(self, message: ReadStorage) -> StorageData:
        """Read each area up to its first byte that is not accessible."""
        located = [
            self._located(area, dma=message.dma, store=False) for area in message.areas
        ]
        data = self._read([part for parts, _ in located for part in parts])
        whole: list[bytes] = []
        first: StorageCheck | None = None
        for parts, check in located:
            length = sum(part.length for part in parts)
            whole.append(data[:length])
            short = len(data) < length
            data = data[length:]
            first = first or (StorageCheck.DATA if short else check)
        return StorageData(message.number, tuple(whole), first)

    @receive
    def write(self, message: WriteStorage) -> StorageWritten:
        """Write the pieces up to the first that is not accessible as a whole."""
        parts: list[Part] = []
        data = b""
        found: StorageCheck | None = None
        for piece in message.pieces:
            area = Area(piece.address, len(piece.data))
            here, found = self._located(area, dma=message.dma, store=True)
            if found is not None:
                break
            parts += here
            data += piece.data
        written = self._write(parts, data)
        if written < len(data):
            return StorageWritten(
                message.number,
                _whole_pieces(message.pieces, written),
                StorageCheck.DATA,
            )
        return StorageWritten(message.number, written, found)

    @receive
    def add(self, message: AddToStorage) -> None:
        """Add to a halfword, as the measurement facilities do."""
        area = Area(message.address, 2)
        parts, check = self._located(area, dma=False, store=True)
        if check is None and len(old := self._read(parts)) == area.length:
            new = (int.from_bytes(old) + message.amount) & 0xFFFF
            self._write(parts, new.to_bytes(2))

    @receive
    def pin(self, message: Pin) -> Pinned:
        """Pin those of the pages that exist."""
        pages = {
            page
            for area in message.areas
            for page in pages_of(area.address, area.length)
            if self._ranges.has_page(page)
        }
        pinned.pin(self.state.pins, self._owner, message.number, pages)
        return Pinned(message.number)

    @receive
    def unpin(self, message: Unpin) -> None:
        """Drop the pins of the sender's program of that number, if any."""
        pinned.unpin(self.state.pins, self._owner, message.number)

    @receive
    def unpin_all(self, _message: UnpinAll) -> None:
        """Drop the sender's pins."""
        self.state.pins.pop(self._owner, None)

    @receive
    def count(self, _message: CountPins) -> PinCount:
        """Count the pages that are pinned now."""
        return pinned.count(self.state.pins)

    # -- inside ------------------------------------------------------------------------

    @property
    def _owner(self) -> str:
        sender = self.sender
        return sender.path if sender is not None else ""

    def _located(
        self, area: Area, *, dma: bool, store: bool
    ) -> tuple[list[Part], StorageCheck | None]:
        """Return the accessible parts of an area, and why they are not all of it."""
        length, check = area.length, None
        if dma:
            held = pinned.pages(self.state.pins)
            for page in pages_of(area.address, area.length):
                if page not in held:
                    length = max(0, page * PAGE_SIZE - area.address)
                    check = StorageCheck.ADDRESSING
                    break
        access = DmaFlag.WRITE if store else DmaFlag.READ
        parts, problem = self._ranges.parts(area.address, length, access)
        return parts, problem or check

    def _read(self, parts: list[Part]) -> bytes:
        data = b""
        for process, some in groupby(parts, lambda part: part.process):
            spans = [(part.vaddr, part.length) for part in some]
            wanted = sum(length for _, length in spans)
            try:
                got = self._memories[process].read(spans)
            except OSError as error:
                self._lost(process, error.strerror or str(error))
                break
            data += got
            if len(got) < wanted:
                self._lost(process, f"read {len(got)} of {wanted} bytes")
                break
        return data

    def _write(self, parts: list[Part], data: bytes) -> int:
        done = 0
        for process, some in groupby(parts, lambda part: part.process):
            spans = [(part.vaddr, part.length) for part in some]
            wanted = sum(length for _, length in spans)
            try:
                part = data[done : done + wanted]
                written = self._memories[process].write(spans, part)
            except OSError as error:
                self._lost(process, error.strerror or str(error))
                break
            done += written
            if written < wanted:
                self._lost(process, f"wrote {written} of {wanted} bytes")
                break
        return done

    def _lost(self, process: int, reason: str) -> None:
        pid = self._memories[process].pid
        text = f"memory of process {pid} within a range of MAP_DMA: {reason}"
        gone = pid if reason == _GONE else 0
        self._client.tell(StorageLost(text, gone))


def _whole_pieces(pieces: tuple[Piece, ...], written: int) -> int:
    """Return the bytes of the pieces that were written completely."""
    done = 0
    for piece in pieces:
        if done + len(piece.data) > written:
            break
        done += len(piece.data)
    return done
