"""Run a guest in a QEMU on the real vfio_ccw, which itself runs in a QEMU.

    python examples/kernel/nested.py FOLDER

FOLDER is what `ccw-actors kernel build` has printed. That kernel runs in a QEMU with a
DASD of this package. It gives the DASD's subchannel to its own vfio_ccw, and starts
Debian's QEMU for s390x on that. In it, the same kernel sets the DASD online, formats
it, and writes and reads it. So each SSCH of that guest goes through QEMU, vfio_ccw and
QEMU, and is at last a message of this package, in a trace.
"""

import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

if __name__ == "__main__":  # so that this file can be run from any folder
    sys.path.insert(0, str(Path(__file__).parents[2]))

from ccw_actors.kernel.boot import Content, Executable, Folder, SymbolicLink, archive
from ccw_actors.trace import TraceReader, type_name
from examples.linux.console import Finding, findings
from examples.linux.software import (
    GUEST,
    Software,
    SoftwareError,
    default_cache,
    linked,
    prepare,
    prepare_qemu,
)

HERE = Path(__file__).parent
EVENTS = "trace_event=s390:s390_cio_ssch"
HOST_PARAMETERS = f"console=ttyS0 nokaslr panic=-1 loglevel=4 {EVENTS}"
GUEST_PARAMETERS = f"console=ttysclp0 panic=-1 loglevel=4 {EVENTS}"
HOST_STORAGE = "1 GiB"
GUEST_STORAGE = "256"
"""In MiB, for the nested QEMU's -m."""
COMMAND = [sys.executable, "-m", "ccw_actors"]
LEVELS = (
    ("guest-ssch", "SSCH of the guest"),
    ("emulator-ssch", "SSCH of vfio_ccw, for the nested QEMU"),
    ("host-ssch", "SSCH of the kernel under test, with those before vfio_ccw"),
)


class Nested(Struct, frozen=True):
    """The result of a run.

    `counts` has the numbers of `LEVELS` that the guests told. `started` counts the
    messages in the trace with which the host's subchannel gets a START.
    """

    found: tuple[Finding, ...]
    counts: dict[str, int]
    started: int

    @property
    def wrong(self) -> str:
        """What is wrong with it, "" if nothing is."""
        failed = [one.name for one in self.found if one.rc]
        if failed:
            return f"failed: {', '.join(failed)}"
        # The guest's script ends with the same word.
        at_end = "host-ssch" in self.counts and self.found[-1].name == "over"
        if not at_end:
            return "the kernel under test did not reach the end of its script"
        nested = self.counts["emulator-ssch"]
        if nested == 0 or self.counts.get("guest-ssch", nested) != nested:
            return "vfio_ccw has not executed each SSCH of the guest once"
        if not nested <= self.counts["host-ssch"] == self.started:
            return "this package has not got each SSCH of the kernel once"
        return ""


def main(
    kernel: Annotated[
        Path, typer.Argument(exists=True, help="A kernel's folder, or its bzImage.")
    ],
    *,
    program: Annotated[
        Path | None,
        typer.Option(exists=True, help="A guest without Linux: a program for -kernel."),
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Keep the trace in this file.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="The folder for downloads.")
    ] = None,
    mirror: Annotated[
        str | None, typer.Option(help="Debian's mirror, if not this machine's.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Debian's release, if not this machine's.")
    ] = None,
) -> None:
    """Run a guest in a QEMU on a kernel's own vfio_ccw, and say what came through."""
    place = cache or default_cache()
    image = kernel / "bzImage" if kernel.is_dir() else kernel
    try:
        _find(image)
        software = prepare(place, mirror=mirror, suite=suite).with_kernel(image)
        root = prepare_qemu(place, mirror=mirror, suite=suite)
        result = run(software, root, program, trace)
    except SoftwareError as error:
        print(f"nested.py: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{used.ru_utime + used.ru_stime:6.0f} seconds of CPU time")
    for name, words in LEVELS:
        if name in result.counts:
            print(f"{result.counts[name]:6} {words}")
    print(f"{result.started:6} StartSubchannel in this package's trace")
    if result.wrong:
        print(f"nested.py: {result.wrong}", file=sys.stderr)
        raise typer.Exit(1)


def _find(kernel: Path) -> None:
    """Refuse a missing kernel before anything is downloaded."""
    if not kernel.is_file():
        raise SoftwareError(f"there is no {kernel}; use 'ccw-actors kernel build'")


def run(
    software: Software, root: Path, program: Path | None, trace: Path | None
) -> Nested:
    """Run the two kernels, or a kernel and a program, and show their console.

    `root` is the folder of `prepare_qemu`.

    Raises:
        SoftwareError: The run could not begin, or did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="nested-") as name:
        folder = Path(name)
        initrd = folder / "initrd"
        initrd.write_bytes(host_initramfs(software, root, program))
        print(f"initramfs: {initrd.stat().st_size / 1e6:.0f} MB", flush=True)
        disk, kept = folder / "disk.img", trace or folder / "trace"
        label = ["--type", "3390", "--volser", "EMPTY1", "--cylinders", "10"]
        _run([*COMMAND, "dasd", "init", str(disk), *label])
        console = _run(
            [
                *(*COMMAND, "qemu", "--disk", f"0190={disk}", "--line-mode"),
                *("--memory", HOST_STORAGE, "--trace", str(kept), "--"),
                *("-kernel", str(software.kernel), "-initrd", str(initrd)),
                *("-append", HOST_PARAMETERS, "-no-reboot"),
            ]
        )
        found = tuple(findings(console))
        names = [level for level, _ in LEVELS]
        counts = {one.name: int(one.text) for one in found if one.name in names}
        return Nested(found, counts, _messages(kept)["StartSubchannel"])


def host_initramfs(software: Software, root: Path, program: Path | None) -> bytes:
    """Return the archive for the kernel under test: a QEMU, and what that starts."""
    qemu = root / "usr/bin/qemu-system-s390x"
    contents: dict[str, Content] = {
        "/init": Executable((HERE / "host.sh").read_bytes()),
        "/lib/functions.sh": GUEST / "functions.sh",
        "/bin/busybox": software.busybox,
        "/bin/sh": SymbolicLink("busybox"),
        "/usr/bin/qemu-system-s390x": qemu,
        "/usr/share/qemu/s390-ccw.img": root / "usr/share/qemu/s390-ccw.img",
        "/storage": GUEST_STORAGE.encode(),
        "/kernel": program or software.kernel,
        **linked(root, [qemu]),
    }
    if program is None:
        script = (HERE / "guest.sh").read_bytes()
        contents["/initrd"] = software.initramfs(script)
        contents["/parameters"] = GUEST_PARAMETERS.encode()
    for name in ("proc", "sys", "tmp", "run"):
        contents[f"/{name}"] = Folder()
    return archive(contents)


def _run(command: list[str]) -> str:
    """Run a command, show what it prints and return it."""
    said = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            said += line
    if running.returncode:
        raise SoftwareError(f"ccw-actors: exit status {running.returncode}")
    return said


def _messages(trace: Path) -> Counter[str]:
    """Count the messages of a trace by type."""
    with trace.open("rb") as source:
        reader = TraceReader(source)
        return Counter(type_name(event, reader.types) for event in reader)


if __name__ == "__main__":
    typer.run(main)
