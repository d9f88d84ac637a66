"""Unix sockets: who may connect, and what a dead process leaves."""

import asyncio
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from ccw_actors.errors import LinkError, LinkRefusedError
from ccw_actors.transport.links import FrameStream, peer_of
from tests.transport.links.streams import both_ends, connect, listen

loop = pytest.mark.asyncio
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")

NOBODY = 65534


@loop
async def test_only_its_user_reaches_it(tmp_path: Path) -> None:
    """The socket has the mode 0600 from its first moment on."""
    path = tmp_path / "s"
    async with both_ends(f"unix:{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@loop
async def test_peer(tmp_path: Path) -> None:
    """The kernel says which process and which user is at the other end."""
    listener = socket.socket(socket.AF_UNIX)
    with listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(os.fspath(tmp_path / "s"))
        listener.listen()
        client.connect(os.fspath(tmp_path / "s"))
        assert peer_of(client) == (os.getpid(), os.geteuid())


@loop
async def test_it_goes_with_its_listener(tmp_path: Path) -> None:
    """A closed listener leaves no socket behind, and nobody can connect."""
    path = tmp_path / "s"
    async with both_ends(f"unix:{path}") as ends:
        assert ends.address == f"unix:{path}"
    assert not path.exists()
    with pytest.raises(LinkError, match="No such file"):
        await connect(f"unix:{path}")


@loop
async def test_socket_of_a_dead_process(tmp_path: Path) -> None:
    """A socket that nobody listens at is replaced."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
        dead.listen()
    async with both_ends(f"unix:{path}") as ends:
        ends.connecting.send(b"\x01")
        assert await ends.accepting.receive() == b"\x01"


@loop
async def test_somebody_listens_there(tmp_path: Path) -> None:
    """A second listener is refused, and the first goes on."""
    text = f"unix:{tmp_path}/s"
    async with both_ends(text) as ends:
        with pytest.raises(LinkError, match="another process listens there"):
            async with both_ends(text):
                pass
        ends.connecting.send(b"\x01")
        assert await ends.accepting.receive() == b"\x01"


@loop
async def test_file_in_the_way(tmp_path: Path) -> None:
    """A file that is no socket stays as it is."""
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(LinkError, match="expected a socket, got another kind of file"):
        async with both_ends(f"unix:{path}"):
            pass
    assert path.read_text() == "mine"


@loop
async def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error says what the host says."""
    with pytest.raises(LinkError, match="No such file"):
        async with both_ends(f"unix:{tmp_path}/none/s"):
            pass


def _as_nobody(connect: socket.socket, path: Path) -> int:
    """Connect as another user, in a child; return the child."""
    child = os.fork()
    if child:
        return child
    try:
        os.setuid(NOBODY)
        connect.connect(os.fspath(path))
        data = connect.recv(1)
        os._exit(0 if data == b"" else 1)
    finally:
        os._exit(2)


@as_root
@loop
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_process_of_another_user() -> None:
    """It is refused, even if somebody has opened the socket's mode to it."""
    served: list[FrameStream] = []

    async def serve(stream: FrameStream) -> None:
        served.append(stream)

    folder = Path(tempfile.mkdtemp())  # Others cannot enter pytest's own.
    path = folder / "s"
    listening = await listen(f"unix:{path}", None, serve)
    try:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103
        os.chmod(path, 0o666)  # noqa: PTH101, S103
        with socket.socket(socket.AF_UNIX) as client:
            child = _as_nobody(client, path)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert served == []
    finally:
        await listening.close()
        os.rmdir(folder)  # noqa: PTH106


@as_root
@loop
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_listener_of_another_user(tmp_path: Path) -> None:
    """The one that connects refuses it as well: it may have taken the path."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        os.seteuid(NOBODY)  # The kernel notes the user of listen(2).
        try:
            listener.listen()
        finally:
            os.seteuid(0)
        with pytest.raises(LinkRefusedError, match="is of user 65534") as raised:
            await connect(f"unix:{path}")
    assert raised.value.code == "peer"
