"""Gives every test here its own folder for sockets."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the variable that names the place of sockets; return the folder there."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "ccw-actors"
