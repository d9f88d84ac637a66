"""The figures of the code, and their limits."""

import json
from pathlib import Path

import pytest

from tools.figures import (
    LIMITS,
    NOT_YET,
    beyond,
    blocks_of,
    circles,
    figures,
    main,
    wheel_size,
)

ROOT = Path(__file__).parents[1]
PACKAGES = ("actors", "designs", "explore", "runtime", "scenarios")
CODE = '''"""A module."""

__all__ = ["Door"]


class Door:
    """A door."""

    def open(self, how: str) -> int:
        # Slowly, because it creaks.
        if how == "wide":
            return 2
        return 1

    def close(self) -> None:
        """Close it."""
'''
TESTS = '''"""Tests."""


def test_opens() -> None:
    """It opens."""
    assert True
'''


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a checkout with one module in each package, and one test."""
    for package in PACKAGES:
        folder = tmp_path / "ccw_actors" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(CODE)
    (tmp_path / "ccw_actors" / "__init__.py").write_text('"""All."""\n')
    (tmp_path / "ccw_actors" / "names.py").write_text('"""Names."""\n\nDOOR = 1\n')
    tests = tmp_path / "tests" / "runtime"
    tests.mkdir(parents=True)
    (tests / "test_door.py").write_text(TESTS)
    return tmp_path


def test_figures_are_within_their_limits(capsys: pytest.CaptureFixture[str]) -> None:
    """No figure of this checkout is beyond its limit, and each limit has a figure."""
    code = main(["--json", "--check", str(ROOT)])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    assert set(NOT_YET) <= set(LIMITS) <= set(json.loads(printed.out))


def test_what_is_counted(small: Path) -> None:
    """The figures of a small checkout are those counted by hand."""
    found = figures(small, wheel=False)
    assert found["modules"] == 7
    assert found["lines"] == 5 * 16 + 4
    assert found["module lines, median"] == 16
    assert found["function lines, max"] == 5
    assert found["functions over 60 lines"] == 0
    assert found["public functions with a docstring, %"] == 50
    assert found["comment : code"] == pytest.approx(5 / 36, abs=1e-4)
    assert found["docstring : code"] == pytest.approx(17 / 36, abs=1e-4)
    assert found["tests"] == 1
    assert found["tests with a docstring, %"] == 100
    assert found["tests : source, runtime"] == pytest.approx(6 / 16, abs=1e-4)
    assert found["modules without __all__"] == 1
    assert found["modules with TYPE_CHECKING"] == 0


def test_complexity_is_counted(small: Path) -> None:
    """A method with one branch has two ways through it."""
    blocks = dict(blocks_of(small / "ccw_actors" / "runtime"))
    assert blocks["__init__.py:9 open"] == 2
    assert blocks["__init__.py:15 close"] == 1


def test_circles_are_found(tmp_path: Path) -> None:
    """Modules that import each other are found; a module that imports one is not."""
    package = tmp_path / "ccw_actors"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "one": "import ccw_actors.two\n",
        "two": "import ccw_actors.one\n",
        "outside": "import ccw_actors.one\n",
    }.items():
        (package / f"{name}.py").write_text(text)
    assert circles(tmp_path) == {"ccw_actors.one", "ccw_actors.two"}


def test_a_figure_beyond_its_limit_is_listed() -> None:
    """A figure beyond its limit is listed with the limit; one at the limit is not."""
    name = "functions over 60 lines"
    assert beyond({name: NOT_YET.get(name, 2)}) == []
    assert name in beyond({name: 99})[0]
    assert "expected >= 1141" in beyond({"tests": 3})[0]


def test_an_exception_that_is_not_needed_is_listed() -> None:
    """An exception in `NOT_YET` that is no longer needed is listed."""
    for name in NOT_YET:
        limit = LIMITS[name]
        value = limit.most if limit.most < float("inf") else limit.least
        assert "not in NOT_YET" in beyond({name: value})[0]


def test_wheel_that_cannot_be_built_is_no_figure(tmp_path: Path) -> None:
    """A folder without a project is an error."""
    with pytest.raises(Exception, match="returned non-zero"):
        wheel_size(tmp_path)
