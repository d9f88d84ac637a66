"""A process that writes an image is killed at any moment: no write is lost, or torn."""

from pathlib import Path

import pytest

from tests.actors.killing import GUEST, IMAGE, Killed, new_killed

LIVES = 100
FEW = 4
WRITERS = [
    pytest.param(writer, sync, id=f"{name}-{sync}")
    for name, writer in (("image", IMAGE), ("guest", GUEST))
    for sync in ("sync", "process")
]


def live(folder: Path, writer: tuple[str, str], sync: str, lives: int) -> None:
    """Let a process write and die `lives` times."""
    killed = Killed(new_killed(folder), sync, writer)
    for life in range(lives):
        killed.die(life)
    assert max(killed.said.values()) > lives


@pytest.mark.parametrize(("writer", "sync"), WRITERS)
def test_some_deaths(tmp_path: Path, writer: tuple[str, str], sync: str) -> None:
    """After every death each track is whole, and as new as answered, or newer.

    That is what the image has answered a process, or a guest's device to the guest.
    """
    live(tmp_path, writer, sync, FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("writer", "sync"), WRITERS)
def test_many_deaths(tmp_path: Path, writer: tuple[str, str], sync: str) -> None:
    """A hundred deaths leave each track whole, and as new as answered, or newer."""
    live(tmp_path, writer, sync, LIVES)
