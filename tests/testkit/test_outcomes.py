"""Outcomes of pytest within an actor come out of the test: fail, skip, exit."""

from itertools import product

import pytest

from ccw_actors._escalation import ALWAYS, TAKERS
from tests.testkit.conftest import Run

pytest_plugins = ["pytester"]

CAST = """
import pytest_asyncio
from ccw_actors.runtime import System

class Do(Message, frozen=True):
    what: str

class Doer(Actor[Do]):
    @receive
    def do(self, message: Do) -> None:
        getattr(pytest, message.what)("from within")

class AsyncDoer(Doer):
    @receive
    async def do(self, message: Do) -> None:
        await self.sleep(0)
        getattr(pytest, message.what)("from within")

class StopDoer(Doer):
    @receive
    def do(self, message: Do) -> None:
        self.what = message.what
        self.stop()

    def on_stop(self) -> None:
        getattr(pytest, self.what)("from within")

async def for_ever():
    async with asyncio.timeout(10):
        await asyncio.get_running_loop().create_future()

@pytest_asyncio.fixture
async def in_a_block():
    async with System() as system:
        yield system

@pytest_asyncio.fixture
async def shut_down():
    system = System()
    yield system
    await system.shutdown()
"""

ON_LOOP = {
    "block": """
@pytest.mark.asyncio
async def test_{name}():
    async with System() as system:
        system.{spawn}({kind}()).tell(Do("{what}"))
        await for_ever()
""",
    "asyncio_run": """
def test_{name}():
    async def main():
        async with System() as system:
            system.{spawn}({kind}()).tell(Do("{what}"))
            await for_ever()

    asyncio.run(main())
""",
    "fixture_of_ours": """
@pytest.mark.asyncio
async def test_{name}(actor_system):
    actor_system.{spawn}({kind}()).tell(Do("{what}"))
    await for_ever()
""",
    "fixture_with_a_block": """
@pytest.mark.asyncio
async def test_{name}(in_a_block):
    in_a_block.{spawn}({kind}()).tell(Do("{what}"))
    await for_ever()
""",
    "fixture_that_shuts_down": """
class Test{name}:
    @pytest.mark.asyncio
    async def test_it(self, shut_down):
        ref = shut_down.{spawn}({kind}())
        ref.tell(Do("{what}"))
        await ref.stopped()
        await for_ever()
""",
    "cancellation_is_swallowed": """
@pytest.mark.asyncio
async def test_{name}(actor_system):
    actor_system.{spawn}({kind}()).tell(Do("{what}"))
    try:
        await for_ever()
    except asyncio.CancelledError:
        pass
""",
    "another_error": """
@pytest.mark.asyncio
async def test_{name}(actor_system):
    actor_system.{spawn}({kind}()).tell(Do("{what}"))
    try:
        await for_ever()
    finally:
        raise KeyError
""",
}

WITHOUT_LOOP = {
    "virtual_clock": """
def test_{name}(virtual_system):
    virtual_system.{spawn}({kind}()).tell(Do("{what}"))
    virtual_system.clock.run()
    raise AssertionError
""",
    "stepping": """
def test_{name}(stepping_system):
    stepping_system.{spawn}({kind}()).tell(Do("{what}"))
    stepping_system.steps.run()
    raise AssertionError
""",
}

TESTS = [
    *product(ON_LOOP.items(), ("spawn",), ("Doer", "AsyncDoer", "StopDoer")),
    *product(ON_LOOP.items(), ("spawn_thread",), ("Doer", "StopDoer")),
    *product(WITHOUT_LOOP.items(), ("spawn",), ("Doer", "AsyncDoer", "StopDoer")),
]


def all_tests(what: str) -> str:
    """Return a test for each place where an actor raises an outcome."""
    return CAST + "".join(
        text.format(name=f"{name}_{spawn}_{kind}", spawn=spawn, kind=kind, what=what)
        for (name, text), spawn, kind in TESTS
    )


@pytest.mark.parametrize(
    ("what", "outcome"), [("fail", "failed"), ("skip", "skipped"), ("xfail", "xfailed")]
)
def test_outcome(run: Run, what: str, outcome: str) -> None:
    """It is the outcome of the test: in a block, with a fixture, and in a thread.

    Also under a virtual clock and the stepping dispatcher, without other errors.
    """
    done = run(all_tests(what), "-rfE", "--tb=no", mode="strict")
    done.assert_outcomes(**{outcome: len(TESTS)})
    if what == "fail":
        done.stdout.fnmatch_lines(
            ["FAILED *test_block_spawn_Doer - Failed: from within"]
        )
    assert [KeyboardInterrupt, SystemExit, *OUTER] == ALWAYS
    assert len(TAKERS) == 1


OUTER = [pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception]


@pytest.mark.parametrize("name", ["block", "fixture_of_ours"])
def test_exit(run: Run, name: str) -> None:
    """`pytest.exit` ends the run."""
    test = ON_LOOP[name].format(name="it", spawn="spawn", kind="Doer", what="exit")
    done = run(f"{CAST}{test}\ndef test_after(): pass\n", mode="strict")
    done.assert_outcomes()
    done.stdout.fnmatch_lines(["*_pytest.outcomes.Exit: from within*"])


TEARDOWNS = f"""{CAST}
@pytest_asyncio.fixture
async def fails_late():
    system = System()
    yield
    ref = system.spawn(Doer())
    ref.tell(Do("fail"))
    await ref.stopped()
    await system.shutdown()

def stops_badly():
    actor = StopDoer()
    actor.what = "fail"
    return actor

@pytest.mark.asyncio
async def test_fails_late(fails_late):
    pass

@pytest.mark.asyncio
async def test_block(in_a_block):
    in_a_block.spawn(stops_badly())

@pytest.mark.asyncio
async def test_shut_down(shut_down):
    shut_down.spawn(stops_badly())

@pytest.mark.asyncio
async def test_ours(actor_system):
    actor_system.spawn(stops_badly())
"""
"""Tests whose actors fail when they are over."""


def test_teardown(run: Run) -> None:
    """An actor's outcome in the teardown of a fixture is an error there."""
    done = run(
        TEARDOWNS,
        mode="strict",
    )
    done.assert_outcomes(passed=4, errors=4)


def test_system_that_says_what_it_escalates(run: Run) -> None:
    """A System with its own `escalate` keeps to that: the actor has failed."""
    done = run(
        f"""{CAST}
@pytest.mark.asyncio
async def test_it():
    async with System(escalate=()) as system:
        ref = system.spawn(Doer())
        ref.tell(Do("fail"))
        await ref.stopped()
        assert "Failed: from within" in str(system.failures)
""",
        mode="strict",
    )
    done.assert_outcomes(passed=1)


def test_import_within_a_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same if the runtime is imported after the test has begun."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        import pytest, sys

        def test_it():
            assert "ccw_actors.runtime" not in sys.modules
            from ccw_actors.runtime import Actor, Message, System, VirtualDispatcher
            from ccw_actors.runtime import receive

            class Skip(Message, frozen=True):
                pass

            class Skips(Actor):
                @receive
                def skip(self, message: Skip) -> None:
                    pytest.skip("from within")

            system = System(VirtualDispatcher())
            system.spawn(Skips()).tell(Skip())
            system.dispatcher.run()
        """
    )
    done = pytester.runpytest_subprocess("-p", "ccw_actors.pytest_plugin")
    done.assert_outcomes(skipped=1)
