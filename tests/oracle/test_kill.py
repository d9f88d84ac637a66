"""A process that writes an image is killed at any moment; Hercules' tools judge."""

from pathlib import Path

import pytest

from tests.actors.killing import CARD, TRACKS, Killed
from tests.oracle.hercules import needs_hercules, run_tool

pytestmark = [pytest.mark.oracle, pytest.mark.slow, needs_hercules]

CARDS = 5300
LIVES = 100


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


@pytest.mark.parametrize("sync", ["sync", "process"])
def test_what_was_written_is_there(tmp_path: Path, sync: str) -> None:
    """After every kill the volume is whole, as Hercules' tools confirm."""
    killed = Killed(loaded(tmp_path), sync)
    for life in range(LIVES):
        killed.die(life)
        if life % 10 == 0:
            listed = run_tool("dasdls", killed.path.name, folder=tmp_path)
            assert "TEST.CARDS" in listed
            run_tool("dasdseq", killed.path.name, "TEST.CARDS", folder=tmp_path)
            text = (tmp_path / "TEST.CARDS").read_bytes().decode("cp037")
            cards = [int(text[at : at + CARD]) for at in range(0, len(text), CARD)]
            assert sorted(set(cards)) == sorted(set(killed.said.values()))
    assert max(killed.said.values()) > LIVES
