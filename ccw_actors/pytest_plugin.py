"""Fixtures for tests of actors, which pytest finds on its own.

| fixture | what it is |
|---|---|
| `actor_system` | a System on the event loop of an async test (pytest-asyncio) |
| `virtual_system` | a `VirtualSystem`, whose `clock` the test runs |
| `stepping_system` | a `SteppingSystem`, whose `steps` the test picks |
| `probe` | makes probes in the System fixture of the test |
| `world` | the `World` to which a test with the mark `explore` adds its actors |

After the test the plugin shuts each System down. The test has an error if an actor does
not stop, or has failed without `@pytest.mark.actor_failures("a path", "pool/*")`
allowing it.

`pytest.fail`, `skip`, `xfail` and `exit` within an actor affect the test: every System
created by then escalates them. They interrupt a test that waits in the block of an
`async with System()` there, and another async test wherever it waits.

The plugin imports nothing else of this package before a test uses a fixture, except a
list of errors, and it asserts nothing (PYTEST_DONT_REWRITE).

`@pytest.mark.explore(delivery=..., engine=..., time=..., limits=...)` makes a test a
scenario: the test says what must hold, and passes if that holds in every schedule. It
may also use other fixtures. A failure prints where its counterexample is, and the page
that shows it.
"""

import functools
import inspect
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from ccw_actors._escalation import escalate_always

if TYPE_CHECKING:
    import asyncio

    from ccw_actors.explore import World
    from ccw_actors.runtime import System
    from ccw_actors.testkit import ProbeFactory, SteppingSystem, VirtualSystem

__all__ = ["actor_system", "probe", "stepping_system", "virtual_system", "world"]

_SYSTEMS = ("actor_system", "virtual_system", "stepping_system")
_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")
_PAGE_SECONDS: Final = 0.5
"""How long each part of the explanation on the page of a failure may take."""
_ON_LOOP = "_actor_system_on_{}_loop"
_OUTCOMES: Final = (
    pytest.fail.Exception,
    pytest.skip.Exception,
    pytest.exit.Exception,
)


class _Outcomes:
    """Raises in the test the outcome that an actor reported to pytest."""

    def __init__(self) -> None:
        self._is_called = False
        self._task: asyncio.Task[Any] | None = None
        self._outcome: BaseException | None = None
        self._undo = escalate_always(*_OUTCOMES, taker=self.take)

    def pytest_unconfigure(self) -> None:
        """Restore what was there before pytest ran."""
        self._undo()

    def take(self, error: BaseException) -> bool:
        """Make the test raise an outcome; called where actors run."""
        if not self._is_called or not isinstance(error, _OUTCOMES):
            return False
        if self._outcome is None:
            self._outcome = error
            task = self._task
            if task is not None:  # It may run on another loop than the System.
                task.get_loop().call_soon_threadsafe(task.cancel)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Raise the outcome of an actor, if any, around the call of one test."""
        self._is_called, self._task, self._outcome = True, None, None
        test = getattr(item, "obj", None)
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(test):
            item.obj = self._noted(test)
        try:
            result = yield
        except BaseException:
            self._raise()
            raise
        finally:
            self._is_called, self._task = False, None
            if isinstance(item, pytest.Function):
                item.obj = test
        self._raise()
        return result

    def _noted(self, test: Callable[..., Any]) -> Callable[..., Any]:
        """Return the test, which notes its task, the one to interrupt."""

        @functools.wraps(test)
        async def noted(*args: Any, **kwargs: Any) -> Any:
            import asyncio  # noqa: PLC0415

            with suppress(RuntimeError):  # no asyncio loop runs the test
                self._task = asyncio.current_task()
            try:
                return await test(*args, **kwargs)
            finally:
                self._task = None

        return noted

    def _raise(self) -> None:
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            raise outcome from outcome.__cause__


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marks, and forward outcomes from actors."""
    config.pluginmanager.register(_Outcomes(), "ccw_actors.outcomes")
    config.addinivalue_line(
        "markers",
        "actor_failures(*paths): actors at these paths (* for any text) may fail",
    )
    config.addinivalue_line(
        "markers",
        "explore(delivery, engine, time, limits, recheck): the test is a scenario,"
        " which has to hold in every schedule",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Explore a test with the mark `explore` instead of calling it."""
    mark = pyfuncitem.get_closest_marker("explore")
    if mark is None:
        return None
    function: Any = pyfuncitem.obj
    names: tuple[str, ...] = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if "world" not in names or inspect.iscoroutinefunction(function) or mark.args:
        _judge(
            "@pytest.mark.explore needs a plain function with the argument `world`;"
            " pass its own arguments by name, as in delivery='mailbox'"
        )
    others = {name: pyfuncitem.funcargs[name] for name in names if name != "world"}
    _judge(_failure(pyfuncitem, _scenario(function, others), mark, others))
    return True


def _failure(
    item: pytest.Function,
    scenario: "Callable[[World], None]",
    mark: pytest.Mark,
    others: dict[str, Any],
) -> str:
    """Return why a test that is a scenario does not hold, "" if it does."""
    from ccw_actors.explore import failure  # noqa: PLC0415

    where = f"{item.path}::{item.originalname}"
    saved: list[Path] = []

    def place() -> Path:
        saved.append(_counterexample(item))
        return saved[-1]

    try:
        wrong = failure(scenario, mark.kwargs, where, place)
    except TypeError as error:
        if "explore()" not in str(error):
            raise
        return f"@pytest.mark.explore: {error}"
    if saved and others:
        # The last line is a command to replay it, which cannot make the fixtures.
        wrong = wrong.rpartition("\n")[0]
    pages = (_page(one, scenario, where, replays=not others) for one in saved)
    return "\n".join([wrong, *pages])


def _page(
    file: Path, scenario: "Callable[[World], None]", name: str, *, replays: bool
) -> str:
    """Write the page of a counterexample next to it; return a line about it.

    `replays` is whether a command can replay it. Whatever goes wrong is only told: the
    failure of the test matters more.
    """
    page = file.with_name(file.name.replace(".counterexample.json", ".html"))
    try:
        from ccw_actors.explore import Counterexample  # noqa: PLC0415
        from ccw_actors.show import page_of, picture_of_counterexample  # noqa: PLC0415

        picture = picture_of_counterexample(
            Counterexample.load(file),
            scenario,
            name,
            file=str(file) if replays else "",
            seconds_max=_PAGE_SECONDS,
        )
        page.write_text(page_of(picture), encoding="utf-8")
    except (Exception, SystemExit, *_OUTCOMES) as error:  # noqa: BLE001 - see above
        return f"No page could be written: {type(error).__name__}: {error}"
    return f"See it in a browser: {page}"


def _scenario(
    function: Callable[..., None], others: dict[str, Any]
) -> "Callable[[World], None]":
    def scenario(world: "World") -> None:
        function(**others, world=world)

    return scenario


def _counterexample(item: pytest.Function) -> Path:
    """Return the file for the counterexample of a test, in the cache of pytest."""
    cache: pytest.Cache | None = getattr(item.config, "cache", None)
    temporary = Path(tempfile.gettempdir()) / "ccw-actors"
    folder = temporary if cache is None else cache.mkdir("ccw-actors")
    name = re.sub(r"\W+", "-", f"{item.path.stem}-{item.name}").strip("-")
    if item.name != item.originalname:
        # The texts of two parameters can differ in such characters alone.
        name = f"{name}-{sha256(item.name.encode()).hexdigest()[:8]}"
    return folder / f"{name}.counterexample.json"


@pytest.fixture
def world(request: pytest.FixtureRequest) -> None:
    """Stand for the `World` that a test with the mark `explore` receives."""
    if request.node.get_closest_marker("explore") is None:
        _judge("the fixture world needs a test with the mark pytest.mark.explore")


@pytest.fixture
def actor_system(request: pytest.FixtureRequest) -> "System":
    """A System on the event loop of the test."""
    _check_runs_on_loop(request)
    mark = request.node.get_closest_marker("asyncio")
    scope = mark.kwargs.get("loop_scope") if mark is not None else None
    scope = scope or request.config.getini("asyncio_default_test_loop_scope")
    system: System = request.getfixturevalue(_ON_LOOP.format(scope))
    return system


def _check_runs_on_loop(request: pytest.FixtureRequest) -> None:
    """Fail a test that pytest-asyncio does not run."""
    plugins = request.config.pluginmanager
    driver = sys.modules.get("pytest_asyncio.plugin")
    if driver is None or not plugins.is_registered(driver):
        pytest.fail(
            "the fixture actor_system needs the plugin pytest-asyncio, which is not"
            " installed or disabled; virtual_system and stepping_system do not need it",
            pytrace=False,
        )
    import pytest_asyncio  # noqa: PLC0415

    if not pytest_asyncio.is_async_test(request.node):
        pytest.fail(
            "the fixture actor_system needs a test that pytest-asyncio runs: make it"
            " async and mark it with pytest.mark.asyncio, or use virtual_system",
            pytrace=False,
        )


@pytest.fixture
def virtual_system(request: pytest.FixtureRequest) -> "Iterator[VirtualSystem]":
    """A System under a virtual clock, `virtual_system.clock`."""
    from ccw_actors.testkit import VirtualSystem  # noqa: PLC0415

    system = VirtualSystem()
    yield system
    _end_without_loop(request, system)


@pytest.fixture
def stepping_system(request: pytest.FixtureRequest) -> "Iterator[SteppingSystem]":
    """A System that handles one message at each step, `stepping_system.steps.step()`.

    Parametrised indirectly, it takes the delivery: "mailbox" or "channel".
    """
    from ccw_actors.testkit import SteppingSystem  # noqa: PLC0415

    system = SteppingSystem(getattr(request, "param", "mailbox"))
    yield system
    _end_without_loop(request, system)


@pytest.fixture
def probe(request: pytest.FixtureRequest) -> "ProbeFactory":
    """Make probes: `probe(Note, Notes | Failure)`, `probe(Note, system=another)`."""
    from ccw_actors.testkit import ProbeFactory  # noqa: PLC0415

    used = [name for name in _SYSTEMS if name in request.fixturenames]
    return ProbeFactory(request.getfixturevalue(used[0]) if len(used) == 1 else None)


def _end_without_loop(request: pytest.FixtureRequest, system: "System") -> None:
    from ccw_actors.testkit import end_without_loop  # noqa: PLC0415

    _judge(end_without_loop(system, _may_fail(request)))


def _may_fail(request: pytest.FixtureRequest) -> list[str]:
    marks = request.node.iter_markers("actor_failures")
    return [path for mark in marks for path in mark.args or ("*",)]


def _judge(wrong: str) -> None:
    if wrong:
        pytest.fail(wrong, pytrace=False)


def _running_system() -> "Callable[[pytest.FixtureRequest], AsyncIterator[System]]":
    """Return one more fixture function; each is for one scope of the loop."""

    async def running_system(
        request: pytest.FixtureRequest,
    ) -> "AsyncIterator[System]":
        from ccw_actors.runtime import System  # noqa: PLC0415
        from ccw_actors.testkit import end  # noqa: PLC0415

        system = System()
        yield system
        _judge(await end(system, _may_fail(request)))

    return running_system


try:
    from pytest_asyncio import fixture as asyncio_fixture
except ImportError:
    pass  # `actor_system` reports it when a test asks for it.
else:
    for _scope in _LOOP_SCOPES:
        # A test sees only what runs on its own loop, and tests choose their loop's
        # scope. Strict mode needs this decorator, auto mode accepts it.
        _name = _ON_LOOP.format(_scope)
        globals()[_name] = asyncio_fixture(name=_name, loop_scope=_scope)(
            _running_system()
        )
