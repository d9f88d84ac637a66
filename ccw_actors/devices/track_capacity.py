"""What fits on a track: the record-capacity formula of each family of disks.

A real track has gaps between home address, counts, keys and data, so a record takes
more than its bytes. A formula says how much of the track a record takes, from the
lengths of its key (KL) and data (DL) in bytes; without a key, the part for keys is
nothing.

| disks | space of a record | of the last |
|---|---|---|
| 2311, 2314 | `(KL + DL) * factor / divisor + key + record` | `KL + DL + key` |
| 2305, 3330, 3340, 3350 | `KL + DL + key + record` | the same |
| 3375, 3380 | data `DL + f2`, key `KL + f3` | the same |
| 3390, 9345 | data `f1*f2 + DL + f6 + f4*n`, key `f1*f3 + KL + f6 + f4*n` | the same |

In the last two, data and key are each rounded up to a multiple of f1. In the last, n is
the number of segments: `(DL + f6) / (2*f5)`, or of KL, rounded up.

The capacity is what the records behind a standard R0 (8 bytes, no key) may take. So an
R0 of another length leaves more or less. Families and factors are those of Hercules'
table of devices (dasdtab.c) and of its dasdload; for the last two, READ DEVICE
CHARACTERISTICS has them, as Hercules 3.13 shows. Linux computes the same for 3380 and
3390 (drivers/s390/block/dasd_eckd.c, recs_per_track). For a 9345 it adds 7*f1, also
without a key, so it puts fewer records on a track than fit.
"""

from collections.abc import Iterable

from msgspec import Struct

__all__ = [
    "CellCapacity",
    "GapCapacity",
    "SegmentCapacity",
    "ToleranceCapacity",
    "TrackCapacity",
    "fits",
]

_STANDARD_R0 = (0, 8)


class ToleranceCapacity(Struct, frozen=True):
    """A track whose records, but for the last, leave room for a drive that is fast.

    `track` is the capacity in bytes, `key` and `record` the gaps of a key and of a
    record. The bytes of a record count `factor` / `divisor`.
    """

    track: int
    key: int
    record: int
    factor: int
    divisor: int

    def space(self, key_length: int, data_length: int) -> int:
        """Space of a record that another one follows."""
        proportional = (key_length + data_length) * self.factor // self.divisor
        return proportional + self._key_gap(key_length) + self.record

    def last_space(self, key_length: int, data_length: int) -> int:
        """Space of the last record of a track."""
        return key_length + data_length + self._key_gap(key_length)

    def _key_gap(self, key_length: int) -> int:
        return self.key if key_length else 0


class GapCapacity(Struct, frozen=True):
    """A track whose records have gaps of fixed length.

    `track` is the capacity in bytes, `key` and `record` the gaps of a key and of a
    record.
    """

    track: int
    key: int
    record: int

    def space(self, key_length: int, data_length: int) -> int:
        """Space of a record."""
        return key_length + data_length + self.record + (self.key if key_length else 0)

    def last_space(self, key_length: int, data_length: int) -> int:
        """Space of the last record of a track: the same."""
        return self.space(key_length, data_length)


class CellCapacity(Struct, frozen=True):
    """A track of cells of `f1` bytes, in which key and data start.

    `track` is the capacity in bytes. This is formula 1 of READ DEVICE CHARACTERISTICS.
    """

    track: int
    f1: int
    f2: int
    f3: int

    def space(self, key_length: int, data_length: int) -> int:
        """Space of a record."""
        key = _rounded(key_length + self.f3, self.f1) if key_length else 0
        return _rounded(data_length + self.f2, self.f1) + key

    def last_space(self, key_length: int, data_length: int) -> int:
        """Space of the last record of a track: the same."""
        return self.space(key_length, data_length)

    def factors(self) -> bytes:
        """Return bytes 22-27 of READ DEVICE CHARACTERISTICS: formula and factors."""
        return bytes((1, self.f1)) + self.f2.to_bytes(2) + self.f3.to_bytes(2)

    @property
    def factor6(self) -> int:
        """Byte 48 of READ DEVICE CHARACTERISTICS, which this formula leaves zero."""
        return 0


class SegmentCapacity(Struct, frozen=True):
    """A track of cells of `f1` bytes, whose areas have segments of `2 * f5` bytes.

    `track` is the capacity in bytes. This is formula 2 of READ DEVICE CHARACTERISTICS.
    """

    track: int
    f1: int
    f2: int
    f3: int
    f4: int
    f5: int
    f6: int

    def space(self, key_length: int, data_length: int) -> int:
        """Space of a record."""
        key = self._area(key_length, self.f3) if key_length else 0
        return self._area(data_length, self.f2) + key

    def last_space(self, key_length: int, data_length: int) -> int:
        """Space of the last record of a track: the same."""
        return self.space(key_length, data_length)

    def _area(self, length: int, gap: int) -> int:
        coded = length + self.f6
        segments = -(-coded // (2 * self.f5))
        return _rounded(self.f1 * gap + coded + self.f4 * segments, self.f1)

    def factors(self) -> bytes:
        """Return bytes 22-27 of READ DEVICE CHARACTERISTICS: formula and factors."""
        return bytes((2, self.f1, self.f2, self.f3, self.f4, self.f5))

    @property
    def factor6(self) -> int:
        """Byte 48 of READ DEVICE CHARACTERISTICS."""
        return self.f6


TrackCapacity = ToleranceCapacity | GapCapacity | CellCapacity | SegmentCapacity


def fits(capacity: TrackCapacity, records: Iterable[tuple[int, int]]) -> bool:
    """Return whether a track takes records of these key and data lengths, R0 first."""
    *earlier, last = records
    space = sum(capacity.space(*lengths) for lengths in earlier)
    limit = capacity.track + capacity.space(*_STANDARD_R0)
    return space + capacity.last_space(*last) <= limit


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
