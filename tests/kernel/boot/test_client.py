"""The client of a kernel under test: its script, its compiler, what it says."""

import re
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from ccw_actors.kernel.boot import (
    COMPILER,
    BootError,
    ClientLog,
    ClientScript,
    ClientThread,
    compile_client,
    initramfs,
    read_log,
)


def can_compile() -> bool:
    """Return whether the compiler is there, with the headers of a C library."""
    command = [COMPILER, "-E", "-include", "stdlib.h", "-x", "c", "/dev/null"]
    return (
        shutil.which(COMPILER) is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


has_compiler = pytest.mark.skipif(
    not can_compile(), reason=f"there is no {COMPILER} with headers"
)

CONSOLE = """\
[    0.1] Linux version 6.12
@{"subchannel": "0.0.0000"}
@{"thread": 1, "step": 0, "do": "async 2", "errno": 16, "from": 0.5, "to": 0.9}
[    0.7] @{"thread": 0, "step": 0, "do": "take 3000", "signals": 2, "data": "00c0",\
 "errno": 0, "from": 0.1, "to": 0.2}
@{"thread": 0, "step": 1, "do": "changed", "count": 12, "errno": 0, "from": 1, "to": 2}
@trace   init-1 [001] 1.5: vfio_ccw_fsm_event: state=2
@{"unknown": "event nonsense", "errno": 2}
@{"thread": 1, "hangs": "reset"}
@{"over": true}
"""


def test_script_has_settings_and_then_threads() -> None:
    """A thread's steps follow the line that begins it; bytes are in hexadecimal."""
    script = ClientScript(
        1 << 20,
        (ClientThread(1, ("async 2", "mark")), ClientThread(2, ("mark",), 1)),
        data=((0x1000, b"\x03\x20"),),
        probes=("p:cp_free cp_free",),
        events=("vfio_ccw",),
        devices=2,
    )
    assert script.text().splitlines() == [
        "ram 100000",
        "devices 2",
        "data 1000 0320",
        "probe p:cp_free cp_free",
        "event vfio_ccw",
        *("thread 1 0", "async 2", "mark"),
        *("thread 2 1", "mark"),
    ]


def test_log_is_found_between_lines_of_the_kernel() -> None:
    """Steps come in the order of their ends, with what they read and counted."""
    log = read_log(CONSOLE)
    assert [(one.thread, one.what, one.errno) for one in log.steps] == [
        (0, "take 3000", 0),
        (1, "async 2", 16),
        (0, "changed", 0),
    ]
    taken, _, changed = log.steps
    assert (taken.signals, taken.data, changed.count) == (2, b"\x00\xc0", 12)
    assert log.hangs == ((1, "reset"),)
    assert log.unknown == ("event nonsense",)
    assert log.trace == ("  init-1 [001] 1.5: vfio_ccw_fsm_event: state=2",)
    assert log.is_over
    assert log.step(1, 0) == log.steps[1]
    assert log.step(1, 7) is None


def test_log_that_is_cut_short() -> None:
    """A line that was cut says nothing, and the client is not over."""
    cut = CONSOLE[: CONSOLE.index(', "errno": 16')]
    assert read_log(cut) == ClientLog((), (), (), "", (), is_over=False)


def test_what_the_client_misses() -> None:
    """It says what the kernel does not have, and why."""
    said = ('@{"failed": "vfio_ccw", "errno": 2}', '@{"failed": "no disk", "errno": 0}')
    assert read_log("\n".join(said)).failed == (
        "vfio_ccw: No such file or directory; no disk: not found"
    )


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the cross compiler, the error says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BootError, match="apt install gcc-s390x-linux-gnu"):
        compile_client(tmp_path)


MISSING = "bits/wordsize.h: No such file or directory"
NO_HEADER = f"""\
In file included from /usr/include/features.h:392:
a.h:20:10: fatal error: {MISSING}
compilation terminated.
"""


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("warning\nno disk\n", "no disk"),
        ("", "it failed"),
        ("a.c:1:1: error: wrong\nb.c:1:1: error: also wrong\n2 errors\n", "wrong"),
        (
            NO_HEADER,
            f"{MISSING} (Debian: apt install libc6-dev-s390x-cross)",
        ),
    ],
)
def test_compiler_fails(
    said: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the compiler complains of first is in the error, and no client is left."""
    words = tmp_path / "words"
    words.write_text(said)
    compiler = tmp_path / COMPILER
    compiler.write_text(f"#!/bin/sh\n/bin/cat {words} >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BootError, match=f"gcc: {re.escape(error)}$"):
        compile_client(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@has_compiler
def test_client_compiles_without_warnings(tmp_path: Path) -> None:
    """The client is clean C, and is compiled once for all runs."""
    with as_file(files("ccw_actors.kernel.boot").joinpath("client.c")) as source:
        words = ("-static", "-O1", "-pthread", "-Wall", "-Wextra", "-Werror")
        subprocess.run(
            [COMPILER, *words, "-o", tmp_path / "strict", source], check=True
        )
    client = compile_client(tmp_path)
    written = client.stat().st_mtime_ns
    assert compile_client(tmp_path) == client
    assert client.stat().st_mtime_ns == written


def test_initramfs_has_the_client_and_its_script(tmp_path: Path) -> None:
    """The archive has init, the script, and how long the threads have."""
    client = tmp_path / "client"
    client.write_bytes(b"a program")
    script = ClientScript(1 << 20, (ClientThread(1, ("mark",)),))
    archive = initramfs(client, script, patience=7)
    for part in (b"init\0", b"a program", b"script\0", b"thread 1 0\nmark\n", b"7\n"):
        assert part in archive
