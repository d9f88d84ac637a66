"""A process that writes an image until it is killed, and the checks after that.

It writes the image itself, or is a guest that does so with channel programs.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

from ccw_actors.actors.hardware.image import create_tracks, journal_path, open_image
from ccw_actors.devices import Geometry, Record, Track
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.devices.volume_check import damages

__all__ = ["CARD", "FIRST", "GUEST", "IMAGE", "TRACKS", "Killed", "new_killed"]

CARD = 80
TRACKS = 9
FIRST = 2 * 15

_WRITER = """
    import os, sys
    from pathlib import Path
    from ccw_actors.actors.hardware.image import open_image
    from ccw_actors.devices import Record, Track

    first, tracks, number = map(int, sys.argv[3:6])
    file = open_image(Path(sys.argv[1]), read_only=False, sync=sys.argv[2] == "sync")
    os.write(1, b"open\\n")
    while True:
        for at in range(first, first + tracks):
            number += 1
            old = Track.from_bytes(file.read(at))
            records = [old.records[0]] + [
                Record(one.cc, one.hh, one.r, b"", card * (len(one.data) // 80))
                for card in [f"{number:08}".ljust(80).encode("cp037")]
                for one in old.records[1:]
            ]
            raw = Track(0, old.cc, old.hh, tuple(records), old.remainder).to_bytes()
            file.write(at, raw)
            os.write(1, f"{at} {number}\\n".encode())
"""

IMAGE = ("-c", textwrap.dedent(_WRITER))
GUEST = ("-m", "tests.actors.chain_writer")
"""The arguments of Python for each writer."""


def new_killed(folder: Path) -> Path:
    """Make an image with tracks full of cards that have number 0."""
    path = folder / "killed.img"
    volume = ckd_volume(ckd_type("3390")[0], 4)
    create_tracks(path, volume, "KILLED")
    data = f"{0:08}".ljust(CARD).encode("cp037") * 100
    file = open_image(path, read_only=False)
    for track in range(FIRST, FIRST + TRACKS):
        place = divmod(track, volume.heads)
        records = [Record(*place, 0, b"", bytes(8))]
        records += [Record(*place, number, b"", data) for number in range(1, 7)]
        raw = Track(0, *place, tuple(records), b"").to_bytes()
        file.write(track, raw.ljust(volume.track_size, b"\0"))
    file.close()
    return path


class Killed:
    """An image, and the last answer for each of its tracks: the number on its cards."""

    def __init__(self, path: Path, sync: str, writer: tuple[str, str] = IMAGE) -> None:
        self.path = path
        self.writer = (*writer, str(path), sync)
        self.said = dict.fromkeys(range(FIRST, FIRST + TRACKS), 0)

    def die(self, life: int) -> None:
        """Write, die, open: each track is whole, and as new as answered, or newer.

        A guest's program may have written only some of its records.
        """
        # A guest needs many messages for a track.
        longest = 0.5 if self.writer[:2] == GUEST else 0.03
        seconds = (life * 0.618034 % 1) * longest
        begun = max(self.said.values()) + TRACKS
        self.said |= live_and_die(self.writer, begun, seconds)
        seen = numbers(self.path)
        open_image(self.path, read_only=False).close()
        assert not journal_path(self.path).exists()
        found = numbers(self.path)
        assert seen == found, "who only reads sees another image"
        for track, number in self.said.items():
            is_whole = self.writer[:2] == GUEST or len({*found[track]}) == 1
            assert is_whole, f"track {track} is part old and part new"
            went_back = f"life {life}: track {track} went back"
            assert min(found[track]) >= number, went_back
            self.said[track] = min(found[track])


def live_and_die(
    writer: tuple[str, ...], number: int, seconds: float
) -> dict[int, int]:
    """Let a process write for a while, kill it; return the writes that it reported."""
    words = [sys.executable, *writer]
    words += [str(FIRST), str(TRACKS), str(number)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        said, _ = process.communicate()
    assert process.returncode == -9
    # The last line may be cut short; its write has happened nevertheless.
    lines = said.decode().rpartition("\n")[0].splitlines()
    return {int(track): int(n) for track, n in map(str.split, lines)}


def numbers(path: Path) -> dict[int, tuple[int, ...]]:
    """Return the one number that all cards of a record have, for each track."""
    file = open_image(path, read_only=True)
    try:
        assert isinstance(file.geometry, Geometry)
        assert list(damages(file.geometry, file.read)) == []
        return {
            track: tuple(
                _number(record.data)
                for record in Track.from_bytes(file.read(track)).records[1:]
            )
            for track in range(FIRST, FIRST + TRACKS)
        }
    finally:
        file.close()


def _number(data: bytes) -> int:
    cards = {data[at : at + CARD] for at in range(0, len(data), CARD)}
    assert len(cards) == 1, "a record is part old and part new"
    return int(cards.pop().decode("cp037"))
