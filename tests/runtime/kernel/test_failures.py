"""Failures: their number, what is kept, logged and observed."""

import gc
import logging
import weakref
from collections.abc import Iterator

import pytest

from ccw_actors.runtime._kernel.failures import Failures
from ccw_actors.runtime._kernel.observers import Observers
from tests.runtime.kernel.cast import ByHand, Told, calls_of


class Big:
    """An object that a failed handler used."""


def make(told: Told | None = None, *, keeps_causes: bool = False) -> Failures:
    """Return a `Failures` with an observer."""
    dispatcher = ByHand()
    observers = Observers(dispatcher.now, lambda: None, calls_of(dispatcher))
    if told is not None:
        observers.add(told)
    return Failures(observers, keeps_causes=keeps_causes)


def raised(big: Big | None = None) -> ValueError:
    """Return an error raised where an object was in use."""
    try:
        fail(big)
    except ValueError as error:
        return error
    raise AssertionError("it fails")


def fail(_big: Big | None) -> None:
    """Raise, with an object in use."""
    raise ValueError("boom")


def test_failure_says_all_of_it() -> None:
    """It has the actor, the message, the error and its traceback, as text."""
    failures = make()
    failures.add("a", "Note", raised())
    (kept,) = failures.kept
    assert str(kept) == "a failed on Note: ValueError: boom"
    assert (kept.actor, kept.message, kept.reason) == ("a", "Note", "ValueError: boom")
    assert 'raise ValueError("boom")' in kept.traceback


def test_failure_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, and observed with the error itself."""
    told = Told()
    make(told).add("a", "Note", raised())
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "ccw_actors")
    assert record.message == "a failed on Note: ValueError: boom"
    assert "Traceback" in caplog.text
    assert told.lines == ["failed a on Note: ValueError('boom')"]


def test_failure_that_escalates(caplog: pytest.LogCaptureFixture) -> None:
    """It is raised elsewhere, so it is no error in the log; it is marked."""
    caplog.set_level(logging.INFO, "ccw_actors")
    failures = make()
    for escalates in (True, False):
        failures.add("a", "Note", raised(), escalates=escalates)
    assert [one.escalated for one in failures.kept] == [True, False]
    assert [one.levelno for one in caplog.records] == [logging.INFO, logging.ERROR]


def test_who_asked_gets_the_error_itself() -> None:
    """The returned error has the exception as its cause."""
    error = raised()
    assert make().add("a", "Note", error).__cause__ is error


@pytest.fixture
def silent() -> Iterator[None]:
    """Have nothing logged, so that no record of a test runner has the error either."""
    log = logging.getLogger("ccw_actors")
    log.disabled = True
    yield
    log.disabled = False


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("keeps_causes", [False, True])
def test_what_is_kept_holds_no_frame(*, keeps_causes: bool) -> None:
    """The objects of a failed handler are freed, although the failure is kept.

    Unless causes are to be kept, as the explorer wants it.
    """
    failures = make(keeps_causes=keeps_causes)
    big = Big()
    alive = weakref.ref(big)
    failures.add("a", "Note", raised(big))
    del big
    gc.collect()
    assert len(failures.kept) == 1
    assert (failures.kept[0].__cause__ is not None) is keeps_causes
    assert (alive() is not None) is keeps_causes


@pytest.mark.usefixtures("silent")
def test_last_thousand_are_kept() -> None:
    """All are counted; the oldest go."""
    failures = make()
    for number in range(1003):
        failures.add(f"a/{number}", "Note", ValueError())
    assert (failures.count, len(failures.kept)) == (1003, 1000)
    assert (failures.kept[0].actor, failures.kept[-1].actor) == ("a/3", "a/1002")
