"""A process that writes a compressed image is killed at any moment; cckdcdsk judges."""

import random  # noqa: TID251 - what is written is random, with a known seed
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import (
    add_shadow,
    create_blocks,
    create_tracks,
    journal_path,
    recover_image,
)
from ccw_actors.devices import Geometry, Track
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from tests.oracle.hercules import needs_hercules
from tests.oracle.packed import judged, opened

pytestmark = [pytest.mark.oracle, needs_hercules]

FIRST, LAST = 15, 40
SHADOW = "killed_*.img"
FEW, MANY = 6, 100

WRITER = """
    import os, random, sys
    from pathlib import Path
    from ccw_actors.actors.hardware.image import open_image
    from ccw_actors.devices import Record, Track

    path, kind, shadow, sync, number = sys.argv[1:]
    file = open_image(
        Path(path),
        device_type=kind,
        read_only=False,
        shadow=shadow,
        sync=sync == "sync",
    )
    os.write(1, b"open\\n")
    number = int(number)
    source = random.Random(number)
    while True:
        at, number = source.randrange(15, 40), number + 1
        word = f"{number:08}".encode()
        if kind:
            size = file.geometry.size_of(at)
            data = word + source.randbytes(source.randrange(9000)) + bytes(size)
            data = data[: size - 8] + word
        else:
            records = [Record(at // 15, at % 15, 0, b"", bytes(8))]
            records += [
                Record(at // 15, at % 15, r, b"", word + source.randbytes(600) + word)
                for r in range(1, source.randrange(2, 30))
            ]
            track = Track(0, at // 15, at % 15, tuple(records), b"")
            data = track.to_image(file.geometry.track_size)
        file.write(at, data)
        os.write(1, f"{at} {number}\\n".encode())
"""


def words_of(raw: bytes, volume: object) -> set[int]:
    """Return the numbers on a track, or in a group of blocks; 0 if none."""
    if isinstance(volume, Geometry):
        records = Track.from_bytes(raw).records[1:]
        parts = [part for one in records for part in (one.data[:8], one.data[-8:])]
    else:
        parts = [raw[:8], raw[-8:]]
    return {int(part) if part.strip(b"\0") else 0 for part in parts} or {0}


class Killed:
    """A compressed image, and the last answer for each of its tracks."""

    def __init__(self, path: Path, kind: str, shadow: str, sync: str) -> None:
        self.path, self.kind, self.shadow = path, kind, shadow
        self.written = path.with_name("killed_1.img") if shadow else path
        self.arguments = [str(path), kind, shadow, sync]
        self.said = dict.fromkeys(range(FIRST, LAST), 0)
        self.last = 0

    def die(self, life: int) -> None:
        """Write, die, recover: cckdcdsk is silent, and each track is whole and new."""
        seconds = random.Random(life).random() * 0.1  # noqa: S311 - no secret
        self.said |= self._live(seconds)
        self.last = max(self.last, *self.said.values()) + 1000
        seen = self._numbers()
        recover_image(self.path, device_type=self.kind, shadow=self.shadow)
        assert not journal_path(self.written).exists()
        assert judged(self.written) == ""
        found = self._numbers()
        assert seen == found, "who only reads sees another image"
        for track, number in self.said.items():
            assert len(found[track]) == 1, f"track {track} is part old and part new"
            assert max(found[track]) >= number, f"track {track} went back"
            self.said[track] = max(found[track])

    def _live(self, seconds: float) -> dict[int, int]:
        words = [sys.executable, "-c", textwrap.dedent(WRITER), *self.arguments]
        words.append(str(self.last))
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            said, _ = process.communicate()
        assert process.returncode == -9
        lines = said.decode().rpartition("\n")[0].splitlines()
        return {int(track): int(n) for track, n in map(str.split, lines)}

    def _numbers(self) -> dict[int, set[int]]:
        with opened(self.path, self.kind, shadow=self.shadow) as file:
            assert not [*file.damage()]
            volume = file.geometry
            numbers = range(FIRST, LAST)
            return {number: words_of(file.read(number), volume) for number in numbers}


def killed(folder: Path, kind: str, sync: str) -> Killed:
    """Make an image of tracks, of blocks, or one with a shadow file."""
    path = folder / "killed.img"
    if kind == "blocks":
        create_blocks(path, "3370", 6000, "KILLED", compression=1)
        return Killed(path, "3370", "", sync)
    volume = ckd_volume(ckd_type("3390")[0], 4)
    create_tracks(path, volume, "KILLED", compression=1)
    if kind == "tracks":
        return Killed(path, "", "", sync)
    add_shadow(path, SHADOW)
    return Killed(path, "", SHADOW, sync)


@pytest.mark.parametrize("lives", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sync", ["sync", "process"])
@pytest.mark.parametrize("kind", ["tracks", "blocks", "shadow"])
def test_deaths(tmp_path: Path, kind: str, sync: str, lives: int) -> None:
    """After every death the image is sound, and no answered write is lost."""
    one = killed(tmp_path, kind, sync)
    for life in range(lives):
        one.die(life)
    assert one.last > lives
