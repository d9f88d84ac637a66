"""The client: the program that is init of a kernel under test, its script, its words.

`client.c` says what the lines of a script do.
"""

import hashlib
import json
import os
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ccw_actors.errors import CcwActorsError
from ccw_actors.kernel.boot._initramfs import Executable, archive

__all__ = [
    "BEGINS",
    "COMPILER",
    "BootError",
    "ClientLog",
    "ClientScript",
    "ClientStep",
    "ClientThread",
    "compile_client",
    "initramfs",
    "read_log",
]

COMPILER: Final = "s390x-linux-gnu-gcc"
BEGINS: Final = '@{"begins": '
"""What the client writes before its threads begin."""
_SOURCE: Final = "client.c"
_NO_HEADER: Final = ".h: No such file or directory"
_HEADERS: Final = " (Debian: apt install libc6-dev-s390x-cross)"
_OPTIONS: Final = ("-static", "-O1", "-pthread")


class BootError(CcwActorsError):
    """The client cannot be compiled, or it found something missing in the kernel."""


class ClientThread(Struct, frozen=True):
    """A thread of the client: its CPU, its steps, and the device that they are for."""

    cpu: int
    steps: tuple[str, ...]
    device: int = 0


class ClientScript(Struct, frozen=True):
    """What the client does: its storage in bytes, contents of that, and its threads.

    `probes` are lines for tracefs' kprobe_events, `events` names of its events. With
    several `devices`, all reach the same storage.
    """

    ram: int
    threads: tuple[ClientThread, ...]
    data: tuple[tuple[int, bytes], ...] = ()
    probes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    devices: int = 1

    def text(self) -> str:
        """Return the lines of the script."""
        lines = [f"ram {self.ram:x}", f"devices {self.devices}"]
        lines += [f"data {at:x} {content.hex()}" for at, content in self.data]
        lines += [f"probe {line}" for line in self.probes]
        lines += [f"event {name}" for name in self.events]
        for thread in self.threads:
            lines += [f"thread {thread.cpu} {thread.device}", *thread.steps]
        return "".join(f"{line}\n" for line in lines)


class ClientStep(Struct, frozen=True, kw_only=True):
    """What a step did.

    `errno` is 0 if it succeeded, `data` are bytes that it read. `start` and `end` are
    in seconds of the guest's monotonic clock. `count` is what it counted, `signals` how
    often the interrupt was signalled.
    """

    thread: int
    step: int
    what: str
    errno: int
    start: float
    end: float
    data: bytes = b""
    count: int = 0
    signals: int = 0


class ClientLog(Struct, frozen=True):
    """What the client has said.

    `steps` are those that have ended, in order of their ends. `hangs` has for each
    thread that was not over in time the step at which it was. `unknown` are probes and
    events that the kernel does not have. `failed` says what it did not find. `trace`
    are lines of tracefs. `is_over` says that the client came to its end.
    """

    steps: tuple[ClientStep, ...]
    hangs: tuple[tuple[int, str], ...]
    unknown: tuple[str, ...]
    failed: str
    trace: tuple[str, ...]
    is_over: bool

    def step(self, thread: int, number: int) -> ClientStep | None:
        """Return what a step did, None if it has not ended."""
        for one in self.steps:
            if (one.thread, one.step) == (thread, number):
                return one
        return None


def read_log(console: str) -> ClientLog:
    """Read what the client has written between lines of the kernel."""
    said: list[dict[str, Any]] = []
    trace: list[str] = []
    for line in console.splitlines():
        _, at, words = line.partition("@")
        if at and words.startswith("trace "):
            trace.append(words.removeprefix("trace "))
        elif at and words.startswith("{"):
            # A line that was cut when the machine ended says nothing.
            try:
                said.append(json.loads(words))
            except ValueError:
                continue
    steps = [_step(one) for one in said if "do" in one]
    failures = [f"{one['failed']}: {_why(one)}" for one in said if "failed" in one]
    return ClientLog(
        tuple(sorted(steps, key=lambda one: one.end)),
        tuple((one["thread"], one["hangs"]) for one in said if "hangs" in one),
        tuple(one["unknown"] for one in said if "unknown" in one),
        "; ".join(failures),
        tuple(trace),
        any("over" in one for one in said),
    )


def _step(said: dict[str, Any]) -> ClientStep:
    return ClientStep(
        thread=said["thread"],
        step=said["step"],
        what=said["do"],
        errno=said["errno"],
        start=said["from"],
        end=said["to"],
        data=bytes.fromhex(said.get("data", "")),
        count=said.get("count", 0),
        signals=said.get("signals", 0),
    )


def _why(said: dict[str, Any]) -> str:
    return os.strerror(said["errno"]) if said["errno"] else "not found"


def compile_client(folder: Path) -> Path:
    """Compile the client for s390x, unless `folder` has it; return its path.

    Raises:
        BootError: There is no cross compiler, or it fails.
    """
    if shutil.which(COMPILER) is None:
        raise BootError(
            f"there is no {COMPILER} on PATH (Debian: apt install gcc-s390x-linux-gnu)"
        )
    source = files("ccw_actors.kernel.boot").joinpath(_SOURCE)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = folder / f"client-{digest}"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{program.name}.{os.getpid()}"
    with as_file(source) as path:
        done = subprocess.run(  # noqa: S603 - the compiler of the user's PATH
            [COMPILER, *_OPTIONS, "-o", unfinished, path],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    if done.returncode:
        raise BootError(f"{COMPILER}: {_complaint(done.stderr)}")
    unfinished.rename(program)
    return program


def _complaint(said: str) -> str:
    """Return the first error of a compiler, its last line if it names none."""
    lines = said.strip().splitlines() or ["it failed"]
    errors = [line.partition("error: ")[2] for line in lines if "error: " in line]
    if not errors:
        return lines[-1]
    # Debian's compiler only recommends the package with the headers.
    has_no_headers = errors[0].endswith(_NO_HEADER)
    return f"{errors[0]}{_HEADERS if has_no_headers else ''}"


def initramfs(client: Path, script: ClientScript, *, patience: int) -> bytes:
    """Return an initramfs whose init is the client, with `patience` seconds for it."""
    return archive(
        {
            "/init": Executable(client.read_bytes()),
            "/script": script.text().encode(),
            "/patience": f"{patience}\n".encode(),
        }
    )
