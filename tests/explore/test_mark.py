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
    pytester: pytest.Pytester, tests: str, *arguments: str
) -> tuple[dict[str, int], str]:
    """Run tests; return the counts and what was printed."""
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nasyncio_default_fixture_loop_scope = "function"\n'
        'addopts = "--strict-markers -W error"\n'
    )
    pytester.makepyfile(HEAD + tests, bank=BANK.read_text())
    done = pytester.runpytest_subprocess("-q", *arguments)
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
