"""Records random runs of a kernel's vfio_ccw on this package's subchannel.

    python -m tests.kernel.refinement.recording.record KERNEL FOLDER [--first SEED]

KERNEL is the folder of a build, with arch/s390/boot/bzImage and System.map. It needs
s390x-linux-gnu-gcc, qemu-system-s390x, and the software that examples/linux fetches.
Each run becomes a file of FOLDER, as tracefs shows it.
"""

import argparse
import base64
import gzip
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from ccw_actors.kernel.refinement import probes
from examples.linux.initramfs import Executable, archive
from examples.linux.software import default_cache

HERE = Path(__file__).parent


def functions_of(system_map: Path) -> set[str]:
    """Return the names of the functions in a System.map."""
    lines = system_map.read_text().splitlines()
    return {line.split()[2] for line in lines if line.split()[1] in "tT"}


def boot(
    kernel: Path, work: Path, append: str, *, cpus: int, trace: Path | None = None
) -> str:
    """Boot the kernel with the client; return its console.

    `trace` is where the trace of this package's actors goes, if it is wanted.
    """
    client, image, initrd = work / "client", work / "disk", work / "initrd"
    compiler = "s390x-linux-gnu-gcc"
    subprocess.run([compiler, "-static", "-O2", "-o", client, HERE / "client.c"], check=True)
    command = [sys.executable, "-m", "ccw_actors"]
    disk = ["--type", "3390-1", "--volser", "TRACE1", "--cylinders", "20", image]
    subprocess.run([*command, "dasd", "init", *disk], check=True)
    found = probes(functions_of(kernel / "System.map"))
    (busybox,) = list(default_cache().glob("root-*/bin/busybox"))[:1]
    initrd.write_bytes(
        archive(
            {
                "/init": Executable((HERE / "init.sh").read_bytes()),
                "/bin/busybox": busybox,
                "/client": client,
                "/kprobe_events": "".join(f"{line}\n" for line in found.lines).encode(),
                "/events": "".join(f"{name}\n" for name in found.events).encode(),
            }
        )
    )
    console = work / "console"
    guest = ["-kernel", kernel / "arch/s390/boot/bzImage", "-initrd", initrd]
    traced = ["--trace", trace] if trace else []
    options = [*traced, "--line-mode", "--console", console, "--cpus", str(cpus)]
    subprocess.run(
        [*command, "qemu", "--disk", f"0190={image}", *options, "--", *guest]
        + ["-append", f"console=ttysclp0 {append}"],
        check=False,
        timeout=900,
    )
    return console.read_text(errors="replace")


def main() -> None:
    """Record the runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel", type=Path)
    parser.add_argument("folder", type=Path)
    for name, default in (("first", 1), ("runs", 10), ("requests", 30), ("resets", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    first, end = given.first, given.first + given.runs
    while first < end:
        words = {"first": first, "runs": end - first, "requests": given.requests}
        words |= {"threads": given.threads, "resets": given.resets}
        append = " ".join(f"{name}={value}" for name, value in words.items())
        with tempfile.TemporaryDirectory() as work:
            console = boot(given.kernel, Path(work), append, cpus=given.cpus, trace=given.trace)
        (given.folder / "console").write_text(console)
        kind = f"{given.threads}x{given.cpus}x{given.resets}"
        first = max(first + 1, save(console, given.folder, kind))


def save(console: str, folder: Path, kind: str) -> int:
    """Write the traces on a console to files; return the next seed.

    One that the console has damaged is left out.
    """
    seed = 0
    for found in re.finditer(r"^DATA (\d+)\n(.*?)^END", console, re.M | re.S):
        seed = int(found[1])
        try:
            trace = gzip.decompress(base64.b64decode(found[2]))
        except (ValueError, OSError, EOFError, zlib.error) as error:
            print(f"run {seed}: {error}", file=sys.stderr)
            continue
        (folder / f"{kind}-{seed}.txt").write_bytes(trace)
    return seed + 1


if __name__ == "__main__":
    main()
