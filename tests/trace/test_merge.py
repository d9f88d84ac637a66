"""Traces of linked Systems become one, in causal order."""

import asyncio
import io
from pathlib import Path
from typing import Any

from ccw_actors.runtime import Actor, ActorRef, Message, System, receive
from ccw_actors.trace import (
    DeadLetterRecord,
    HandledRecord,
    TracePart,
    TraceReader,
    TraceWriter,
    merge_traces,
)


class Ball(Message, frozen=True):
    """A ball with the number of strokes that it still gets."""

    left: int


class Meet(Message, frozen=True):
    """The player to return balls to."""

    other: ActorRef[Ball]


class Player(Actor[Ball | Meet]):
    """Returns a ball until it has no strokes left."""

    def __init__(self, done: asyncio.Event) -> None:
        self._done = done
        self._other: ActorRef[Ball] | None = None

    @receive
    def meet(self, message: Meet) -> None:
        """Remember the other player."""
        self._other = message.other

    @receive
    def ball(self, message: Ball) -> None:
        """Return the ball, or end the game."""
        if message.left and self._other is not None:
            self._other.tell(Ball(message.left - 1))
        else:
            self._done.set()


async def play(folder: Path, strokes: int) -> list[TracePart]:
    """Play with two Systems that are linked; return their traces."""
    parts = [TracePart(name, folder / f"{name}.trace") for name in ("one", "two")]
    done = asyncio.Event()
    with parts[0].path.open("wb") as first, parts[1].path.open("wb") as second:
        async with System(name="one") as one, System(name="two") as two:
            one.observe(TraceWriter(first, of_part=True))
            two.observe(TraceWriter(second, of_part=True))
            listener = await one.listen(f"unix:{folder / 'link'}")
            link = await two.connect(listener.address)
            here = two.spawn(Player(done), "player")
            one.spawn(Player(done), "player")
            there = await link.ref("player")
            here.tell(Meet(there))
            there.tell(Meet(here))
            here.tell(Ball(strokes))
            await done.wait()
    return parts


def merged(parts: list[TracePart]) -> tuple[list[Any], dict[str, str]]:
    """Return the events of a merged trace, and what was short."""
    target = io.BytesIO()
    short = merge_traces(parts, target)
    return list(TraceReader(io.BytesIO(target.getvalue()))), short


def balls(events: list[Any]) -> list[int]:
    """Return the strokes left at each ball, in the order of the trace."""
    return [one.message[1] for one in events if one.message[0] == "Ball"]


def check_causes(events: list[HandledRecord | DeadLetterRecord]) -> None:
    """Check that numbers are unique, and that each message comes after its cause."""
    seen: set[int] = set()
    for one in events:
        assert one.number not in seen
        assert one.cause == 0 or one.cause in seen
        seen.add(one.number)


def test_order_is_causal(tmp_path: Path) -> None:
    """A message comes after its cause in another System, which it names."""
    events, short = merged(asyncio.run(play(tmp_path, 20)))
    assert balls(events) == list(range(20, -1, -1))
    check_causes(events)
    numbers = [one.number for one in events if one.message[0] == "Ball"]
    causes = [one.cause for one in events if one.message[0] == "Ball"]
    assert causes[1:] == numbers[:-1]
    assert not short


def test_clocks_that_differ(tmp_path: Path) -> None:
    """Causes decide, even if a clock is wrong by hours."""
    one, two = asyncio.run(play(tmp_path, 20))
    late = TracePart(two.system, two.path, 7200.0)
    for parts in ([one, late], [late, one]):
        events, _ = merged(parts)
        assert balls(events) == list(range(20, -1, -1))
        check_causes(events)


def test_part_that_is_cut_short(tmp_path: Path) -> None:
    """A part is merged up to its damage, and the others to their ends."""
    one, two = asyncio.run(play(tmp_path, 20))
    data = two.path.read_bytes()
    two.path.write_bytes(data[: len(data) // 2])
    events, short = merged([one, two])
    assert list(short) == ["two"]
    in_first = {left for left in range(21) if left % 2}
    assert in_first < set(balls(events))


def test_part_that_is_missing(tmp_path: Path) -> None:
    """A part without a file is said to be short, and its messages are no causes."""
    one, two = asyncio.run(play(tmp_path, 4))
    two.path.unlink()
    events, short = merged([one, two])
    assert short == {"two": "No such file or directory"}
    assert balls(events) == [3, 1]


def test_trace_of_one_system_alone(tmp_path: Path) -> None:
    """In a trace that is no part, a cause in another System is none."""
    target = io.BytesIO()

    async def lone() -> None:
        done = asyncio.Event()
        async with System(name="one") as one, System(name="two") as two:
            one.observe(TraceWriter(target))
            listener = await one.listen(f"unix:{tmp_path / 'other'}")
            link = await two.connect(listener.address)
            one.spawn(Player(done), "player")
            here = two.spawn(Player(done), "player")
            here.tell(Meet(await link.ref("player")))
            here.tell(Ball(1))
            await done.wait()

    asyncio.run(lone())
    (event,) = TraceReader(io.BytesIO(target.getvalue()))
    assert isinstance(event, HandledRecord)
    assert (event.message, event.cause) == (["Ball", 0], 0)
