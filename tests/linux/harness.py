"""Guests that run a script on Debian's Linux, with this package's DASDs.

Each test gives a guest disks and a script of busybox' sh; see guest/functions.sh in
examples/linux for the functions of scripts. The command that a user would type runs the
machine, in its own process.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ccw_actors.faults import Fault
from ccw_actors.kernel.boot import Content
from examples.linux.console import Finding, findings
from examples.linux.software import Software

__all__ = [
    "Disk",
    "Guest",
    "GuestRun",
    "Running",
    "assert_released",
    "run_guest",
    "run_machine",
    "run_plainly",
    "running_machine",
]

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "ccw_actors")
APPEND = "console=ttysclp0 panic=-1 quiet"
TIMEOUT = 200.0
"""Seconds after which a machine counts as hung, many times what one needs."""


class Disk(Struct, frozen=True):
    """An image, the device type of its disk, and the faults that happen to it."""

    image: Path
    device_type: str = "3390"
    control_unit: str = ""
    read_only: bool = False
    faults: tuple[Fault, ...] = ()


class Guest(Struct, frozen=True):
    """A guest: its script, and its disks by the guest's device numbers.

    `software` has its kernel. A guest with `boot` is IPLed from that disk, one with
    `program` starts that instead of a kernel; neither has a script.
    """

    software: Software
    disks: Mapping[str, Disk]
    script: str = ""
    name: str = "guest"
    storage: str = "512MiB"
    cpus: int = 1
    boot: str = ""
    program: Path | None = None
    binary: Path | None = None
    append: str = APPEND
    arguments: tuple[str, ...] = ("-no-reboot",)
    files: Mapping[str, Content] = {}
    tools: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class GuestRun(Struct, frozen=True):
    """A guest's console output, and its part of the command's result.

    `complaints` is what the command wrote to stderr, about any of its guests.
    """

    console: str
    result: dict[str, Any]
    complaints: str

    @property
    def found(self) -> list[Finding]:
        """The lines of its script for programs, in order."""
        return findings(self.console)

    def rc(self, name: str) -> list[int]:
        """Return the exit statuses of the commands tried by that name, in order."""
        return [one.rc for one in self.found if one.name == name and one.rc is not None]

    def told(self, name: str) -> list[str]:
        """Return the results told by that name, in order."""
        return [one.text for one in self.found if one.name == name]

    def seconds(self, name: str) -> float:
        """Return when a command by that name last ended, in seconds of guest uptime."""
        return float(self.told(name)[-1].rpartition("seconds=")[2])

    def succeeded(self, *names: str) -> None:
        """Assert that these and all other commands, and the script, ended well."""
        failed = [one for one in self.found if one.rc]
        assert not failed, f"{failed}\n{self.console[-4000:]}"
        for name in (*names, "over"):
            assert self.told(name), f"no {name}:\n{self.console[-4000:]}"


class Running:
    """A machine that runs."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", guests: Sequence[Guest], folder: Path
    ) -> None:
        self.process = process
        self._guests = guests
        self._folder = folder

    def console(self, name: str) -> str:
        """Return what a guest has written so far."""
        path = self._folder / f"{name}.console"
        return path.read_text(errors="replace") if path.exists() else ""

    def emulators(self) -> dict[str, int]:
        """Return the process of each guest's QEMU that runs."""
        found: dict[str, int] = {}
        pid = self.process.pid
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
                words = (path.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:  # the process has just ended
                continue
            if int(fields[1]) != pid or fields[0] == "Z":
                continue
            # Each device has a folder in its guest's folder.
            devices = [word for word in words if word.startswith(b"vfio-ccw,")]
            for guest in self._guests:
                if any(f"/{guest.name}/".encode() in word for word in devices):
                    found[guest.name] = int(path.parent.name)
        return found

    def wait_for(self, name: str, finding: str) -> None:
        """Wait until a guest has told a result by that name."""
        while not any(one.name == finding for one in findings(self.console(name))):
            assert self.process.poll() is None, "the machine has ended"
            select.select([], [], [], 0.05)

    def go_on_for(self, seconds: float) -> None:
        """Let the machine run for some seconds; it must not end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError("the machine has ended")

    def kill_emulator(self, name: str) -> None:
        """Kill a guest's QEMU."""
        _kill(self.emulators()[name])

    def finish(self, *, timeout: float = TIMEOUT) -> dict[str, GuestRun]:
        """Wait for the end, and return each guest's result."""
        said, raw = self.process.communicate(timeout=timeout)
        complaints = raw.decode(errors="replace")
        try:
            result = json.loads(said)
        except ValueError:
            raise AssertionError(f"no result: {said!r}\n{complaints}") from None
        return {
            guest.name: GuestRun(
                self.console(guest.name), result["guests"][guest.name], complaints
            )
            for guest in self._guests
        }


@contextmanager
def running_machine(
    *guests: Guest, trace: Path | None = None, options: Sequence[str] = ()
) -> Generator[Running]:
    """Start a machine with these options; kill its remaining processes at the end."""
    with tempfile.TemporaryDirectory(prefix="linux-") as name:
        folder = Path(name)
        machine = folder / "machine.toml"
        machine.write_text(_machine_file(guests, folder))
        command = [*COMMAND, "run", str(machine), "--json", *options]
        command += ["--no-trace"] if trace is None else ["--trace", str(trace)]
        with subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            running = Running(process, guests, folder)
            emulators: dict[str, int] = {}
            try:
                yield running
            finally:
                emulators = running.emulators()
                process.kill()
                for pid in emulators.values():
                    _kill(pid)


def run_machine(*guests: Guest, trace: Path | None = None) -> dict[str, GuestRun]:
    """Run a machine to its end; see `running_machine`."""
    with running_machine(*guests, trace=trace) as running:
        return running.finish()


def run_guest(guest: Guest, *, trace: Path | None = None) -> GuestRun:
    """Run a machine of one guest to its end, and assert that nothing is left."""
    run = run_machine(guest, trace=trace)[guest.name]
    assert_released(run)
    return run


def run_plainly(guest: Guest, *, until: str, times: int, timeout: float) -> int:
    """Run a guest in a QEMU without our disks; end it.

    Return how often a text came on the console in the time: at most `times`, after
    which the guest is ended early.
    """
    with tempfile.TemporaryDirectory(prefix="linux-") as name:
        folder = Path(name)
        start = tomllib.loads("\n".join(_start(guest, folder)))
        options = [word for key, value in start.items() for word in (f"-{key}", value)]
        console = folder / "console"
        command = [
            *("qemu-system-s390x", "-machine", "s390-ccw-virtio", "-cpu", "max"),
            *("-m", guest.storage.removesuffix("iB"), "-nodefaults"),
            *("-display", "none", "-chardev", f"file,id=console,path={console}"),
            *("-device", "sclpconsole,chardev=console", *options, *guest.arguments),
        ]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            seen, left = 0, timeout
            while seen < times and left > 0 and process.poll() is None:
                select.select([], [], [], 0.1)
                left -= 0.1
                seen = console.read_text().count(until) if console.exists() else 0
            process.kill()
        return seen


def assert_released(run: GuestRun) -> None:
    """Assert that nothing of the guest is left.

    No page of its storage is pinned, no channel program is kept, and the host's
    subchannels are idle.
    """
    assert run.result.get("released") is True, run.result


def _machine_file(guests: Sequence[Guest], folder: Path) -> str:
    """Write the machine file of some guests, and the initramfs of each."""
    lines: list[str] = []
    hosts: dict[tuple[str, str], str] = {}
    for guest in guests:
        for number, disk in guest.disks.items():
            host = f"0.0.{0x0500 + len(hosts):04x}"
            hosts[guest.name, number] = host
            lines += [
                "[[device]]",
                f'number = "{host}"',
                f'type = "{disk.device_type}"',
                *(
                    [f'control_unit = "{disk.control_unit}"']
                    if disk.control_unit
                    else []
                ),
                f"image = {_quoted(disk.image.absolute())}",
                f"read_only = {str(disk.read_only).lower()}",
                *(line for fault in disk.faults for line in _fault(fault)),
            ]
    for guest in guests:
        lines += [
            "[[guest]]",
            f'name = "{guest.name}"',
            'emulator = "qemu"',
            f'storage = "{guest.storage}"',
            f"cpus = {guest.cpus}",
            f"console = {_quoted(folder / f'{guest.name}.console')}",
            f"arguments = {json.dumps(guest.arguments)}",
            *([f"binary = {_quoted(guest.binary)}"] if guest.binary else []),
            *_start(guest, folder),
        ]
        for number in guest.disks:
            lines += [
                "[[guest.device]]",
                f'number = "0.0.{number}"',
                f'host = "{hosts[guest.name, number]}"',
            ]
    return "\n".join(lines) + "\n"


def _fault(fault: Fault) -> list[str]:
    """Write a fault's table; JSON has its values as TOML has them."""
    keys = [f"{key} = {json.dumps(value)}" for key, value in fault.chosen.items()]
    return ["[[device.fault]]", *keys]


def _start(guest: Guest, folder: Path) -> list[str]:
    if guest.boot:
        return [f'boot = "0.0.{guest.boot}"']
    if guest.program:
        return [f"kernel = {_quoted(guest.program)}"]
    initrd = folder / f"{guest.name}.cpio"
    initrd.write_bytes(
        guest.software.initramfs(
            guest.script.encode(), guest.files, tools=guest.tools, modules=guest.modules
        )
    )
    return [
        f"kernel = {_quoted(guest.software.kernel)}",
        f"initrd = {_quoted(initrd)}",
        f'append = "{guest.append}"',
    ]


def _quoted(path: str | Path) -> str:
    return msgspec.json.encode(str(path)).decode()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
