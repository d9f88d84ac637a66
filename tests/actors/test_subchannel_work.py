"""A subchannel's work in progress: its events, and the possible combinations."""

import itertools
from pathlib import Path
from typing import get_args

import pytest

from ccw_actors.actors.hardware._subchannel_work import (
    EVENTS,
    UNREACHABLE,
    Attachment,
    Awaited,
    EventName,
    Owed,
    Signal,
    Work,
    after,
)
from tools.subchannel_states import Found, Row, explored
from tools.subchannel_states_page import as_markdown

ROOT = Path(__file__).parents[2]
EVERY = [
    Row(runs, Work(*values))
    for runs in (False, True)
    for values in itertools.product(*map(get_args, (Awaited, Owed, Signal, Attachment)))
]


def refused(row: Row) -> list[str]:
    """Return why a combination is impossible."""
    return [rule.why for rule in UNREACHABLE if rule.holds(row.work, runs=row.runs)]


@pytest.fixture(scope="module")
def found() -> Found:
    """Explore one subchannel."""
    return explored()


@pytest.mark.slow
def test_the_page_is_what_is_found(found: Found) -> None:
    """docs/generated/subchannel-states.md is what its generator prints."""
    page = (ROOT / "docs" / "generated" / "subchannel-states.md").read_text()
    assert page == as_markdown(found)


def test_what_is_not_refused_is_reached(found: Found) -> None:
    """The rules leave exactly those combinations that are reached."""
    reached = {*found.between, *found.within}
    assert {row for row in EVERY if not refused(row)} == reached


def test_each_rule_is_needed() -> None:
    """Each rule refuses a combination that no other rule refuses."""
    alone = {why for row in EVERY if len(refused(row)) == 1 for why in refused(row)}
    assert alone == {rule.why for rule in UNREACHABLE}


@pytest.mark.slow
def test_a_finer_search_reaches_no_others(found: Found) -> None:
    """Telling more states apart, or another pace, reaches no other combinations."""
    fine = explored(fine=True)
    assert fine.states > found.states
    assert fine.between.keys() == found.between.keys()
    assert fine.within == found.within


@pytest.mark.parametrize(
    ("work", "event", "runs"),
    [
        (Work(), "halt signal given", False),
        (Work("storage"), "clear signal answered", True),
        (Work(attachment="leaving"), "device asked", True),
        (Work("storage", attachment="leaving"), "loss told", False),
        (Work(), "restarted", False),
    ],
)
def test_what_cannot_be_is_refused(work: Work, event: EventName, *, runs: bool) -> None:
    """An event that would lead to an impossible combination fails an assertion."""
    with pytest.raises(AssertionError, match=f"^{event} at Work"):
        after(work, event, runs=runs)


def test_events_are_those_with_names() -> None:
    """Each name is that of one event."""
    assert tuple(event.name for event in EVENTS) == get_args(EventName)
