"""What is on the wire, item by item, as docs/runtime/links.md says."""

import asyncio

import pytest

from ccw_actors.runtime import System
from ccw_actors.runtime.links import LinkOptions
from tests.runtime.cast import Collect, Diary, Note, Notes
from tests.runtime.links.pairs import Add, Adder, Watcher
from tests.runtime.links.raw import raw_link
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


@loop
async def test_tell_and_ask() -> None:
    """A peer tells and asks; the answer has the number of the ask."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        one.spawn(Diary(), "diary")
        raw.send(
            [
                ["Tell", "diary", "", ["Note", "a"], False, 0, ""],
                ["Tell", "diary", "who", ["Note", "b"]],
                ["Ask", "diary", "", 7, 5.0, ["Collect"]],
            ]
        )
        assert await raw.item() == [
            "Answer",
            7,
            "diary",
            ["Notes", ["a", "b"]],
            0,
            "",
        ]


@loop
async def test_failure_of_an_ask() -> None:
    """The answer is a `Failure` then."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        raw.send([["Ask", "nobody", "", 7, 5.0, ["Collect"]]])
        name, number, sender, failure, *_ = await raw.item()
        assert (name, number, sender) == ("Answer", 7, "nobody")
        assert failure[:4] == ["Failure", "nobody", "Collect", "there is no such actor"]


@loop
async def test_what_a_system_sends() -> None:
    """Tell, ask and offer of this System, and their answers."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        finding = asyncio.ensure_future(link.ref("a/b"))
        name, number, *rest = await raw.item()
        assert (name, rest[:2]) == ("Query", ["find", "a/b"])
        raw.send([["Result", number, "a/b#3", ""]])
        ref = await finding
        assert (ref.system, ref.path, ref.incarnation) == ("raw", "a/b", 3)

        ref.tell(Note("x"))
        assert await raw.item() == [
            "Tell",
            "a/b#3",
            "",
            ["Note", "x"],
            False,
            0,
            "",
        ]
        asking = asyncio.ensure_future(ref.ask(Collect(), timeout=5.0))
        name, to, sender, number, seconds, message, *_ = await raw.item()
        assert (name, to, sender, message) == ("Ask", "a/b#3", "", ["Collect"])
        assert 0 < seconds <= 5.0
        raw.send([["Answer", number, "a/b#3", ["Notes", ["y"]]]])
        assert await asking == Notes(("y",))

        offering = asyncio.ensure_future(ref.offer(Note("z"), timeout=5.0))
        name, to, sender, number, seconds, message, *_ = await raw.item()
        assert (name, to, message) == ("Offer", "a/b#3", ["Note", "z"])
        raw.send([["Result", number]])
        await offering


@loop
async def test_watch_and_stop() -> None:
    """A peer watches and stops an actor, and is told of its end in a notice."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        one.spawn(Diary(), "diary")
        raw.send([["Watch", "diary", "me"], ["Stop", "diary", "me", True]])
        assert await raw.item() == [
            "Tell",
            "me",
            "diary",
            ["Terminated", ["one", "diary", 1], "the actor has stopped"],
            True,
            0,
            "",
        ]


@loop
async def test_watches_of_a_system() -> None:
    """They are items, and so is their end; the peer's notice tells the watcher."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        watcher = Watcher()
        home = one.spawn(watcher, "watcher")
        raw.send([["Tell", "watcher", "", ["Meet", ["raw", "x", 1]]]])
        assert await raw.item() == ["Watch", "x", "watcher"]
        terminated = ["Terminated", ["raw", "x", 1], "gone"]
        raw.send([["Tell", "watcher", "x", terminated, True]])
        await until(lambda: watcher.ends == [("raw:x", "gone")])
        link.lose("cut")
        home.stop()
        await home.stopped()
        assert len(watcher.ends) == 1


@loop
async def test_answer_to_a_told_request() -> None:
    """It is a notice to the sender: no bound of a mailbox refuses it."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        one.spawn(Adder(), "adder")
        raw.send([["Tell", "adder", "me", ["Add", 4]]])
        assert await raw.item() == ["Tell", "me", "adder", ["Sum", 4], True, 0, ""]


@loop
async def test_queries() -> None:
    """Each has one `Result` with its number."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        one.spawn(Diary(), "diary")
        raw.send([["Query", 1, "find", "diary", 5.0]])
        assert await raw.item() == ["Result", 1, "diary", ""]
        raw.send([["Query", 2, "started", "diary", 5.0]])
        assert await raw.item() == ["Result", 2, "", ""]
        raw.send([["Query", 3, "stopped", "diary", 0.01]])
        name, number, _, error = await raw.item()
        assert (name, number, error) == ("Result", 3, "AskTimeoutError")
        raw.send([["Query", 4, "weather", "diary", 5.0]])
        assert await raw.item() == ["Result", 4, "no query 'weather'", "Query"]


@loop
async def test_heartbeat_and_silence() -> None:
    """An end says that it is there, and loses a link on which nothing comes."""
    options = LinkOptions(heartbeat=0.02)
    async with System(name="one") as one, raw_link(one, options) as (raw, link):
        assert await raw.receive() == [["Beat"]]
        assert await link.ended() == "nothing came for 0.06 s"
        assert await raw.item() is None


@loop
async def test_bye() -> None:
    """The last item says why; what follows it is nobody's."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        diary = Diary()
        one.spawn(diary, "diary")
        raw.send([["Bye", "enough"], ["Tell", "diary", "", ["Note", "late"]]])
        assert await link.ended() == "enough"
        assert await one.ref("diary").ask(Collect()) == Notes(())


@loop
async def test_bye_of_a_system() -> None:
    """It comes after everything else, and then the connection ends."""
    async with System(name="one") as one, raw_link(one) as (raw, link):
        closing = asyncio.ensure_future(link.close("enough"))
        assert await raw.item() == ["Bye", "enough"]
        assert await raw.item() is None
        raw.writer.close()
        await closing


@loop
async def test_turn_of_the_loop_is_a_frame() -> None:
    """What is sent in one turn travels in one frame."""
    async with System(name="one") as one, raw_link(one) as (raw, _):
        watcher = Watcher()
        one.spawn(watcher, "watcher")
        raw.send([["Tell", "watcher", "", ["Meet", ["raw", "x", 1]]]])
        await until(lambda: bool(watcher.refs))
        for number in range(10):
            watcher.refs[0].tell(Add(number))
        frame = await raw.receive()
        if frame == [["Watch", "x", "watcher"]]:
            frame = await raw.receive()
        numbers = [item[3][1] for item in frame if item[0] == "Tell"]
        assert numbers == list(range(10))
