"""A process that writes an image is killed at any moment: no write is lost, or torn."""

from pathlib import Path

import pytest

from tests.actors.killing import Killed, new_killed

LIVES = 100
FEW = 4


def live(folder: Path, sync: str, lives: int) -> None:
    """Let a process write and die `lives` times."""
    killed = Killed(new_killed(folder), sync)
    for life in range(lives):
        killed.die(life)
    assert max(killed.said.values()) > lives


@pytest.mark.parametrize("sync", ["sync", "process"])
def test_some_deaths(tmp_path: Path, sync: str) -> None:
    """After every death each track is whole, and as new as answered, or newer."""
    live(tmp_path, sync, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("sync", ["sync", "process"])
def test_many_deaths(tmp_path: Path, sync: str) -> None:
    """A hundred deaths leave each track whole, and as new as answered, or newer."""
    live(tmp_path, sync, LIVES)
