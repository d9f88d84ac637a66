"""A process that writes an image is killed at any moment; Hercules' tools judge."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ccw_actors.actors.image_file import open_image
from ccw_actors.actors.write_journal import journal_path
from ccw_actors.devices import Geometry, Track
from ccw_actors.devices.volume_check import damages
from tests.oracle.hercules import needs_hercules, run_tool

pytestmark = [pytest.mark.oracle, pytest.mark.slow, needs_hercules]

CARD = 80
CARDS = 5300
TRACKS = 9
FIRST = 2 * 15
LIVES = 100

WRITER = """
    import os, sys
    from pathlib import Path
    from ccw_actors.actors.image_file import open_image
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


def loaded(folder: Path) -> Path:
    """Have dasdload make a volume with a dataset that fills its tracks."""
    (folder / "cards").write_bytes(f"{0:08}".ljust(CARD).encode("cp037") * CARDS)
    (folder / "load").write_text(
        "KILLED 3390 4\n"
        "sysvtoc vtoc trk 14\n"
        "test.empty empty cyl 1 0 4 po fb 80 800\n"
        f"test.cards seq cards trk {TRACKS} 1 0 ps fb 80 8000\n"
    )
    run_tool("dasdload", "load", "killed.img", folder=folder)
    return folder / "killed.img"


def live_and_die(path: Path, sync: str, number: int, seconds: float) -> dict[int, int]:
    """Have a process write for a while, kill it; return what it said was written."""
    words = [sys.executable, "-c", textwrap.dedent(WRITER), str(path), sync]
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
    # The last line may be cut short; what it would say has happened all the same.
    lines = said.decode().rpartition("\n")[0].splitlines()
    return {int(track): int(n) for track, n in map(str.split, lines)}


def numbers(path: Path) -> dict[int, int]:
    """Return the one number that all cards of each track have."""
    file = open_image(path, read_only=True)
    try:
        assert isinstance(file.geometry, Geometry)
        assert list(damages(file.geometry, file.read)) == []
        found: dict[int, int] = {}
        for track in range(FIRST, FIRST + TRACKS):
            data = b"".join(
                record.data for record in Track.from_bytes(file.read(track)).records[1:]
            ).decode("cp037")
            cards = {data[at : at + CARD] for at in range(0, len(data), CARD)}
            assert len(cards) == 1, f"track {track} is part old and part new"
            found[track] = int(cards.pop())
        return found
    finally:
        file.close()


@pytest.mark.parametrize("sync", ["sync", "process"])
def test_what_was_written_is_there(tmp_path: Path, sync: str) -> None:
    """After every death each track is whole, and as new as was said, or newer."""
    path = loaded(tmp_path)
    said = dict.fromkeys(range(FIRST, FIRST + TRACKS), 0)
    for life in range(LIVES):
        seconds = (life * 0.618034 % 1) * 0.03
        begun = max(said.values()) + TRACKS
        said |= live_and_die(path, sync, begun, seconds)
        open_image(path, read_only=False).close()
        assert not journal_path(path).exists()
        found = numbers(path)
        for track, number in said.items():
            assert found[track] >= number, f"life {life}: track {track} went back"
        said = found
        if life % 10 == 0:
            listed = run_tool("dasdls", path.name, folder=tmp_path)
            assert "TEST.CARDS" in listed
            run_tool("dasdseq", path.name, "TEST.CARDS", folder=tmp_path)
            text = (tmp_path / "TEST.CARDS").read_bytes().decode("cp037")
            cards = [int(text[at : at + CARD]) for at in range(0, len(text), CARD)]
            assert sorted(set(cards)) == sorted(set(found.values()))
    assert max(said.values()) > LIVES
