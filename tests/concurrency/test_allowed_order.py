"""The order in which the event loop handles messages is one of those promised."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.runtime import Delivery, System
from ccw_actors.testkit import virtual_time_loop
from tests.concurrency.cast import Story, until
from tests.concurrency.replay import Play, Player, plays, replayed

PATHS = "abc"
DELIVERIES: tuple[Delivery, ...] = ("mailbox", "channel")


async def observed(
    kicks: tuple[tuple[str, Play], ...],
) -> tuple[Story, dict[str, list[str]]]:
    """Have plays acted out on the loop; return what was observed, and the logs."""
    async with System() as system:
        actors = {path: Player() for path in PATHS}
        for path, actor in actors.items():
            system.spawn(actor, path)
        story = Story(system)
        for path, play in kicks:
            system.ref(path).tell(play)
        timers = system._mail.timers  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        await until(
            lambda: (
                not timers.armed
                and all(one.doing == "idle" for one in system.dump().actors)
            )
        )
        assert system.failures == []
        events = list(story.events)
    story.events[:] = events
    return story, {path: actor.log for path, actor in actors.items()}


@given(
    kicks=plays(PATHS),
    delivery=st.sampled_from(DELIVERIES),
    virtual=st.booleans(),
)
def test_observed_order_is_allowed(
    *, kicks: tuple[tuple[str, Play], ...], delivery: Delivery, virtual: bool
) -> None:
    """The stepping dispatcher allows it, step by step, and comes to the same logs.

    Tells, asks between actors whose handlers wait, replies to what was told, timers and
    refused cycles of asks are mixed at random.
    """
    factory = virtual_time_loop if virtual else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        story, logs = runner.run(observed(kicks))
    troupe = dict.fromkeys(PATHS, Player)
    assert replayed(delivery, troupe, kicks, story.events) == logs
