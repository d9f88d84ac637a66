"""The observed schedule is one of the promised ones."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.runtime import Delivery, System
from ccw_actors.testkit import virtual_time_loop
from tests.concurrency.cast import Story, until
from tests.concurrency.replay import (
    Act,
    Extra,
    Play,
    Player,
    Troupe,
    is_over,
    plays,
    replayed,
)

R = TypeVar("R")

DELIVERIES: tuple[Delivery, ...] = ("mailbox", "channel")
ACTORS: Troupe = {"a": Player, "b": Player, "c": Player}
MIXED: Troupe = {"a": Player, "b": Player, "s": Extra, "t": Extra}


async def observed(
    troupe: Troupe, kicks: Sequence[tuple[str, Play]]
) -> tuple[Story, dict[str, list[str]]]:
    """Run plays on the loop, and those of an `Extra` in a thread."""
    async with System() as system:
        actors = {path: kind() for path, kind in troupe.items()}
        for path, actor in actors.items():
            if isinstance(actor, Extra):
                system.spawn_thread(actor, path)
            else:
                system.spawn(actor, path)
        story = Story(system)
        for path, play in kicks:
            system.ref(path).tell(play)
        logs = {path: actor.log for path, actor in actors.items()}
        await until(
            lambda: (
                len(story.dead_letters) == len(kicks) and is_over(kicks, logs.values())
            )
        )
    assert system.failures == []
    return story, logs


def on_a_loop(coroutine: Coroutine[Any, Any, R], *, virtual: bool) -> R:
    """Run the coroutine on a new event loop."""
    factory = virtual_time_loop if virtual else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)


@given(plays(ACTORS), st.sampled_from(DELIVERIES), st.booleans())
def test_observed_order_is_allowed(
    kicks: Sequence[tuple[str, Play]],
    delivery: Delivery,
    virtual: bool,  # noqa: FBT001 - given
) -> None:
    """The stepping dispatcher allows it, step by step, with the same logs.

    Tells, asks between actors whose handlers wait, replies to what was told, timers and
    refused cycles of asks are mixed at random.
    """
    story, logs = on_a_loop(observed(ACTORS, kicks), virtual=virtual)
    assert replayed(delivery, ACTORS, kicks, story.events) == logs


@given(plays(MIXED), st.booleans())
@settings(max_examples=50)
def test_order_observed_across_threads(
    kicks: Sequence[tuple[str, Play]],
    virtual: bool,  # noqa: FBT001 - given
) -> None:
    """With actors in threads, channel delivery allows the observed schedule."""
    story, logs = on_a_loop(observed(MIXED, kicks), virtual=virtual)
    assert replayed("channel", MIXED, kicks, story.events) == logs


@pytest.mark.parametrize("virtual", [False, True])
def test_play_of_everything(*, virtual: bool) -> None:
    """A play with all kinds of actions has the expected result."""
    inner = Act("ask", "c", Play("i", (Act("tell", "a", Play("j")),)))
    cycle = Act("ask", "b", Play("k", (Act("ask", "a", Play("l")), inner)))
    kicks = (
        ("a", Play("1", (Act("after", "a", Play("t")), cycle))),
        ("c", Play("2", (Act("tell", "b", Play("m")), Act("tell", "a", Play("n"))))),
    )
    story, logs = on_a_loop(observed(ACTORS, kicks), virtual=virtual)
    assert sorted(logs["a"]) == ["1", "answered k", "j", "n", "played t", "t"]
    assert sorted(logs["b"]) == ["answered i", "k", "m", "refused l"]
    assert sorted(logs["c"]) == ["2", "i", "played j", "played m", "played n"]
    for delivery in DELIVERIES:
        assert replayed(delivery, ACTORS, kicks, story.events) == logs


def test_order_that_is_not_allowed() -> None:
    """The check finds a message that overtakes another one of its sender."""
    kicks = (("a", Play("1")), ("a", Play("2")))
    story, _ = on_a_loop(observed({"a": Player}, kicks), virtual=True)
    swapped = [event for event in story.events if event.recipient][::-1]
    for delivery in DELIVERIES:
        with pytest.raises(AssertionError, match="is not allowed now"):
            replayed(delivery, {"a": Player}, kicks, swapped)
