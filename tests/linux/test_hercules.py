"""One volume, three readers: Linux, Hercules' own tools, and this package."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.devices import Geometry, Track
from examples.linux.software import Software
from tests.linux.harness import Disk, Guest, run_guest
from tests.oracle.hercules import needs_hercules, run_tool

pytestmark = [pytest.mark.linux, needs_hercules]

MakeDisk = Callable[..., Disk]

CARDS = [f"{number:04} {'CARD ' * 14}"[:80].ljust(80) for number in range(900)]


def tracks(path: Path) -> list[bytes]:
    """Read a whole image with this package."""
    file = open_image(path, read_only=True)
    try:
        assert isinstance(file.geometry, Geometry)
        return [file.read(number) for number in range(file.geometry.tracks)]
    finally:
        file.close()


def test_they_read_what_linux_made(
    software: Software, formatted: MakeDisk, tmp_path: Path
) -> None:
    """Hercules lists and copies a volume of Linux, and we read its partition."""
    script = """
        online 0190
        tell sum $(md5sum </dev/$part)
        offline 0190
    """
    disk = formatted("linux.img")
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("offline-0190")
    listed = run_tool("dasdls", disk.image, folder=tmp_path).splitlines()
    assert listed[0].endswith("VOLSER=LINUX1")
    assert [line.strip() for line in listed[1:]] == ["LINUX.VLINUX1.PART0001.NATIVE"]
    run_tool(
        "dasdcopy", "-z", "-o", "CCKD", disk.image.name, "copy.img", folder=tmp_path
    )
    ours = tracks(disk.image)
    assert tracks(tmp_path / "copy.img") == ours
    blocks = [
        record.data
        for track in ours[2:]  # a label and a VTOC are before the partition
        for record in Track.from_bytes(track).records[1:]
    ]
    found = hashlib.md5(b"".join(blocks)).hexdigest()  # noqa: S324
    assert run.told("sum") == [f"{found} -"]
    verify = [sys.executable, "-m", "ccw_actors", "dasd", "verify", str(disk.image)]
    subprocess.run(verify, check=True, capture_output=True)


def test_linux_formats_what_they_made(software: Software, tmp_path: Path) -> None:
    """Linux formats a new volume of dasdinit, which stays sound to Hercules."""
    run_tool("dasdinit", "new.img", "3390", "HERC01", "10", folder=tmp_path)
    disk = Disk(tmp_path / "new.img")
    script = """
        online 0190
        try dasdfmt dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full /dev/$disk
        partition $disk
        try mkfs mkfs.ext4 -q /dev/$part
        try e2fsck e2fsck -fn /dev/$part
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("dasdfmt", "fdasd", "e2fsck", "offline-0190")
    assert "PART0001.NATIVE" in run_tool("dasdls", "new.img", folder=tmp_path)
    run_tool("dasdcopy", "-o", "CCKD", "new.img", "copy.img", folder=tmp_path)
    assert tracks(tmp_path / "copy.img") == tracks(disk.image)


def test_linux_reads_a_compressed_volume(software: Software, tmp_path: Path) -> None:
    """A compressed volume of dasdinit, formatted for Linux, can be read."""
    words = ("dasdinit", "-z", "-linux", "packed.img", "3390", "PACK01", "4")
    run_tool(*words, folder=tmp_path)
    disk = Disk(tmp_path / "packed.img", read_only=True)
    script = """
        online 0190
        tell devices $(cat /proc/dasd/devices)
        try read dd if=/dev/$disk of=/tmp/all bs=48k skip=15 iflag=direct
        tell size $(wc -c </tmp/all)
        dd if=/tmp/all of=/dev/$disk bs=4096 count=1 oflag=direct
        tell written $?
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("read", "offline-0190")
    (devices,) = run.told("devices")
    assert "active at blocksize: 4096" in devices
    assert run.told("size") == [str(45 * 12 * 4096)]
    assert run.told("written") == ["1"]


def test_linux_reads_what_they_loaded(software: Software, tmp_path: Path) -> None:
    """Linux' zdsfs shows the datasets of a volume of dasdload, record by record.

    It reads whole tracks, and finds them by the VTOC that Hercules wrote.
    """
    cards = "".join(CARDS).encode("cp037")
    (tmp_path / "cards").write_bytes(cards)
    (tmp_path / "load").write_text(
        "ORACLE 3390 5\n"
        "sysvtoc vtoc trk 14\n"
        "test.cards seq cards trk 9 1 0 ps fb 80 800\n"
    )
    run_tool("dasdload", "load", "loaded.img", folder=tmp_path)
    script = """
        echo 1 >/sys/bus/ccw/devices/0.0.0190/raw_track_access
        online 0190
        try zdsfs zdsfs /dev/$disk /mnt
        tell datasets $(ls /mnt)
        tell sum $(md5sum </mnt/TEST.CARDS)
        try unmount umount /mnt
        while pidof zdsfs >/dev/null; do usleep 50000; done
        offline 0190
    """
    guest = Guest(
        software,
        {"0190": Disk(tmp_path / "loaded.img", control_unit="3990-6")},
        script,
        tools=("zdsfs",),
        modules=("fuse",),
    )
    run = run_guest(guest)
    run.succeeded("zdsfs", "unmount", "offline-0190")
    assert "TEST.CARDS" in run.told("datasets")[0].split()
    found = hashlib.md5(cards).hexdigest()  # noqa: S324
    assert run.told("sum") == [f"{found} -"]
