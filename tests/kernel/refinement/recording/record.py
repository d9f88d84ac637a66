"""Records random runs of a kernel's vfio_ccw on this package's subchannel.

    python -m tests.kernel.refinement.recording.record KERNEL FOLDER [OPTION...]

KERNEL is a folder that `ccw-actors kernel build` has written. It needs
s390x-linux-gnu-gcc, qemu-system-s390x, and the software that examples/linux fetches.
Each run becomes a trace in FOLDER, which `ccw-actors trace check` reads. A run that
loses the device ends the guest, and the next run has a new one.
"""

import argparse
import base64
import gzip
import json
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from ccw_actors.kernel.boot import Executable, archive
from ccw_actors.kernel.refinement import (
    Header,
    KernelTraceError,
    probes,
    read_tracefs,
    write_kernel_trace,
)
from examples.linux.software import default_cache, prepare

HERE = Path(__file__).parent
QEMU = "qemu-system-s390x"


def functions_of(system_map: Path) -> set[str]:
    """Return the names of the functions in a System.map."""
    lines = (line.split() for line in system_map.read_text().splitlines())
    return {name for _, kind, name in lines if kind in "tT"}


def contents(kernel: Path, client: Path) -> bytes:
    """Return an initramfs with the client, and the probes of this kernel."""
    found = probes(functions_of(kernel / "System.map"))
    busybox = prepare(default_cache()).root / "bin" / "busybox"
    return archive(
        {
            "/init": Executable((HERE / "init.sh").read_bytes()),
            "/bin/busybox": busybox,
            "/client": client,
            "/kprobe_events": "".join(f"{line}\n" for line in found.lines).encode(),
            "/events": "".join(f"{name}\n" for name in found.events).encode(),
        }
    )


def boot(given: argparse.Namespace, first: int, end: int, work: Path) -> str:
    """Boot the kernel for these runs; return its console."""
    client, image, console = work / "client", work / "disk", work / "console"
    compiler = ["s390x-linux-gnu-gcc", "-static", "-O2", "-o", str(client)]
    subprocess.run([*compiler, str(HERE / "client.c")], check=True)
    command = [sys.executable, "-m", "ccw_actors"]
    disk = ["--type", "3390-1", "--volser", "TRACE1", "--cylinders", "20", str(image)]
    subprocess.run([*command, "dasd", "init", *disk], check=True)
    (work / "initrd").write_bytes(contents(given.kernel, client))
    options = ["--disk", f"0190={image}", "--line-mode", "--cpus", str(given.cpus)]
    options += ["--console", str(console)]
    if given.trace:
        options += ["--trace", str(given.trace)]
    words = f"console=ttyS0 first={first} runs={end - first}"
    words += f" requests={given.requests} threads={given.threads}"
    words += f" resets={given.resets}"
    guest = ["-kernel", str(given.kernel / "bzImage")]
    guest += ["-initrd", str(work / "initrd"), "-append", words]
    subprocess.run([*command, "qemu", *options, "--", *guest], check=False, timeout=900)
    return console.read_text(errors="replace")


def header_of(console: str, given: argparse.Namespace) -> Header:
    """Return the header of the traces on a console."""
    begin = re.search(r"^BEGIN (\S+)", console, re.MULTILINE)
    build = json.loads((given.kernel / "build.json").read_text())
    version = subprocess.run(
        [QEMU, "--version"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"version (\S+)", version)
    return Header(
        kernel=begin[1] if begin else "",
        package=build["package"],
        configuration=tuple(build["configuration"]),
        change=build["change"],
        qemu=found[1] if found else "",
        cpus=given.cpus,
        missing=probes(functions_of(given.kernel / "System.map")).missing,
    )


def save(console: str, given: argparse.Namespace) -> int:
    """Write the traces on a console to files; return the next seed.

    One that the console has damaged is left out.
    """
    header, seed = header_of(console, given), 0
    for found in re.finditer(
        r"^DATA (\d+)\n(.*?)^END", console, re.MULTILINE | re.DOTALL
    ):
        seed = int(found[1])
        kind = f"{given.threads}x{given.cpus}x{given.resets}"
        file = given.folder / f"{header.kernel}-{kind}-{seed}.jsonl.gz"
        try:
            text = gzip.decompress(base64.b64decode(found[2])).decode()
            write_kernel_trace(read_tracefs(text, header), file)
        except (ValueError, OSError, EOFError, zlib.error, KernelTraceError) as error:
            sys.stderr.write(f"run {seed}: {error}" + "\n")
    return seed + 1


def main() -> None:
    """Record the runs."""
    parser = argparse.ArgumentParser(description="Record random runs of a kernel.")
    parser.add_argument("kernel", type=Path)
    parser.add_argument("folder", type=Path)
    numbers = {"first": 1, "runs": 10, "requests": 30, "resets": 1}
    for name, default in {**numbers, "threads": 1, "cpus": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--trace", type=Path, help="a trace of this package's actors")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    first, end = given.first, given.first + given.runs
    while first < end:
        with tempfile.TemporaryDirectory() as work:
            console = boot(given, first, end, Path(work))
        (given.folder / "console").write_text(console)
        first = max(first + 1, save(console, given))


if __name__ == "__main__":
    main()
