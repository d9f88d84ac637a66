"""The greeting of both ends: who is linked, and who is refused and why."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.errors import (
    DispatcherError,
    LinkError,
    LinkRefusedError,
    LinkTimeoutError,
)
from ccw_actors.runtime import SteppingDispatcher, System, VirtualDispatcher
from ccw_actors.runtime.links import LinkOptions
from tests.runtime.cast import Collect, Diary, Note, Notes
from tests.runtime.links.pairs import PATIENCE, join, link_of, linked
from tests.runtime.links.raw import HELLO, raw_link, raw_peer
from tests.runtime.worlds import until
from tests.transport.links.certificates import Authority

loop = pytest.mark.asyncio


@loop
async def test_both_know_each_other() -> None:
    """Each end has a link, with the name of the other System."""
    async with linked() as pair:
        assert (pair.link.system, pair.back.system) == ("two", "one")
        assert (pair.one.links, pair.two.links) == ((pair.link,), (pair.back,))
        assert (pair.link.session, pair.link.reason, pair.link.is_up) == (1, "", True)


@loop
async def test_mutual_tls(tmp_path: Path) -> None:
    """A link over TCP with certificates."""
    authority = Authority(tmp_path)
    server = LinkOptions(tls=authority.tls(), timeout=PATIENCE)
    client = LinkOptions(tls=authority.tls(), timeout=PATIENCE)
    async with System(name="one") as one, System(name="two") as two:
        listener = await two.listen("tcp:0", server)
        link = await one.connect(listener.address, client)
        two.spawn(Diary(), "diary")
        assert await (await link.ref("diary")).ask(Collect()) == Notes(())


@loop
@pytest.mark.parametrize("closes", [0, 1])
async def test_close_with_tls(closes: int, tmp_path: Path) -> None:
    """What was sent before arrives, each end knows why, and both can link again."""
    options = LinkOptions(tls=Authority(tmp_path).tls(), timeout=PATIENCE)
    async with System(name="one") as one, System(name="two") as two:
        diary = Diary()
        two.spawn(diary, "diary")
        listener = await two.listen("tcp:0", options)
        for _ in range(3):
            link = await one.connect(listener.address, options)
            ref = await link.ref("diary")
            ends = (link, await link_of(two, "one"))
            for number in range(500):
                ref.tell(Note(str(number)))
            if closes:  # What the other end has not read yet may be lost.
                await ref.ask(Collect())
            await ends[closes].close("enough")
            assert [await end.ended() for end in ends] == ["enough", "enough"]
        await two.ref("diary").ask(Collect())
        assert len(diary.state.texts) == 1500


@loop
async def test_certificate_that_is_refused(tmp_path: Path) -> None:
    """The end that connects gets an error, whichever end refuses."""
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    async with System(name="one") as one, System(name="two") as two:
        listener = await two.listen("tcp:0", LinkOptions(tls=ours.tls()))
        for tls in (theirs.tls(), theirs.tls(trusts=ours)):
            with pytest.raises(LinkError) as raised:
                await one.connect(listener.address, LinkOptions(tls=tls))
            assert str(raised.value).isprintable()
        assert two.links == ()


@loop
async def test_three_connections_at_once() -> None:
    """Of several links between two Systems one stays, and the others say why."""
    async with System(name="one") as one, System(name="two") as two:
        here, there = await one.listen("tcp:0"), await two.listen("tcp:0")
        made = await asyncio.gather(
            one.connect(there.address),
            one.connect(there.address),
            two.connect(here.address),
            return_exceptions=True,
        )
        for one_of in made:
            if isinstance(one_of, BaseException):
                assert isinstance(one_of, LinkError)
        await until(lambda: len(one.links) == len(two.links))
        assert len(one.links) <= 1


@loop
async def test_linked_already() -> None:
    """A second link to a System is refused, and the first goes on."""
    async with linked() as pair:
        with pytest.raises(
            LinkRefusedError, match=r"named '.*' is linked alre"
        ) as raised:
            await join(pair.one, pair.two)
        assert raised.value.code == "name"
        assert await (await pair.there(Diary(), "diary")).ask(Collect()) == Notes(())


@loop
async def test_same_name() -> None:
    """Two Systems of one name are refused; the text says what to do."""
    async with System(name="one") as one, System(name="one") as two:
        with pytest.raises(LinkRefusedError) as raised:
            await join(one, two)
        assert "both Systems are named 'one'; give one another name" in str(
            raised.value
        )
        assert raised.value.code == "name"


@loop
async def test_too_many_links() -> None:
    """A listener has a bound; who comes next is told so."""
    options = LinkOptions(links_max=1, timeout=PATIENCE)
    async with (
        System(name="one") as one,
        System(name="two") as two,
        System(name="three") as three,
    ):
        listener = await two.listen("tcp:0", options)
        link = await one.connect(listener.address)
        with pytest.raises(
            LinkRefusedError, match="there are 1 links, the maximum"
        ) as r:
            await three.connect(listener.address)
        assert r.value.code == "busy"
        await link.close()
        await until(lambda: not two.links)
        await asyncio.sleep(0)
        await three.connect(listener.address)


# -- what a peer that is no System gets -------------------------------------------


WRONG: dict[str, tuple[list[Any], str, str]] = {
    "version": (
        [*HELLO[:5], "ccw-actors link", 2],
        "version",
        "this end speaks ccw-actors link, version 1, the other 'ccw-actors link', vers",
    ),
    "format": ([*HELLO[:5], "x" * 500, 1], "version", f"the other '{'x' * 80}'"),
    "no name": (["Hello", "", *HELLO[2:]], "name", "expected the name of a System"),
    "long name": (["Hello", "x" * 65, *HELLO[2:]], "name", "1 to 64 characters"),
    "separator": (["Hello", "a#b", *HELLO[2:]], "name", "got 'a#b'"),
    "two lines": (["Hello", "a\nb", *HELLO[2:]], "name", r"got 'a\nb'"),
    "messages": (
        ["Hello", "raw", 1, "9.9", {"Note": [[1, 2]], "Carry": [[3]]}, *HELLO[5:]],
        "messages",
        "message types that differ: Note, Carry (ccw-actors 0.2.0 here, 9.9 there)",
    ),
    "not a Hello": (["Ready"], "damaged", "expected Hello, got Ready"),
    "another message": (["Note", "x"], "damaged", "expected the greeting of a System"),
    "no array": ({"a": 1}, "damaged", "expected the greeting of a System"),  # type: ignore[dict-item]
}


@loop
@pytest.mark.parametrize("case", WRONG)
async def test_greeting_that_is_refused(case: str) -> None:
    """The peer is told in a `Refused` with code and reason, and then the end."""
    greeting, code, reason = WRONG[case]
    async with System(name="one") as one, raw_peer(one) as raw:
        raw.send(greeting)
        assert (await raw.receive())[:2] == ["Hello", "one"]
        name, got, text = await raw.receive()
        assert (name, got) == ("Refused", code)
        assert reason in text
        assert text.isprintable()
        assert await raw.receive() is None
        assert one.links == ()


@loop
async def test_refusal_of_the_other_end() -> None:
    """Connecting raises it, with its code."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(b"\x93\xa7Refused\xa4busy\xa6no way")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with System(name="one") as one, server:
        address = f"tcp:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(LinkRefusedError, match="no way") as raised:
            await one.connect(address)
        assert (raised.value.code, raised.value.reason) == ("busy", "no way")


@loop
async def test_peer_that_says_nothing() -> None:
    """It has so many seconds; the listener goes on."""
    options = LinkOptions(timeout=0.05)
    async with System(name="one") as one:
        async with raw_peer(one, options) as raw:
            assert (await raw.receive())[0] == "Hello"
            assert await raw.receive() is None
        async with raw_link(one) as (_, link):
            assert link.is_up


@loop
async def test_connecting_to_one_who_says_nothing() -> None:
    """It raises when the time is over."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = System(name="one")
        address = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LinkTimeoutError) as raised:
            await one.connect(address, LinkOptions(timeout=0.05))
        assert str(raised.value) == f"{address}: no greeting within 0.05 s"
        await one.shutdown()


@loop
@pytest.mark.parametrize("sent", [b"", b"\x97\xa5Hel", b"\xdd\xff\xff\xff\xff"])
async def test_peer_that_goes_away(sent: bytes) -> None:
    """An end before the greeting, or inside it, leaves nothing behind."""
    async with System(name="one") as one:
        async with raw_peer(one) as raw:
            raw.writer.write(sent)
            raw.writer.write_eof()
            while await raw.receive() is not None:
                pass
        async with raw_link(one) as (_, link):
            assert link.is_up


@loop
async def test_nobody_listens(tmp_path: Path) -> None:
    """Each kind of address says so in one line."""
    async with System(name="one") as one:
        for address in (f"unix:{tmp_path}/s", "tcp:1", "exec:no-such-command", "tcp:x"):
            with pytest.raises(LinkError) as raised:
                await one.connect(address)
            assert address in str(raised.value).replace("127.0.0.1:", "")
            assert str(raised.value).isprintable()


@pytest.mark.parametrize("dispatcher", [VirtualDispatcher, SteppingDispatcher])
def test_other_dispatchers(
    dispatcher: type[VirtualDispatcher | SteppingDispatcher],
) -> None:
    """Without an event loop there are no links, and the error says so."""
    system = System(dispatcher())
    for use in (system.listen("tcp:0"), system.connect("tcp:1")):
        with pytest.raises(DispatcherError, match="no event loop runs this System"):
            use.send(None)
    assert system.links == ()


@pytest.mark.parametrize(
    "option", ["timeout", "heartbeat", "waiting_max", "waiting_bytes_max", "links_max"]
)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_options_that_make_no_sense(option: str, value: float) -> None:
    """They are refused where they are written."""
    with pytest.raises(ValueError, match=f"{option}: expected"):
        LinkOptions(**{option: value})  # type: ignore[arg-type]


@loop
async def test_link_of_a_raw_peer() -> None:
    """A program that speaks the format is linked like a System."""
    async with System(name="one") as one, raw_peer(one) as raw:
        hello = await raw.greet()
        assert (hello[0], hello[1], hello[5:]) == (
            "Hello",
            "one",
            ["ccw-actors link", 1],
        )
        assert "Note" in hello[4]
        assert (await link_of(one, "raw")).is_up
