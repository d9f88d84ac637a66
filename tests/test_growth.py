"""Handlers that have grown since a revision."""

from pathlib import Path

import pytest

from tools.growth import Change, Handler, changes, handlers, main

CODE = '''"""A module."""


class Door(Actor):
    """A door."""

    @receive
    def open(self, message: Open) -> None:
        """Open it."""
        if message.wide:
            self.wide = True

    def close(self) -> None:
        """Close it."""
'''


def test_handlers_have_lines_and_complexity(tmp_path: Path) -> None:
    """Only methods that receive a message are handlers."""
    folder = tmp_path / "ccw_actors" / "house"
    folder.mkdir(parents=True)
    (folder / "door.py").write_text(CODE)
    assert handlers(tmp_path) == {"house/door:Door.open": Handler(4, 2)}


def test_what_has_grown() -> None:
    """New and smaller handlers are not listed; five lines are not too much."""
    before = {"same": Handler(4, 2), "longer": Handler(4, 2), "complex": Handler(4, 2)}
    after = {
        "same": Handler(3, 2),
        "longer": Handler(9, 2),
        "complex": Handler(4, 3),
        "new": Handler(40, 9),
    }
    found = changes(before, after)
    assert [(one.name, one.is_too_much) for one in found] == [
        ("longer", False),
        ("complex", True),
    ]
    assert Change("much", Handler(4, 2), Handler(10, 2)).is_too_much


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    """This checkout is compared with a revision; a wrong one is an error of use."""
    assert main(["HEAD"]) == 0
    assert "handlers have grown since HEAD" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["no-such-revision"])
    assert ended.value.code == 2
    assert "no-such-revision" in capsys.readouterr().err
