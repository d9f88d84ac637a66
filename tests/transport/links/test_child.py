"""A child whose standard input and output are the connection."""

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from ccw_actors.errors import LinkError
from tests.transport.links.streams import connect, listen

loop = pytest.mark.asyncio

ECHO = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"


@loop
async def test_frames_of_a_child() -> None:
    """What a child writes arrives; it ends when the connection is closed."""
    stream = await connect("exec:cat")
    stream.send(b"\x01\x02")
    assert [await stream.receive(), await stream.receive()] == [b"\x01", b"\x02"]
    await stream.close()


@loop
async def test_words_of_a_command() -> None:
    """The command splits like one of a shell, but no shell runs it."""
    stream = await connect(f"exec:{shlex.join([sys.executable, '-c', ECHO, '$HOME'])}")
    stream.send(b"\x01")
    await stream.close()


@loop
async def test_child_that_ends() -> None:
    """Its end is the end of the connection."""
    stream = await connect("exec:true")
    assert await stream.receive() == b""
    await stream.close()


@loop
async def test_command_that_is_not_there() -> None:
    """It is an error in one line."""
    with pytest.raises(LinkError, match="exec:no-such-command: No such file"):
        await connect("exec:no-such-command")


@pytest.mark.parametrize("text", ["exec:cat", "exec:'no such command'"])
@loop
async def test_nobody_listens_at_a_command(text: str) -> None:
    """A command is something to connect to."""
    with pytest.raises(LinkError, match="expected unix:, tcp: or stdio: to listen at"):
        await listen(text, None, lambda _stream: connect(text))  # type: ignore[arg-type, return-value]


@pytest.mark.slow
@loop
async def test_child_that_stays(tmp_path: Path) -> None:
    """A child that does not end when its input does is killed."""
    pid = tmp_path / "pid"
    stream = await connect(f"exec:sh -c 'echo $$ > {pid}; printf 1; exec sleep 1000'")
    assert await stream.receive() == b"1"
    async with asyncio.timeout(20):
        await stream.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
