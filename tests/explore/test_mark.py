"""`@pytest.mark.explore`: a scenario as a test."""

import re
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

BANK = Path(__file__).parents[2] / "examples" / "explore" / "bank.py"
HEAD = """
import pytest
from ccw_actors.explore import Limits, World
from bank import transfers

pytestmark = []
"""
RIGHT = """
@pytest.mark.explore
def test_right(world: World) -> None:
    transfers()(world)
"""
WRONG = """
@pytest.mark.explore(delivery="channel")
def test_wrong(world):
    transfers(buggy=True)(world)
"""
ASYNC = """
@pytest.mark.asyncio
async def test_async(actor_system):
    assert actor_system.statistics().actors == 0
"""


def run(
    pytester: pytest.Pytester, tests: str, *arguments: str, alone: bool = False
) -> tuple[dict[str, int], str]:
    """Run tests; return the counts and what was printed.

    They run in this process, which saves a start of pytest, unless they are `alone`.
    """
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nasyncio_default_fixture_loop_scope = "function"\n'
        'addopts = "--strict-markers -W error"\n'
    )
    pytester.makepyfile(HEAD + tests, bank=BANK.read_text())
    started = pytester.runpytest_subprocess if alone else pytester.runpytest_inprocess
    done = started("-q", *arguments)
    return done.parseoutcomes(), done.stdout.str()


def test_scenario_that_holds(pytester: pytest.Pytester) -> None:
    """A scenario that holds in every schedule passes."""
    assert run(pytester, RIGHT)[0] == {"passed": 1}


def test_scenario_that_does_not_hold(pytester: pytest.Pytester) -> None:
    """The failure has the race, at most ten steps, and a command that works."""
    outcomes, printed = run(pytester, WRONG)
    assert outcomes == {"failed": 1}
    # Where the environment has CI, pytest's summary repeats the whole failure.
    shown, _, _ = printed.partition("short test summary info")
    assert "REFUTED: account/one: never overdrawn" in shown
    assert "Race at account/one: step" in shown
    steps = re.findall(r"^ +\d+ \S+ > ", shown, re.MULTILINE)
    assert 0 < len(steps) <= 10
    (words,) = re.findall(r"ccw-actors (replay \S+ --scenario \S+)", shown)
    again = pytester.run(sys.executable, "-m", "ccw_actors", *words.split())
    assert again.ret == 1
    again.stdout.fnmatch_lines(["REFUTED: account/one: never overdrawn"])


def test_page_of_a_failure(pytester: pytest.Pytester) -> None:
    """The page of the counterexample is next to it, and the failure has its path."""
    outcomes, printed = run(pytester, WRONG)
    assert outcomes == {"failed": 1}
    shown, _, _ = printed.partition("short test summary info")
    (place,) = re.findall(r"See it in a browser: (\S+)", shown)
    assert Path(place).read_text().startswith("<!doctype html>")
    (file,) = re.findall(r"replay (\S+) --scenario", shown)
    assert Path(place).parent == Path(file).parent


def test_page_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    """Where it cannot be written the failure is told all the same."""
    page = pytester.path / ".pytest_cache/d/ccw-actors"
    page = page / "test_page_that_cannot_be_written-test_wrong.html"
    page.mkdir(parents=True)
    outcomes, shown = run(pytester, WRONG)
    assert outcomes == {"failed": 1}
    assert "REFUTED: account/one: never overdrawn" in shown
    assert "ccw-actors replay" in shown
    assert "No page could be written: IsADirectoryError: [Errno 21] Is a " in shown


def test_what_passes_writes_no_page(pytester: pytest.Pytester) -> None:
    """A test that passes does not even import what makes pages."""
    tests = f"""{RIGHT}
def test_no_page():
    import sys
    assert not any(name.startswith("ccw_actors.show") for name in sys.modules)
"""
    outcomes, _ = run(pytester, tests, alone=True)
    assert outcomes == {"passed": 2}
    assert not [*pytester.path.rglob("*.html")]


def test_beside_asyncio(pytester: pytest.Pytester) -> None:
    """Scenarios and tests of pytest-asyncio can share a file, in either mode."""
    both = RIGHT + ASYNC
    assert run(pytester, both)[0] == {"passed": 2}
    assert run(pytester, both, "--asyncio-mode=auto")[0] == {"passed": 2}


def test_without_asyncio(pytester: pytest.Pytester) -> None:
    """No other plugin is needed."""
    assert run(pytester, RIGHT, "-p", "no:asyncio", "-W", "default")[0]["passed"] == 1


def test_other_fixtures(pytester: pytest.Pytester) -> None:
    """A scenario may have parameters, and use fixtures."""
    tests = """
@pytest.fixture
def balance():
    return 100

@pytest.mark.parametrize("buggy", [False, True])
@pytest.mark.explore(engine="states")
def test_rich(world, balance, buggy):
    transfers(balance=balance, buggy=buggy)(world)

@pytest.mark.explore
def test_poor(world, tmp_path):
    transfers(buggy=True)(world)
"""
    outcomes, shown = run(pytester, tests)
    assert outcomes == {"passed": 2, "failed": 1}
    assert "ccw-actors replay" not in shown, "it could not be found again"
    # Where CI is set, pytest writes the whole message a second time, in its summary.
    assert len(set(re.findall(r"See it in a browser: (\S+)", shown))) == 1


def test_page_of_each_parameter(pytester: pytest.Pytester) -> None:
    """Each failure has its own page, whatever the parameter is called."""
    tests = """
@pytest.mark.parametrize("sign", ["<", ">"])
@pytest.mark.explore
def test_poor(world, sign):
    transfers(buggy=True)(world)
"""
    _, shown = run(pytester, tests)
    pages = re.findall(r"See it in a browser: (\S+)", shown)
    assert len(set(pages)) == 2
    for page in pages:
        assert "ccw-actors replay" not in Path(page).read_text()


def test_limits(pytester: pytest.Pytester) -> None:
    """A limit that is reached is a failure."""
    tests = """
@pytest.mark.explore(engine="states", limits=Limits(states=5))
def test_limited(world):
    transfers()(world)
"""
    outcomes, shown = run(pytester, tests)
    assert outcomes == {"failed": 1}
    assert "INCOMPLETE: Covers, within the limit of" in shown


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        (
            "@pytest.mark.explore(speed='high')\ndef test_x(world): ...",
            "unexpected keyword argument 'speed'",
        ),
        ("@pytest.mark.explore('channel')\ndef test_x(world): ...", "by name, as in"),
        ("@pytest.mark.explore\ndef test_x(): ...", "the argument `world`"),
        ("@pytest.mark.explore\nasync def test_x(world): ...", "a plain function"),
        ("def test_x(world): ...", "needs a test with the mark"),
    ],
)
def test_misuse(pytester: pytest.Pytester, tests: str, why: str) -> None:
    """A wrong use of the mark is reported in one line."""
    outcomes, shown = run(pytester, tests)
    assert "passed" not in outcomes
    assert why in shown


def test_mistakes_of_a_scenario_are_its_own(pytester: pytest.Pytester) -> None:
    """A scenario that raises fails with that exception."""
    tests = "@pytest.mark.explore\ndef test_x(world):\n    raise TypeError('mine')"
    outcomes, shown = run(pytester, tests)
    assert outcomes == {"failed": 1}
    assert "TypeError: mine" in shown
