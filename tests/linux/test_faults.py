"""Disks that stall or vanish, guests and machines that are killed."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.channel import Irb
from ccw_actors.devices import Geometry, Record, Track
from ccw_actors.faults import Fault
from examples.linux.software import Software
from tests.linux.harness import (
    Disk,
    Guest,
    GuestRun,
    assert_released,
    run_guest,
    running_machine,
)

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]

SLOW_TRACK = 60
MOMENTS = [1, *(pytest.param(life, marks=pytest.mark.slow) for life in range(2, 11))]
"""Runs of a guest or a machine, each until it is killed; see `moment`."""

HEADS = 15

BARE = Path(__file__).parent / "bare"
COMPILER = "s390x-linux-gnu-gcc"
OPTIONS = (
    *("-O1", "-march=z900", "-m64", "-ffreestanding", "-fno-pic", "-no-pie"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wall", "-Werror"),
    # Not at 0x10000, where QEMU would write a command line into the program.
    *("-nostdlib", "-static", "-Wl,-Ttext=0x20000,--build-id=none"),
)


@pytest.fixture
def bare(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that compiles a program that needs no operating system."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"apt-get install gcc-s390x-linux-gnu: there is no {COMPILER}")

    def make(name: str) -> Path:
        source = BARE / f"{name}.c"
        subprocess.run([COMPILER, *OPTIONS, "-o", tmp_path / name, source], check=True)
        return tmp_path / name

    return make


def stall(seconds: float) -> Fault:
    """Return the fault that the slow track stalls once."""
    return Fault("stall", seconds=seconds, track=divmod(SLOW_TRACK, HEADS))


def mark(disk: Disk, number: int, text: bytes) -> None:
    """Write a text over the start of a track's first record."""
    file = open_image(disk.image, read_only=False)
    try:
        assert isinstance(file.geometry, Geometry)
        old = Track.from_bytes(file.read(number))
        zero, first, *more = old.records
        data = text + first.data[len(text) :]
        new = Record(first.cc, first.hh, first.r, first.key, data)
        track = Track(0, old.cc, old.hh, (zero, new, *more), old.remainder)
        file.write(number, track.to_bytes())
    finally:
        file.close()


def test_linux_times_out_and_tries_again(
    software: Software, formatted: MakeDisk
) -> None:
    """A read that stalls is cleared and read again, and its data are right.

    Linux waits two seconds; the first read takes five.
    """
    disk = replace(formatted(), faults=(stall(5),))
    mark(disk, SLOW_TRACK, b"the slow track".ljust(32, b"."))
    script = f"""
        online 0190
        dmesg -c >/dev/null
        echo 2 >/sys/bus/ccw/devices/0.0.0190/expires
        echo 9 >/sys/bus/ccw/devices/0.0.0190/retries
        try slow dd if=/dev/$disk of=/tmp/slow bs=4096 skip={SLOW_TRACK * 12} \
            count=1 iflag=direct
        tell text $(head -c 32 /tmp/slow)
        try next dd if=/dev/$disk of=/dev/null bs=4096 count=100 iflag=direct
        dmesg | while read -r line; do tell dmesg "$line"; done
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("slow", "next", "offline-0190")
    assert run.told("text") == [b"the slow track".ljust(32, b".").decode()]
    assert any("timed out" in line for line in run.told("dmesg")), run.console


def test_a_halted_read(
    software: Software, formatted: MakeDisk, bare: Callable[[str], Path]
) -> None:
    """HALT ends a read that stalls, with one status; the next read works.

    The status is of both functions, names the channel program's second CCW, which
    waits for the track, and comes long before the track.
    """
    disk = replace(formatted(), faults=(stall(4),))
    mark(disk, SLOW_TRACK, b"read after HALT.")
    run = run_guest(
        Guest(software, {"0190": disk}, program=bare("halt"), storage="64MiB")
    )
    run.succeeded("over")
    word = {
        name: [int(text, 16) for text in run.told(name)]
        for name in ("ssch", "hsch", "tsch", "tsch-again", "pending-before")
    }
    assert word["ssch"] == [0, 0]
    assert word["pending-before"] == [1]
    assert word["hsch"] == [0]
    assert word["tsch"] == [0, 0]
    assert word["tsch-again"] == [1, 1]
    halted, read = (Irb.from_bytes(bytes.fromhex(one)) for one in run.told("irb"))
    program = int(run.told("program")[0], 16)
    assert halted.scsw.fctl == 0b110, halted
    assert halted.scsw.cpa == program + 16
    assert read.scsw.fctl == 0b100, read
    assert (read.scsw.cpa, read.scsw.dstat, read.scsw.cstat) == (program + 24, 0x0C, 0)
    assert bytes.fromhex(run.told("data")[0]) == b"read after HALT."
    assert int(run.told("microseconds")[0], 16) < 2_000_000


def test_ipl_during_io(
    software: Software, formatted: MakeDisk, bare: Callable[[str], Path]
) -> None:
    """A machine that is IPLed again during a read finds the disk usable.

    The read from before the IPL is abandoned: no status of it comes, and its data do
    not appear in storage that is used after the IPL.
    """
    disk = replace(formatted(), faults=(stall(4),))
    mark(disk, SLOW_TRACK, b"read after IPL..")
    guest = Guest(
        software,
        {"0190": disk},
        program=bare("reboot"),
        storage="64MiB",
        arguments=(),
    )
    run = run_guest(guest)
    run.succeeded("rebooting", "rebooted")
    assert [int(one, 16) for one in run.told("ssch")] == [0, 0]
    cleared, read = (Irb.from_bytes(bytes.fromhex(one)) for one in run.told("irb"))
    assert (cleared.scsw.fctl, cleared.scsw.dstat, cleared.scsw.cstat) == (1, 0, 0)
    assert (read.scsw.fctl, read.scsw.dstat, read.scsw.cstat) == (4, 0x0C, 0)
    assert bytes.fromhex(run.told("data")[0]) == b"read after IPL.."
    assert [int(one, 16) for one in run.told("tsch-again")] == [1]


def test_unplugged_during_io(software: Software, formatted: MakeDisk) -> None:
    """The host loses a disk under a reader; the guest's other disk goes on.

    The reader gets an error, and no I/O to the disk is left. Linux keeps a disk that is
    gone, as it may come back; with failfast it fails I/O until then.
    """
    script = """
        online 0190
        online 0191
        echo 1 >/sys/bus/ccw/devices/0.0.0190/failfast
        dd if=/dev/$(block_of 0190) of=/dev/null bs=48k count=150 iflag=direct
        tell reader $?
        try other dd if=/dev/$(block_of 0191) of=/dev/null bs=48k count=100 iflag=direct
        dmesg | while read -r line; do tell dmesg "$line"; done
    """
    gone = Fault("not operational", track=divmod(SLOW_TRACK, HEADS))
    lost = replace(formatted("lost.img"), faults=(gone,))
    disks = {"0190": lost, "0191": formatted("kept.img")}
    run = run_guest(Guest(software, disks, script))
    run.succeeded("other")
    assert run.told("reader") == ["1"], run.console
    (said,) = {one.partition("] ")[2] for one in run.told("dmesg") if "No oper" in one}
    assert said.startswith("dasd-eckd 0.0.0190: No operational channel path is left")


WRITER = """
    online 0190
    try mount mount -t ext4 /dev/$part /mnt
    tell working
    while :; do
        dd if=/dev/urandom of=/mnt/new bs=16k count=20 conv=fsync 2>/dev/null
        dd if=/mnt/random of=/dev/null bs=48k iflag=direct 2>/dev/null
    done
"""


@pytest.mark.parametrize("life", MOMENTS)
def test_killed_emulator(software: Software, formatted: MakeDisk, life: int) -> None:
    """A QEMU that is killed leaves nothing behind; the other guest goes on."""
    goes_on = """
        online 0190
        for i in 1 2 3 4 5 6; do
            try read dd if=/dev/$disk of=/dev/null bs=48k count=100 iflag=direct
        done
        offline 0190
    """
    killed, other = formatted("killed.img"), formatted("other.img")
    alice = Guest(software, {"0190": killed}, WRITER, name="alice")
    bob = Guest(software, {"0190": other}, goes_on, name="bob")
    with running_machine(alice, bob) as running:
        running.wait_for("alice", "working")
        running.go_on_for(moment(life))
        running.kill_emulator("alice")
        runs = running.finish()
    runs["bob"].succeeded("read", "offline-0190")
    assert runs["alice"].result["error"]
    for run in runs.values():
        assert_released(run)
    judge(software, killed)


@pytest.mark.parametrize("life", MOMENTS)
def test_killed_machine(software: Software, formatted: MakeDisk, life: int) -> None:
    """When this package's process is killed, its QEMU ends, and the volume is whole.

    The journal is next to the image, and the next start reports its content. Then every
    track is sound, to us and to Hercules.
    """
    disk = formatted()
    journal = disk.image.with_name(f"{disk.image.name}.journal")
    guest = Guest(software, {"0190": disk}, WRITER)
    with running_machine(guest) as running:
        running.wait_for("guest", "working")
        running.go_on_for(moment(life))
        emulator = os.pidfd_open(running.emulators()["guest"])
        assert journal.exists()
        running.process.kill()
        ended, _, _ = select.select([emulator], [], [], 30)
        os.close(emulator)
        assert ended, "QEMU goes on without its parent"
    assert journal.exists()
    run = judge(software, disk)
    assert f"{disk.image}: " in run.complaints, "it does not report the journal"
    assert not journal.exists()
    verify = [sys.executable, "-m", "ccw_actors", "dasd", "verify", str(disk.image)]
    subprocess.run(verify, check=True, capture_output=True)
    if shutil.which("dasdls") is not None:
        listed = subprocess.run(
            ["dasdls", disk.image], check=True, capture_output=True, text=True
        )
        assert "VOLSER=LINUX1" in listed.stdout
        assert "LINUX.VLINUX1.PART0001.NATIVE" in listed.stdout


def moment(life: int) -> float:
    """Return the seconds until the kill: spread over two, the same in each test run."""
    return life * 0.618034 % 1 * 2


def judge(software: Software, disk: Disk) -> GuestRun:
    """Let a new guest check a file system: its journal is enough to repair it."""
    script = """
        online 0190
        # Exit status 1: what the journal had was written, and there was no fault.
        e2fsck -fp /dev/$part
        tell repaired $?
        try e2fsck e2fsck -fn /dev/$part
        try mount mount -t ext4 /dev/$part /mnt
        try read md5sum /mnt/random
        try unmount umount /mnt
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("e2fsck", "read", "offline-0190")
    assert run.told("repaired")[0] in {"0", "1"}, run.console
    return run
