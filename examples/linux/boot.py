"""Boot Debian's Linux on a QEMU whose DASD is this package's, and IPL from that DASD.

    python examples/linux/boot.py

It downloads a kernel and tools for s390x with apt, as an ordinary user, into a cache
folder. It makes an empty 3390, has Linux set it online, format it, make a file system,
copy a kernel and run zipl, and IPLs from it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

if __name__ == "__main__":  # so that this file can be run from any folder
    sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.linux.console import findings
from examples.linux.software import (
    GUEST,
    Software,
    SoftwareError,
    default_cache,
    prepare,
)

NEEDS = """\
This needs a Debian with apt, dpkg and qemu-system-s390x (apt-get install
qemu-system-misc qemu-system-data; since Debian 13 qemu-system-s390x), about 300 MB in
{cache}, and a network the first time.
"""
PARAMETERS = "console=ttysclp0 panic=-1 quiet"
QEMU = "qemu-system-s390x"
COMMAND = [sys.executable, "-m", "ccw_actors"]


def main(
    disk: Annotated[
        Path, typer.Argument(help="The disk's image file; it must not exist yet.")
    ] = Path("linux.img"),
    *,
    cylinders: Annotated[int, typer.Option(min=40, help="The disk's size.")] = 50,
    qemu: Annotated[
        Path | None,
        typer.Option(exists=True, help="Your QEMU: the program, or its build folder."),
    ] = None,
    kernel: Annotated[
        Path | None,
        typer.Option(exists=True, help="Your kernel (bzImage)."),
    ] = None,
    modules: Annotated[
        Path | None,
        typer.Option(exists=True, help="The folder of that kernel's modules."),
    ] = None,
    memory: Annotated[str, typer.Option(help="The guest's storage.")] = "512MiB",
    cache: Annotated[
        Path | None, typer.Option(help="The folder for downloads.")
    ] = None,
    mirror: Annotated[
        str | None, typer.Option(help="Debian's mirror, if not this machine's.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Debian's release, if not this machine's.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look for newer packages.")
    ] = False,
) -> None:
    """Prepare a DASD for IPL with Linux' own tools, and IPL from it."""
    place = cache or default_cache()
    print(NEEDS.format(cache=place))
    options = ["--memory", memory, *(["--qemu", str(qemu)] if qemu else [])]
    try:
        _find_qemu(qemu)
        software = prepare(place, mirror=mirror, suite=suite, refresh=refresh)
        if kernel is not None:
            software = software.with_kernel(kernel, modules)
        _install_and_ipl(software, disk, cylinders, options)
    except SoftwareError as error:
        print(f"boot.py: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _find_qemu(own: Path | None) -> None:
    """Refuse a missing QEMU before anything is downloaded."""
    if own is None and shutil.which(QEMU) is None:
        raise SoftwareError(f"there is no program {QEMU}")


def _install_and_ipl(
    software: Software, disk: Path, cylinders: int, options: list[str]
) -> None:
    size = ["--cylinders", str(cylinders)]
    label = ["--type", "3390", "--volser", "LINUX1"]
    init = [*COMMAND, "dasd", "init", str(disk)]
    made = subprocess.run([*init, *label, *size], check=False)
    if made.returncode:
        raise typer.Exit(made.returncode)
    booted = software.initramfs((GUEST / "booted.sh").read_bytes())
    install = software.initramfs(
        (GUEST / "install.sh").read_bytes(),
        {
            "/boot/vmlinuz": software.kernel,
            "/boot/initramfs": booted,
            "/boot/parameters": PARAMETERS.encode(),
        },
    )
    command = [*COMMAND, "qemu", *options, "--disk", f"0190={disk}"]
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "install.cpio"
        initrd.write_bytes(install)
        print(f"\n== {software.kernel.name} formats and fills {disk}\n", flush=True)
        started = ["-kernel", str(software.kernel), "-initrd", str(initrd)]
        _run([*command, "--", *started, "-append", PARAMETERS])
    print(f"\n== IPL from {disk}\n", flush=True)
    _run([*command, "--boot", "0190"])


def _run(command: list[str]) -> None:
    """Run a guest and show its console; every command it tried has to succeed."""
    console = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            console += line
    if running.returncode:
        raise SoftwareError(f"ccw-actors qemu: exit status {running.returncode}")
    found = findings(console)
    for one in found:
        if one.rc:
            raise SoftwareError(f"{one.name} in the guest: exit status {one.rc}")
    if not found or found[-1].name != "over":
        raise SoftwareError("the guest did not reach the end of its script")


if __name__ == "__main__":
    typer.run(main)
