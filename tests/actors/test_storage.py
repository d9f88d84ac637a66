"""Storage alone: accesses, keys and pins, by message."""

import pytest

from ccw_actors.actors import Storage
from ccw_actors.actors.protocol import (
    AddToStorage,
    Area,
    CountPins,
    InsertStorageKey,
    Piece,
    Pin,
    PinCount,
    Pinned,
    ReadStorage,
    SetStorageKey,
    StorageData,
    StorageKey,
    StorageMessage,
    StorageWritten,
    Unpin,
    UnpinAll,
    WriteStorage,
)
from ccw_actors.channel import StorageCheck
from ccw_actors.runtime import Message
from ccw_actors.testkit import Probe, ProbeFactory, VirtualSystem

PAGE = 4096
SIZE = 2 * PAGE


class Rig:
    """Two pages of storage, and two clients."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._clock = system.clock
        self.storage = system.spawn(Storage(SIZE), "storage")
        answers = (StorageData, StorageWritten, StorageKey, Pinned, PinCount)
        self.one, self.other = probe(*answers), probe(*answers)

    def ask(
        self, message: StorageMessage, answer: Message, who: Probe | None = None
    ) -> None:
        """Send a request, and expect an answer."""
        asker = who or self.one
        asker.tell(self.storage, message)
        self._clock.run()
        asker.expect_now(answer)

    def tell(self, message: StorageMessage, who: Probe | None = None) -> None:
        """Send a message that has no answer."""
        asker = who or self.one
        asker.tell(self.storage, message)
        self._clock.run()
        asker.expect_nothing_now()


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """Storage full of zeros."""
    return Rig(virtual_system, probe)


def test_write_and_read(rig: Rig) -> None:
    """Written bytes are read back, a part for each area."""
    rig.ask(WriteStorage(1, (Piece(1, b"ab"), Piece(5, b"c"))), StorageWritten(1, 3))
    areas = (Area(0, 4), Area(5, 1), Area(9, 0))
    rig.ask(ReadStorage(2, areas), StorageData(2, (b"\0ab\0", b"c", b"")))


def test_beyond_the_end(rig: Rig) -> None:
    """A read is cut short at the end; a piece that reaches beyond is not written."""
    pieces = (Piece(SIZE - 2, b"ab"), Piece(SIZE - 1, b"cd"), Piece(0, b"e"))
    rig.ask(WriteStorage(1, pieces), StorageWritten(1, 2, StorageCheck.ADDRESSING))
    areas = (Area(SIZE - 2, 4), Area(SIZE, 1), Area(0, 1))
    parts = (b"ab", b"", b"\0")
    rig.ask(ReadStorage(2, areas), StorageData(2, parts, StorageCheck.ADDRESSING))


def test_add(rig: Rig) -> None:
    """A halfword is added to, and wraps; beyond the end nothing happens."""
    rig.tell(AddToStorage(0, 0xFFFF))
    rig.tell(AddToStorage(0, 3))
    rig.tell(AddToStorage(SIZE - 1, 0x100))
    areas = (Area(0, 2), Area(SIZE - 2, 2))
    rig.ask(ReadStorage(1, areas), StorageData(1, (b"\0\2", b"\0\0")))


def test_keys(rig: Rig) -> None:
    """A page has the key that was set, with R and C as references set them."""
    rig.ask(InsertStorageKey(1, PAGE), StorageKey(1, 0x06))
    rig.ask(SetStorageKey(2, PAGE + 7, 0x31), StorageKey(2, 0x30))
    rig.ask(ReadStorage(3, (Area(PAGE, 1),)), StorageData(3, (b"\0",)))
    rig.ask(InsertStorageKey(4, PAGE), StorageKey(4, 0x34))
    rig.ask(WriteStorage(5, (Piece(PAGE, b"a"),)), StorageWritten(5, 1))
    rig.ask(InsertStorageKey(6, PAGE), StorageKey(6, 0x36))
    rig.ask(SetStorageKey(7, SIZE, 0x30), StorageKey(7, None))
    rig.ask(InsertStorageKey(8, SIZE), StorageKey(8, None))


@pytest.mark.parametrize(
    ("key", "access", "reads", "writes"),
    [
        (0x30, 0, True, True),
        (0x30, 3, True, True),
        (0x30, 4, True, False),
        (0x38, 4, False, False),
    ],
)
def test_protection(
    rig: Rig, key: int, access: int, *, reads: bool, writes: bool
) -> None:
    """A page with another key is not written, nor read if it is fetch-protected."""
    rig.ask(SetStorageKey(1, PAGE, key), StorageKey(1, key))
    check = None if reads else StorageCheck.PROTECTION
    data = b"\0\0" if reads else b"\0"
    area = (Area(PAGE - 1, 2),)
    rig.ask(ReadStorage(2, area, key=access), StorageData(2, (data,), check))
    check = None if writes else StorageCheck.PROTECTION
    piece = (Piece(PAGE, b"a"),)
    written = StorageWritten(3, int(writes), check)
    rig.ask(WriteStorage(3, piece, key=access), written)


def test_pins(rig: Rig) -> None:
    """An access through an IOMMU reaches pinned pages only."""
    area = (Area(PAGE - 1, 2),)
    check = StorageCheck.ADDRESSING
    rig.ask(ReadStorage(1, area, dma=True), StorageData(1, (b"",), check))
    rig.ask(Pin(7, (Area(0, 1), Area(SIZE, 1))), Pinned(7), rig.other)
    rig.ask(CountPins(), PinCount(1, 1))
    rig.ask(ReadStorage(2, area, dma=True), StorageData(2, (b"\0",), check))
    rig.ask(Pin(8, (Area(0, SIZE),)), Pinned(8))
    rig.ask(ReadStorage(3, area, dma=True), StorageData(3, (b"\0\0",)))
    rig.ask(CountPins(), PinCount(2, 2))


def test_unpin(rig: Rig) -> None:
    """Pins are given up by owner and number; an unknown number is also answered."""
    for number in (1, 2):
        for who in (rig.one, rig.other):
            rig.ask(Pin(number, (Area(0, 1),)), Pinned(number), who)
    rig.tell(Unpin(1))
    rig.tell(Unpin(1))
    rig.ask(CountPins(), PinCount(3, 1))
    rig.tell(UnpinAll(), rig.other)
    rig.ask(CountPins(), PinCount(1, 1))
    rig.tell(Unpin(2))
    rig.ask(CountPins(), PinCount(0, 0))
