"""TCP: loopback without TLS, everything else with mutual TLS."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccw_actors.errors import LinkError, StreamError
from ccw_actors.transport.links import FrameStream, Tls, parse_address
from tests.transport.links.certificates import Authority
from tests.transport.links.streams import Ends, both_ends, connect, listen

loop = pytest.mark.asyncio

YESTERDAY = datetime(2001, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that both ends trust."""
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("theirs"))


async def exchange(ends: Ends) -> None:
    """Send a frame in each direction."""
    ends.connecting.send(b"\x01")
    assert await ends.accepting.receive() == b"\x01"
    ends.accepting.send(b"\x02")
    assert await ends.connecting.receive() == b"\x02"


@loop
async def test_loopback_without_tls() -> None:
    """Processes of this host need no certificate; the host gives a free port."""
    async with both_ends("tcp:0") as ends:
        assert parse_address(ends.address).port > 0
        await exchange(ends)


@loop
async def test_mutual_tls(ours: Authority) -> None:
    """With certificates of an authority that both trust, frames travel."""
    async with both_ends("tcp:0", ours.tls(), ours.tls()) as ends:
        await exchange(ends)


@loop
async def test_server_name(ours: Authority) -> None:
    """The name in a certificate need not be the address."""
    client = ours.tls(server_name="machine.example")
    async with both_ends("tcp:0", ours.tls("machine.example"), client) as ends:
        await exchange(ends)


@pytest.mark.parametrize("text", ["tcp:192.0.2.1:7000", "tcp:0.0.0.0:0", "tcp:[::]:0"])
@loop
async def test_another_host_without_tls(text: str) -> None:
    """Neither end does that, and no packet leaves."""
    with pytest.raises(LinkError, match="needs no TLS; give certificates"):
        await connect(text)
    with pytest.raises(LinkError, match="needs no TLS; give certificates"):
        async with both_ends(text):
            pass


@loop
async def test_tls_over_a_unix_socket(ours: Authority, tmp_path: Path) -> None:
    """Certificates that would not be used are an error."""
    with pytest.raises(LinkError, match="expected no certificates but for tcp:"):
        async with both_ends(f"unix:{tmp_path}/s", ours.tls()):
            pass


Make = Callable[[Authority, Authority], tuple[Tls, Tls | None]]

REFUSED: dict[str, tuple[Make, str]] = {
    "server of another authority": (
        lambda ours, theirs: (theirs.tls(trusts=ours), ours.tls()),
        "its certificate is refused: unable to get local issuer certificate",
    ),
    "server of another host": (
        lambda ours, _: (ours.tls("other.example"), ours.tls()),
        "its certificate is refused: IP address mismatch",
    ),
    "server that has expired": (
        lambda ours, _: (ours.tls(not_after=YESTERDAY), ours.tls()),
        "its certificate is refused: certificate has expired",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@loop
async def test_certificate_of_the_listener(
    case: str, ours: Authority, theirs: Authority
) -> None:
    """Connecting fails with the reason."""
    make, reason = REFUSED[case]
    server, client = make(ours, theirs)
    with pytest.raises(LinkError, match=reason) as raised:
        async with both_ends("tcp:0", server, client):
            pass
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("wrong", ["authority", "expired", "none"])
@loop
async def test_certificate_of_the_one_who_connects(
    wrong: str, ours: Authority, theirs: Authority
) -> None:
    """A listener serves nobody without a good one.

    TLS 1.3 lets the other end know only when it reads.
    """
    client = {
        "authority": theirs.tls(trusts=ours),
        "expired": ours.tls(not_after=YESTERDAY),
        "none": None,
    }[wrong]
    served: list[FrameStream] = []

    async def serve(stream: FrameStream) -> None:
        served.append(stream)

    listening = await listen("tcp:0", ours.tls(), serve, timeout=0.2)
    stream = await connect(str(listening.address), client)
    stream.send(b"\x01")
    with suppress(OSError, StreamError):
        while await stream.receive():
            pass
    stream.abort()
    await listening.close()
    assert served == []


@loop
async def test_listener_without_tls(ours: Authority) -> None:
    """Connecting with TLS to one who has none fails in one line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp:{server.getsockname()[1]}"
        connecting = asyncio.ensure_future(connect(address, ours.tls()))
        peer, _ = await asyncio.to_thread(server.accept)
        with peer:
            peer.sendall(b"\x93\x01\x02\x03 this is no TLS at all")
            with pytest.raises(LinkError, match="no TLS: wrong version number"):
                await connecting


@pytest.mark.parametrize("file", ["certificate", "key", "authority"])
@pytest.mark.parametrize("content", [None, "", "no PEM"])
@loop
async def test_file_that_cannot_be_used(
    file: str, content: str | None, ours: Authority, tmp_path: Path
) -> None:
    """The error names the file."""
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    good = ours.tls()
    tls = {
        "certificate": good._replace(certificate=path),
        "key": good._replace(key=path),
        "authority": good._replace(authority=path),
    }[file]
    with pytest.raises(LinkError, match=str(path)):
        async with both_ends("tcp:0", tls):
            pass
