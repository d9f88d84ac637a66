"""Hostile bytes end the link, and nothing else."""

import asyncio
import logging
import math
import re
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.errors import MessageError
from ccw_actors.runtime import System
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes
from tests.runtime.links.pairs import Watcher, link_of
from tests.runtime.links.raw import Raw, raw_link, raw_peer
from tests.runtime.worlds import until

loop = pytest.mark.asyncio

ENDS: dict[str, tuple[bytes, str]] = {
    "no msgpack": (b"\xc1", "are not msgpack"),
    "no array": (b"\x01", "expected a frame of items"),
    "no item": (b"\x91\x01", "expected a frame of items"),
    "unknown item": (b"\x91\x91\xa5Hello", "expected a frame of items"),
    "too few fields": (b"\x91\x91\xa4Tell", "expected a frame of items"),
    "a frame of 2 GiB": (b"\xc6\x80\x00\x00\x00", "is larger than 16777216 bytes"),
    "2 GiB of items": (b"\xdd\x80\x00\x00\x00", "is larger than 16777216 bytes"),
    "too many items": (
        msgpack.packb([["Beat"]] * 4097),
        "expected a frame of items: .*4096",
    ),
}

ITEMS: dict[str, tuple[list[Any], str]] = {
    "no path": (["Tell", "", "", ["Note", "x"]], "expected the address of an actor"),
    "no number": (["Tell", "a#x", "", ["Note", "x"]], "expected the address"),
    "number 0": (["Tell", "a#0", "", ["Note", "x"]], "expected the address"),
    "remote": (["Tell", "#raw#1#a", "", ["Note", "x"]], "expected the address"),
    "sender": (["Tell", "diary", "#", ["Note", "x"]], "expected the address"),
    "watcher": (["Watch", "diary", ""], "expected the address"),
    "seconds": (["Ask", "diary", "", 1, -1.0, ["Collect"]], "expected seconds, got -1"),
    "no seconds": (["Ask", "diary", "", 1, math.nan, ["Collect"]], "seconds, got nan"),
    "query": (["Query", 1, "started", "diary", math.nan], "seconds, got nan"),
    "many values": (
        ["Tell", "diary", "", ["Note", [0] * ((1 << 20) + 1)]],
        "Note: 1048577 exceeds",
    ),
    "terminated": (["Tell", "watcher", "x", ["Terminated", 1], True], "a Terminated"),
}


async def still_works(system: System) -> None:
    """Assert that a System's actors and new links are as they should be."""
    assert await system.ref("diary").ask(Collect()) == Notes(())
    async with raw_link(system) as (raw, _):
        raw.send([["Ask", "diary", "", 1, 5.0, ["Collect"]]])
        assert (await raw.item())[:2] == ["Answer", 1]
    await until(lambda: not system.links)


async def flooded(raw: Raw, data: bytes) -> None:
    """Send bytes, and then more than a frame may have."""
    raw.writer.write(data)
    try:
        for _ in range(17 if len(data) == 5 else 0):
            raw.writer.write(bytes(1 << 20))
            await raw.writer.drain()
    except OSError:
        pass


@loop
@pytest.mark.parametrize("case", ENDS)
async def test_bytes_that_are_no_frame(case: str) -> None:
    """The link ends, both ends know why, and the System goes on."""
    data, reason = ENDS[case]
    async with System(name="one") as one:
        one.spawn(Diary(), "diary")
        async with raw_link(one) as (raw, link):
            sending = asyncio.ensure_future(flooded(raw, data))
            item = await raw.item()
            assert item is None or item[0] == "Bye"
            assert re.search(reason, await link.ended())
            await sending
        await still_works(one)


@loop
@pytest.mark.parametrize("case", ITEMS)
async def test_item_that_makes_no_sense(case: str) -> None:
    """The same holds for items whose fields are wrong."""
    item, reason = ITEMS[case]
    async with System(name="one") as one:
        one.spawn(Diary(), "diary")
        one.spawn(Watcher(), "watcher")
        async with raw_link(one) as (raw, link):
            raw.send([item])
            name, text = await raw.item()
            assert name == "Bye"
            assert re.search(reason, text)
            assert await link.ended() == text
        await still_works(one)


@loop
async def test_half_a_frame() -> None:
    """A connection that ends inside a frame does none of its items."""
    async with System(name="one") as one:
        one.spawn(Diary(), "diary")
        async with raw_link(one) as (raw, link):
            frame = msgpack.packb([["Tell", "diary", "", ["Note", "x"]]] * 2)
            raw.writer.write(frame[:-1])
            raw.writer.write_eof()
            assert "the stream ends inside the value" in await link.ended()
        await still_works(one)


@loop
@pytest.mark.parametrize("message", [["Note"], ["Note", 5], [], 7, None, "Note", {}])
async def test_message_that_its_actor_refuses(message: Any) -> None:
    """Only the frame is the link's affair: the actor refuses, the link goes on."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        one.spawn(Diary(), "diary")
        raw.send(
            [
                ["Ask", "diary", "", 3, 5.0, message],
                ["Ask", "diary", "", 4, 5.0, ["Collect"]],
            ]
        )
        answers = [await raw.item(), await raw.item()]
        assert answers[0][3][0] == "Failure"
        assert answers[1][3] == ["Notes", []]
        assert link.is_up


@loop
async def test_answers_that_nobody_asked_for() -> None:
    """They are dead letters."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        raw.send([["Answer", 99, "x", ["Note", "y"]], ["Result", 99, "", ""]])
        raw.send([["Query", 1, "find", "diary", 1.0]])
        await raw.item()
        assert one.statistics().dead_letters == 1
        assert link.is_up


@loop
async def test_answer_of_the_wrong_type() -> None:
    """The ask fails as for an actor that answers with it."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        finding = asyncio.ensure_future(link.ref("x"))
        (_, number, *_) = await raw.item()
        raw.send([["Result", number, "x", ""]])
        asking = asyncio.ensure_future((await finding).ask(Carry("a")))
        (_, _, _, number, *_) = await raw.item()
        raw.send([["Answer", number, "x", ["Notes", []]]])
        with pytest.raises(MessageError, match="x answered Carry with Notes"):
            await asking


SIMPLE = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats()
VALUES = st.recursive(
    SIMPLE | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=8,
)
ADDRESSES = st.sampled_from(["diary", "diary#2", "a/b", "watcher", "", "#", "x#1"])
NUMBERS = st.integers(-2, 3) | st.integers(-(2**63), 2**64 - 1)
SECONDS = st.sampled_from([0, 1, 0.01, 1e308, math.inf, -math.inf, math.nan, 5])
MESSAGES = st.sampled_from(
    [
        ["Note", "x"],
        ["Collect"],
        ["Carry", "x"],
        ["Deliver"],
        ["Send", ["a"], [["raw", "x", 1], ["one", "diary", 1]]],
        ["Meet", ["raw", "y", 2]],
        ["Terminated", ["raw", "y", 2], "gone"],
        ["Failure", "a", "b", "c"],
    ]
)
FIELDS = ADDRESSES | NUMBERS | SECONDS | MESSAGES | VALUES
GOOD = st.one_of(
    st.tuples(st.just("Tell"), ADDRESSES, ADDRESSES, MESSAGES, st.booleans(), NUMBERS),
    st.tuples(st.just("Ask"), ADDRESSES, ADDRESSES, NUMBERS, SECONDS, MESSAGES),
    st.tuples(st.just("Offer"), ADDRESSES, ADDRESSES, NUMBERS, SECONDS, MESSAGES),
    st.tuples(st.just("Answer"), NUMBERS, ADDRESSES, MESSAGES),
    st.tuples(st.sampled_from(["Watch", "Unwatch"]), ADDRESSES, ADDRESSES),
    st.tuples(
        st.just("Query"),
        NUMBERS,
        st.sampled_from(["find", "started", "stopped", "x"]),
        ADDRESSES,
        SECONDS,
    ),
    st.tuples(st.just("Result"), NUMBERS, st.text(max_size=4), st.text(max_size=4)),
    st.tuples(st.sampled_from(["Beat", "Bye"])),
)
TAGS = st.sampled_from(
    ["Tell", "Ask", "Offer", "Answer", "Watch", "Unwatch", "Stop", "Query", "Result"]
)
BAD = st.tuples(TAGS, st.lists(FIELDS, max_size=6)).map(lambda one: [one[0], *one[1]])
FRAMES: st.SearchStrategy[list[Any]] = st.lists(
    st.lists(GOOD | BAD, max_size=4), max_size=4
)


async def attack(data: bytes) -> None:
    """Send bytes to a System over a link; it stays as it was."""
    async with System(name="one") as one:
        one.spawn(Diary(), "diary")
        one.spawn(Watcher(), "watcher")
        async with raw_peer(one) as raw:
            await raw.greet()
            link = await link_of(one, "raw")
            raw.writer.write(data)
            raw.writer.write_eof()
            while await raw.receive() is not None:
                pass
            async with asyncio.timeout(10):
                assert await link.ended()
        assert one.links == ()
        assert one.statistics().pending_asks == 0
        # A peer may do what any actor may, so the notes are its own.
        assert isinstance(await one.ref("diary").ask(Collect()), Notes)
        one.ref("diary").tell(Note("mine"))
        assert "mine" in (await one.ref("diary").ask(Collect())).texts


@settings(max_examples=60)
@given(frames=FRAMES)
def test_any_items(frames: list[Any]) -> None:
    """Whatever the items of a peer say, the System and its actors go on."""
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(attack(b"".join(map(msgpack.packb, frames))))
    finally:
        logging.disable(logging.NOTSET)


@settings(max_examples=40)
@given(data=st.binary(max_size=80), at=st.integers(0, 200), frames=FRAMES)
def test_any_bytes(data: bytes, at: int, frames: list[Any]) -> None:
    """The same holds for any bytes, and for frames with bytes among them."""
    good = b"".join(map(msgpack.packb, frames))
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(attack(good[:at] + data + good[at:]))
    finally:
        logging.disable(logging.NOTSET)


@settings(max_examples=40)
@given(greeting=st.binary(max_size=60) | VALUES.map(msgpack.packb))
def test_any_greeting(greeting: bytes) -> None:
    """The same holds for the bytes before the link."""

    async def greets() -> None:
        async with System(name="one") as one:
            one.spawn(Diary(), "diary")
            async with raw_peer(one) as raw:
                raw.writer.write(greeting)
                raw.writer.write_eof()
                while await raw.receive() is not None:
                    pass
            assert one.links == ()
            assert await one.ref("diary").ask(Collect()) == Notes(())

    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(greets())
    finally:
        logging.disable(logging.NOTSET)
