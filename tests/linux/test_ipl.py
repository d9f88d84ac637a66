"""A guest makes a disk that can be IPLed, and QEMU's own firmware IPLs from it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.linux.console import findings
from examples.linux.software import Software, default_cache
from tests.linux.harness import Disk, Guest, run_guest, run_plainly
from tests.shown import assert_shown, shown_commands

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "linux" / "boot.py"


def test_the_example(software: Software, tmp_path: Path) -> None:
    """Linux runs from our disk, where zipl put it, and the README shows the output."""
    assert software.kernel.exists()
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--cache", default_cache()],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # as a terminal shows both
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    install, _, booted = done.stdout.partition("== IPL from ")
    assert {one.name for one in findings(install)} >= {"dasdfmt", "zipl", "over"}
    assert "IPLed from 0.0.0190, a device of type ccw" in booted
    assert "This was written before the IPL." in booted
    assert findings(booted)[-1].name == "over"
    (shown,) = [one for one in shown_commands() if one.command.endswith("boot.py")]
    assert_shown(shown.output, done.stdout)


REBOOTS = """
tell life
online 0190
if grep -q SECOND /dev/$disk; then
    try read dd if=/dev/$disk of=/dev/null bs=48k count=40 skip=15 iflag=direct
    try e2fsck e2fsck -fn /dev/$part
else
    echo SECOND | dd of=/dev/$disk bs=4096 seek=26 count=1 conv=sync oflag=direct
    dd if=/dev/$disk of=/dev/null bs=48k iflag=direct &
    usleep 200000
    echo b >/proc/sysrq-trigger
    sleep 60
fi
"""


@pytest.mark.slow
def test_linux_reboots_during_io(software: Software, formatted: MakeDisk) -> None:
    """A Linux that reboots during I/O comes up again, with its disk whole.

    Debian's kernel does not come up again in an emulated machine, with our disks or
    without; CCW_ACTORS_REBOOTING_KERNEL names one that does.
    """
    own = os.environ.get("CCW_ACTORS_REBOOTING_KERNEL")
    if own is not None:
        software = software.with_kernel(Path(own))
    guest = Guest(software, {}, "tell life\nreboot -f\n", arguments=())
    if run_plainly(guest, until="@ life", times=2, timeout=20) < 2:
        pytest.skip("this kernel does not reboot under QEMU without our disks either")
    guest = Guest(software, {"0190": formatted()}, REBOOTS, arguments=())
    run = run_guest(guest)
    run.succeeded("read", "e2fsck")
    assert len(run.told("life")) == 2
