"""The pytest plugin, in runs of pytest within the test: each mode, and missing parts.

The inner runs load no plugin but those they name, so they are quick, and the same
whether the plugin under test is installed or not.
"""

import subprocess
import sys

import pytest

from tests.testkit.conftest import Run

pytest_plugins = ["pytester"]

LOOPS = """
import asyncio
from ccw_actors.testkit import virtual_time_loop

def pytest_asyncio_loop_factories(config, item):
    return {"stock": asyncio.new_event_loop, "virtual": virtual_time_loop}
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_async_tests(run: Run, pytester: pytest.Pytester, mode: str) -> None:
    """In both modes a test has a System on its own loop."""
    pytester.makeconftest(LOOPS)
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    done = run(
        f"""
seen = []

{mark}
async def test_system(actor_system, probe, request):
    loop = asyncio.get_running_loop()
    assert actor_system.dispatcher.loop is loop
    seen.append(type(loop).__name__)
    pen = probe(Note)
    pen.tell(actor_system.spawn(Diary(), "diary"), Note("dear"))
    assert await pen.expect(Note) == Note("dear")
    await pen.expect_nothing(within=0.001)

@pytest.mark.asyncio(loop_factories=["virtual"])
async def test_virtual_time_alone(actor_system, probe):
    await probe(Note).expect_nothing(within=3600)

def test_loops():
    assert len(set(seen)) == 2
""",
        mode=mode,
    )
    done.assert_outcomes(passed=4)


@pytest.mark.parametrize("by", ["mark", "option"])
def test_loop_scope(run: Run, by: str) -> None:
    """A test with a longer-lived loop has its own System on that loop."""
    option = ("-o", "asyncio_default_test_loop_scope=module") if by == "option" else ()
    mark = "(loop_scope='module')" if by == "mark" else ""
    done = run(
        f"""
seen = []

@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.asyncio{mark}
async def test_system(actor_system, number):
    assert actor_system.dispatcher.loop is asyncio.get_running_loop()
    seen.append(actor_system)

def test_seen():
    first, second = seen
    assert first is not second
    assert first.dispatcher.loop is second.dispatcher.loop
""",
        *option,
        mode="strict",
    )
    done.assert_outcomes(passed=3)


WITHOUT_LOOP = """
def test_virtual(virtual_system, probe):
    pen = probe(Note)
    pen.tell(virtual_system.spawn(Diary()), Note("dear"))
    virtual_system.clock.run()
    assert pen.expect_now(Note) == Note("dear")

def test_stepping(stepping_system, probe):
    pen = probe(Note)
    pen.ref.tell(Note("dear"))
    stepping_system.steps.step()
    assert pen.expect_now(Note) == Note("dear")
    assert stepping_system.steps.delivery == "mailbox"

@pytest.mark.parametrize("stepping_system", ["channel"], indirect=True)
def test_delivery(stepping_system):
    assert stepping_system.steps.delivery == "channel"

def test_others(virtual_system, stepping_system, probe):
    assert probe(Note, system=stepping_system).ref.is_alive
    with pytest.raises(Exception, match="pass system="):
        probe(Note)
"""
"""Tests of Systems that need no loop."""


def test_systems_without_loop(run: Run) -> None:
    """The other Systems and their probes need neither a loop nor pytest-asyncio."""
    done = run(
        WITHOUT_LOOP,
    )
    done.assert_outcomes(passed=4)


FAILURES = """
def fail(system, path):
    system.spawn(Diary(), path).tell(Blow())
    system.clock.run()

@pytest.mark.parametrize("path", ["diary", "pool/1"])
def test_unexpected(virtual_system, path):
    fail(virtual_system, path)

@pytest.mark.parametrize("path", ["diary", "pool/1"])
@pytest.mark.actor_failures("diary", "pool/*")
def test_expected(virtual_system, path):
    fail(virtual_system, path)

@pytest.mark.actor_failures
def test_any(virtual_system):
    fail(virtual_system, "whoever")

@pytest.mark.actor_failures("diary")
def test_another(virtual_system):
    fail(virtual_system, "somebody")

@pytest.mark.asyncio
async def test_async(actor_system, probe):
    ref = actor_system.spawn(Diary(), "on the loop")
    ref.tell(Blow())
    await probe().expect_terminated(ref)
"""
"""Tests whose actors fail, with a mark that allows it or without."""


def test_unexpected_failure(run: Run) -> None:
    """A test whose actor failed is an error, unless the mark allows it."""
    done = run(
        FAILURES,
        mode="strict",
    )
    done.assert_outcomes(passed=7, errors=4)
    lines = ["diary", "pool/1", "somebody", "on the loop"]
    expected = [f"{path} failed on Blow: ValueError: loud" for path in lines]
    done.stdout.fnmatch_lines(expected)


REFUSALS = """
class Stubborn(Actor):
    @receive
    async def note(self, message: Note) -> None:
        begun.set()
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                pass

class Slow(Actor):
    async def on_stop(self):
        await asyncio.get_running_loop().create_future()

@pytest.mark.asyncio(loop_factories=["virtual"])
async def test_stubborn(actor_system):
    global begun
    begun = asyncio.Event()
    actor_system.spawn(Stubborn(), "stubborn").tell(Note("dear"))
    await begun.wait()

@pytest.mark.asyncio(loop_factories=["virtual"])
async def test_slow(actor_system):
    actor_system.spawn(Slow(), "slow")
"""
"""Tests that leave an actor behind which does not stop, or not in time."""


def test_refusal_to_stop(run: Run, pytester: pytest.Pytester) -> None:
    """A test with a remaining actor is an error that names it."""
    pytester.makeconftest(LOOPS)
    done = run(
        REFUSALS,
        mode="strict",
    )
    done.assert_outcomes(passed=2, errors=2)
    late = "slow failed on on_stop: TimeoutError: on_stop has not ended in 5 s"
    done.stdout.fnmatch_lines(["stubborn refuses to stop", late])


@pytest.mark.parametrize("mode", ["", "strict"])
@pytest.mark.parametrize("args", [("-p", "no:pytest_asyncio.plugin"), ()])
def test_plugin_disabled(run: Run, mode: str, args: tuple[str, ...]) -> None:
    """Without pytest-asyncio the fixture on the loop fails; others work."""
    done = run(
        """
def test_virtual(virtual_system):
    pass

def test_loop(actor_system):
    pass
""",
        *args,
        mode=mode,
    )
    done.assert_outcomes(passed=1, errors=1)
    missing = "the fixture actor_system needs the plugin pytest-asyncio*"
    unfit = "the fixture actor_system needs a test that pytest-asyncio runs*"
    done.stdout.fnmatch_lines([missing if args or not mode else unfit])


def test_not_installed(run: Run, pytester: pytest.Pytester) -> None:
    """The plugin also works if pytest-asyncio is not installed."""
    pytester.makepyfile(absent="import sys; sys.modules['pytest_asyncio'] = None")
    done = run(
        """
def test_virtual(virtual_system):
    pass

def test_loop(actor_system):
    pass
""",
        "-p",
        "absent",
        "-p",
        "no:doctest",
        alone=True,
    )
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["the fixture actor_system needs the plugin*"])


def test_unmarked_test(run: Run) -> None:
    """In strict mode an async test without its mark gets advice."""
    done = run("async def test_it(actor_system): pass", mode="strict")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*make it async and mark it with pytest.mark.asyncio*"])


def test_nothing_is_imported_unasked() -> None:
    """A run of pytest without our fixtures does not import the package.

    Except for the module with the list of escalating errors.
    """
    code = "import ccw_actors.pytest_plugin, sys; print(*sys.modules)"
    names = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    ours = {name.partition(".")[2] for name in names if name.startswith("ccw_actors")}
    assert ours == {"", "pytest_plugin", "_escalation"}
