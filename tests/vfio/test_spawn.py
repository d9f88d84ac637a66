"""If no client can be started, one line says why, and nothing is left behind."""

import asyncio
import errno
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ccw_actors.errors import UnsupportedHostError
from ccw_actors.vfio import SystemCalls, check_host, spawn_client
from ccw_actors.vfio._filter import forbidding
from tests.vfio.rig import descriptors

_CONFINED: Final = Path(__file__).with_name("confined.py")
_IO_SETUP, _VM_READV, _SECCOMP, _GETFD = 206, 310, 317, 438


def _wait_for(path: Path) -> None:
    while not path.exists():
        os.sched_yield()


@pytest.mark.parametrize(
    ("name", "says", "expected"),
    [
        ("system", "Darwin", "expected Linux on x86-64, but this is Darwin on x86_64"),
        (
            "machine",
            "aarch64",
            "expected Linux on x86-64, but this is Linux on aarch64",
        ),
        ("release", "5.15.0-91-generic", "expected Linux 5.19 or later"),
        ("release", "5.18", "expected Linux 5.19 or later, but this is 5.18"),
    ],
)
def test_other_hosts(
    monkeypatch: pytest.MonkeyPatch, name: str, says: str, expected: str
) -> None:
    """Another system, another processor or an older kernel is refused."""
    monkeypatch.setattr(platform, name, lambda: says)
    with pytest.raises(UnsupportedHostError, match=expected) as raised:
        check_host()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("release", ["5.19.0-rc1", "6.1.0+", "7.0", "custom"])
def test_this_host(monkeypatch: pytest.MonkeyPatch, release: str) -> None:
    """A kernel that is new enough, or has no numeric release, is accepted."""
    monkeypatch.setattr(platform, "release", lambda: release)
    check_host()


@pytest.mark.parametrize(
    ("number", "reason", "expected"),
    [
        (_SECCOMP, errno.EPERM, "run it with --security-opt seccomp=unconfined"),
        (_SECCOMP, errno.ENOSYS, "this kernel has no seccomp"),
        (_SECCOMP, errno.EINVAL, "has no user notification of seccomp"),
        (_SECCOMP, errno.EBUSY, "this process already has a seccomp listener"),
        (_SECCOMP, errno.ENOMEM, "no seccomp filter can be installed: seccomp"),
        (_VM_READV, errno.EPERM, "memory of a child process .* --cap-add SYS_PTRACE"),
        (_VM_READV, errno.ENOSYS, "memory of a child process .*not implemented"),
        (_GETFD, errno.EPERM, "descriptors of a child process .* SYS_PTRACE"),
        (_IO_SETUP, errno.EPERM, r"asynchronous I/O \(io_setup\(2\)\) is not avail"),
        (_IO_SETUP, errno.ENOSYS, "asynchronous I/O .*not implemented"),
    ],
)
def test_forbidden(number: int, reason: int, expected: str) -> None:
    """If a sandbox forbids a system call, one line says which, and how to allow it."""
    done = subprocess.run(
        [sys.executable, _CONFINED, forbidding(number, reason).hex()],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    assert re.search(expected, line), line


def test_allowed() -> None:
    """Without such a filter a client starts."""
    done = subprocess.run(
        [sys.executable, _CONFINED, ""], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("client\n", "")


@pytest.mark.asyncio
async def test_in_a_client() -> None:
    """A client cannot start its own client: a process can have only one listener."""
    source, sink = os.pipe()
    client = await spawn_client(
        [sys.executable, str(_CONFINED), ""], stdout=sink, environment=dict(os.environ)
    )
    os.close(sink)
    calls = SystemCalls(client.listener)
    calls.begin(lambda _message: None)
    loop = asyncio.get_running_loop()
    with os.fdopen(source) as file:
        text = await loop.run_in_executor(None, file.read)
    client.process.wait()
    calls.end()
    assert text.startswith("this process already has a seccomp listener")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("program", "reason"),
    [("/nowhere/qemu", errno.ENOENT), ("/etc/passwd", errno.EACCES)],
)
async def test_no_program(program: str, reason: int) -> None:
    """A program that cannot be executed is an OSError that names it."""
    before = descriptors()
    with pytest.raises(OSError, match=program) as raised:
        await spawn_client([program])
    assert (raised.value.errno, raised.value.filename) == (reason, program)
    assert descriptors() == before


@pytest.mark.asyncio
async def test_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that ends at once is noticed."""
    before = descriptors()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnsupportedHostError, match="the launcher has ended"):
        await spawn_client(["/bin/true"])
    assert descriptors() == before


@pytest.mark.asyncio
async def test_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cancelled start leaves no process and no descriptor."""
    before = descriptors()
    slow = tmp_path / "python"
    note = tmp_path / "pid"
    slow.write_text(
        f"#!/bin/sh\necho $$ > {note}.new\nmv {note}.new {note}\nsleep 60\n"
    )
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    task = asyncio.create_task(spawn_client(["/bin/true"]))
    await asyncio.to_thread(_wait_for, note)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
    assert descriptors() == before
