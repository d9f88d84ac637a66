"""The examples of pass-through run, and check their own results."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "pass_through"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "machine")


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example ends without an error, and prints its result."""
    runpy.run_module(f"examples.pass_through.{name}", run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_all_are_there() -> None:
    """All five examples are tested."""
    assert NAMES == [
        "guest_in_guest",
        "guest_reset",
        "hot_unplug",
        "noisy_neighbour",
        "shared_path",
    ]
