"""Linux sets DASDs online, formats them, and reads back what it has written."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_blocks, open_image
from ccw_actors.devices import Geometry, Track
from examples.linux.software import Software
from tests.linux.harness import Disk, Guest, assert_released, run_guest, run_machine

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]


def slow(*values: object) -> object:
    """Mark a case as slow."""
    return pytest.param(*values, marks=pytest.mark.slow)


DEFINE_EXTENT, LOCATE_RECORD, LOCATE_RECORD_EXTENDED, PREFIX = 0x63, 0x47, 0x4B, 0xE7

MOUNT = """
try mount mount -t ext4 /dev/$part /mnt
tell sum $(md5sum </mnt/random)
try unmount umount /mnt
try e2fsck e2fsck -fn /dev/$part
"""


def records(disk: Disk, number: int) -> list[tuple[int, int, int]]:
    """Return record number, key length and data length of a track's records."""
    file = open_image(disk.image, read_only=True)
    try:
        track = Track.from_bytes(file.read(number))
    finally:
        file.close()
    return [(one.r, len(one.key), len(one.data)) for one in track.records[1:]]


def shown(trace: Path, actors: str) -> str:
    """Return the output of `ccw-actors trace` for some actors."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ccw_actors",
            "trace",
            trace,
            "--raw",
            "--actor",
            actors,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def tracks(disk: Disk) -> int:
    """Return the number of tracks of a disk."""
    file = open_image(disk.image, read_only=True)
    try:
        assert isinstance(file.geometry, Geometry)
        return file.geometry.tracks
    finally:
        file.close()


@pytest.mark.parametrize("control_unit", ["3990-2", "3990-6", "2107"])
def test_online_without_an_error(
    software: Software, formatted: MakeDisk, control_unit: str
) -> None:
    """Linux' driver reports no error of the device or the volume.

    No kernel message of the driver and its layers is above "info", except the warning
    that a path has become operational, which appears on every machine.
    """
    script = """
        dmesg -c >/dev/null
        online 0190
        tell devices $(cat /proc/dasd/devices)
        tell types $(cat /sys/bus/ccw/devices/0.0.0190/devtype) \
            $(cat /sys/bus/ccw/devices/0.0.0190/cutype)
        dmesg -r | while read -r line; do tell dmesg "$line"; done
        offline 0190
    """
    disk = Disk(formatted().image, control_unit=control_unit)
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("online-0190", "offline-0190")
    levels = [re.match(r"<(\d+)>", line) for line in run.told("dmesg")]
    lines = [
        line
        for line, level in zip(run.told("dmesg"), levels, strict=True)
        if level and int(level[1]) % 8 < 6
        if "path to the device has become operational" not in line
    ]
    assert not lines
    assert any("3390" in line for line in run.told("dmesg")), run.console
    (devices,) = run.told("devices")
    assert re.search(r"0\.0\.0190\(ECKD\) .* active at blocksize: 4096", devices)
    (types,) = run.told("types")
    assert [one[:4] for one in types.split()] == ["3390", control_unit[:4]]


@pytest.mark.parametrize("control_unit", [slow("3990-2"), slow("3990-6"), "2107"])
def test_a_file_system_comes_back(
    software: Software, new_disk: MakeDisk, control_unit: str
) -> None:
    """A file written to an ext4 is read after a remount, and e2fsck finds no error."""
    script = """
        online 0190
        try dasdfmt dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full /dev/$disk
        partition $disk
        try mkfs mkfs.ext4 -q /dev/$part
        dd if=/dev/urandom of=/tmp/random bs=64k count=64
        tell sum $(md5sum </tmp/random)
        try mount mount -t ext4 /dev/$part /mnt
        try copy cp /tmp/random /mnt
        try unmount umount /mnt
        forget
    """
    disk = Disk(new_disk().image, control_unit=control_unit)
    run = run_guest(Guest(software, {"0190": disk}, f"{script}{MOUNT}offline 0190\n"))
    run.succeeded("dasdfmt", "fdasd", "mkfs", "copy", "e2fsck", "offline-0190")
    before, after = run.told("sum")
    assert before == after
    # Another guest reads the same.
    again = run_guest(Guest(software, {"0191": disk}, f"online 0191\n{MOUNT}"))
    again.succeeded("e2fsck")
    assert again.told("sum") == [before]


@pytest.mark.parametrize(
    ("options", "record"),
    [
        ("-b 4096 -d cdl -l LINUX1", (0, 4096)),
        slow("-b 512 -d cdl -l LINUX1", (0, 512)),
        ("-b 1024 -d ldl -l LINUX1", (0, 1024)),
        slow("-b 4096 -d ldl -l LINUX1", (0, 4096)),
    ],
    ids=["cdl-4096", "cdl-512", "ldl-1024", "ldl-4096"],
)
def test_every_layout(
    software: Software, new_disk: MakeDisk, options: str, record: tuple[int, int]
) -> None:
    """The records of every track are as asked of dasdfmt, and Linux accepts them."""
    script = f"""
        online 0190
        try dasdfmt dasdfmt -y {options} -M full /dev/$disk
        try check dasdfmt --check {options.partition(" -l")[0]} /dev/$disk
        tell devices $(cat /proc/dasd/devices)
        offline 0190
    """
    disk = new_disk(cylinders=2)
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("dasdfmt", "check", "offline-0190")
    key, size = record
    (devices,) = run.told("devices")
    assert f"active at blocksize: {size}" in devices
    last = records(disk, tracks(disk) - 1)
    assert len(last) > 1
    assert last == [(number, key, size) for number in range(1, len(last) + 1)]
    label = records(disk, 0)
    if "cdl" in options:
        assert label[:3] == [(1, 4, 24), (2, 4, 144), (3, 4, 80)]
    else:
        assert label == last


def test_ways_to_format(software: Software, formatted: MakeDisk) -> None:
    """Quick formatting keeps the data tracks, expanding adds the missing ones."""
    script = """
        online 0190
        try check dasdfmt --check /dev/$disk
        try quick dasdfmt -y -M quick -b 4096 -d cdl -l QUICK1 /dev/$disk
        try check dasdfmt --check /dev/$disk
        tell devices $(cat /proc/dasd/devices)
        try expand dasdfmt -y -M expand -b 4096 /dev/$disk
        partition $disk
        offline 0190
    """
    disk = formatted()
    before = records(disk, 100)
    run = run_guest(Guest(software, {"0190": disk}, script))
    assert {one.name for one in run.found if one.rc} == {"expand"}, run.console
    assert run.rc("check") == [0, 0]
    # A disk that is formatted to its end has no part to expand.
    assert "No unformatted part found" in run.console
    assert records(disk, 100) == before


def test_expanding(software: Software, new_disk: MakeDisk) -> None:
    """A disk with only its first cylinder formatted is expanded to its end."""
    script = """
        online 0190
        try dasdfmt dasdfmt -y -M full -b 4096 -d cdl -l LINUX1 /dev/$disk
        offline 0190
    """
    disk = new_disk(cylinders=3)
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("dasdfmt")
    file = open_image(disk.image, read_only=False)
    try:
        for number in range(30, 45):
            old = Track.from_bytes(file.read(number))
            new = Track(0, old.cc, old.hh, old.records[:1], b"").to_bytes()
            assert isinstance(file.geometry, Geometry)
            file.write(number, new.ljust(file.geometry.track_size, b"\0"))
    finally:
        file.close()
    script = """
        online 0190
        try expand dasdfmt -y -M expand -b 4096 /dev/$disk
        try check dasdfmt --check /dev/$disk
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("expand", "check", "offline-0190")
    assert records(disk, 44) == records(disk, 29) != []


def test_processors_and_storage(
    software: Software, formatted: MakeDisk, tmp_path: Path
) -> None:
    """Two processors with 4 GiB read at once, also into storage above 2 GiB."""
    script = f"""
        tell cpus $(grep -c ^processor /proc/cpuinfo)
        online 0190
        {MOUNT}
        try large dd if=/dev/$disk of=/tmp/large bs=48k count=100 iflag=direct &
        try small dd if=/dev/$disk of=/tmp/small bs=4k count=1200
        wait
        try same cmp /tmp/large /tmp/small
        offline 0190
    """
    guest = Guest(software, {"0190": formatted()}, script, cpus=2, storage="4GiB")
    trace = tmp_path / "linux.trace"
    run = run_guest(guest, trace=trace)
    run.succeeded("e2fsck", "large", "small", "same", "offline-0190")
    assert run.told("cpus") == ["2"]
    written = re.findall(
        r"WriteStorage\(.*?Piece\(address=(\d+)", shown(trace, "guest/storage")
    )
    assert max(map(int, written)) >= 2 << 30


WRITE_AND_FIND = """
numbers=$(ls /sys/bus/ccw/devices | sed -n 's/0.0.\\(019.\\)/\\1/p')
for number in $numbers; do
    online $number
    (
        dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full /dev/$disk >/dev/null
        partition $disk
        mkfs.ext4 -q /dev/$part
        mkdir -p /mnt/$disk
        mount -t ext4 /dev/$part /mnt/$disk
        dd if=/dev/urandom of=/tmp/$disk bs=64k count=32 2>/dev/null
        try copy cp /tmp/$disk /mnt/$disk/random
        try unmount umount /mnt/$disk
    ) &
done
wait
forget
for number in $numbers; do
    disk=$(block_of $number)
    part=${disk}1
    try mount mount -t ext4 /dev/$part /mnt
    try same cmp /tmp/$disk /mnt/random
    try unmount umount /mnt
    try e2fsck e2fsck -fn /dev/$part
    tell sum-$number $(md5sum </tmp/$disk)
    offline $number
done
"""
"""Sets all DASDs online, writes to them at once, and reads each one's own data."""


@pytest.mark.slow
def test_two_guests_with_five_disks(software: Software, new_disk: MakeDisk) -> None:
    """Two guests at once write to five DASDs; each reads its own data."""
    split = {"alice": ("0190", "0191", "0192"), "bob": ("0190", "0191")}
    guests = [
        Guest(
            software,
            {number: new_disk(f"{name}-{number}.img", 5) for number in numbers},
            WRITE_AND_FIND,
            name=name,
        )
        for name, numbers in split.items()
    ]
    runs = run_machine(*guests)
    sums: list[str] = []
    for guest in guests:
        run = runs[guest.name]
        assert_released(run)
        run.succeeded("copy", "same", "e2fsck")
        for number in guest.disks:
            sums += run.told(f"sum-{number}")
    assert len(set(sums)) == 5


def test_offline_during_io(software: Software, formatted: MakeDisk) -> None:
    """A DASD in use stays online, its reader undisturbed; later it goes offline.

    Linux answers EBUSY while a process has it open, also to safe_offline. A process
    that is killed during I/O no longer has it open.
    """
    script = f"""
        sysfs=/sys/bus/ccw/devices/0.0.0190
        online 0190
        dd if=/dev/$disk of=/tmp/before bs=48k count=150 iflag=direct
        (for i in 1 2 3 4; do
            try read dd if=/dev/$disk of=/tmp/during bs=48k count=150 iflag=direct
        done; try same cmp /tmp/before /tmp/during) &
        usleep 600000
        echo 0 >$sysfs/online
        tell in-use $?
        echo 1 >$sysfs/safe_offline
        tell in-use $?
        wait
        dd if=/dev/$disk of=/dev/null bs=4k iflag=direct &
        usleep 300000
        kill -9 $!
        wait
        offline 0190
        online 0190
        dd if=/dev/$disk of=/dev/null bs=4k iflag=direct &
        usleep 300000
        kill -9 $!
        wait
        try safe sh -c "echo 1 >$sysfs/safe_offline"
        online 0190
        {MOUNT}
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": formatted()}, script))
    run.succeeded("read", "same", "safe", "e2fsck", "offline-0190")
    assert run.told("in-use") == ["1", "1"]
    assert run.console.count("Device or resource busy") == 2
    assert (run.rc("offline-0190"), run.rc("online-0190")) == ([0] * 2, [0] * 3)


def test_reserve_and_release(software: Software, formatted: MakeDisk) -> None:
    """With tunedasd a lock is taken, released and stolen; Linux shows its holder."""
    script = """
        online 0190
        dmesg -c >/dev/null
        tell before $(tunedasd -Q /dev/$disk)
        try reserve tunedasd -S /dev/$disk
        tell reserved $(tunedasd -Q /dev/$disk)
        try read dd if=/dev/$disk of=/dev/null bs=4k count=10 iflag=direct
        try release tunedasd -L /dev/$disk
        tell released $(tunedasd -Q /dev/$disk)
        try steal tunedasd -O /dev/$disk
        tell stolen $(tunedasd -Q /dev/$disk)
        try release tunedasd -L /dev/$disk
        dmesg -r | while read -r line; do tell dmesg "$line"; done
        offline 0190
    """
    run = run_guest(Guest(software, {"0190": formatted()}, script))
    run.succeeded("reserve", "read", "release", "steal", "offline-0190")
    states = [run.told(one) for one in ("before", "reserved", "released", "stolen")]
    assert states == [["none"], ["reserved"], ["none"], ["reserved"]], run.console
    assert not [line for line in run.told("dmesg") if "rror" in line]


@pytest.mark.parametrize("control_unit", ["3990-6", "2107"])
def test_raw_tracks(software: Software, formatted: MakeDisk, control_unit: str) -> None:
    """With raw_track_access a track is read as it is, and written to another place."""
    script = """
        echo 1 >/sys/bus/ccw/devices/0.0.0190/raw_track_access
        online 0190
        try read dd if=/dev/$disk of=/tmp/track bs=64k count=1 skip=1 iflag=direct
        tell head $(hexdump -v -n 64 -e '1/1 "%02x"' /tmp/track)
        tell sum $(md5sum </tmp/track)
        try write dd if=/tmp/track of=/dev/$disk bs=64k count=1 seek=1 oflag=direct
        forget
        try read dd if=/dev/$disk of=/tmp/again bs=64k count=1 skip=1 iflag=direct
        try same cmp /tmp/track /tmp/again
        offline 0190
    """
    disk = Disk(formatted().image, control_unit=control_unit)
    file = open_image(disk.image, read_only=True)
    raw = Track.from_bytes(file.read(1))
    file.close()
    run = run_guest(Guest(software, {"0190": disk}, script))
    run.succeeded("read", "write", "same", "offline-0190")
    (head,) = run.told("head")
    first = raw.records[0]
    # Linux omits the home address: count and data of R0 come first.
    count = bytes((*first.cc.to_bytes(2), *first.hh.to_bytes(2), 0, 0, 0, 8))
    assert bytes.fromhex(head).startswith(count + first.data)
    file = open_image(disk.image, read_only=True)
    assert Track.from_bytes(file.read(1)) == raw
    file.close()


@pytest.mark.parametrize(
    ("control_unit", "sent", "not_sent"),
    [
        ("3990-2", {DEFINE_EXTENT, LOCATE_RECORD}, {PREFIX, LOCATE_RECORD_EXTENDED}),
        ("2107", {PREFIX, LOCATE_RECORD}, {LOCATE_RECORD_EXTENDED}),
    ],
    ids=["3990-2", "2107"],
)
def test_what_linux_sends(
    software: Software,
    formatted: MakeDisk,
    tmp_path: Path,
    *,
    control_unit: str,
    sent: set[int],
    not_sent: set[int],
) -> None:
    """Linux uses the commands of the control unit that it finds; the trace has them."""
    script = """
        online 0190
        echo 3 >/proc/sys/vm/drop_caches
        try read dd if=/dev/$disk of=/dev/null bs=48k count=10 skip=15 iflag=direct
    """
    disk = Disk(formatted().image, control_unit=control_unit)
    trace = tmp_path / "linux.trace"
    run = run_guest(Guest(software, {"0190": disk}, script), trace=trace)
    run.succeeded("read")
    codes = re.findall(
        r"ExecuteCommand\(.*?DeviceCommand\(code=(\d+)", shown(trace, "host/*")
    )
    found = {int(code) for code in codes}
    assert sent <= found
    assert not found & not_sent


@pytest.mark.parametrize("device_type", ["3370", slow("9336")])
def test_fixed_blocks(software: Software, tmp_path: Path, device_type: str) -> None:
    """A disk of fixed blocks gets a file system; the image has the written data."""
    disk = Disk(tmp_path / "blocks.img", device_type)
    create_blocks(disk.image, device_type, 8000, "BLOCKS")
    script = f"""
        online 0190
        tell devices $(cat /proc/dasd/devices)
        part=$disk  # the label that it has names no partition
        try mkfs mkfs.ext4 -q -O ^has_journal /dev/$part
        try mount mount -t ext4 /dev/$part /mnt
        try fill dd if=/dev/urandom of=/mnt/random bs=64k count=4
        tell sum $(md5sum </mnt/random)
        try unmount umount /mnt
        forget
        {MOUNT}
        try direct dd if=/tmp/script of=/dev/$part bs=4096 seek=900 oflag=direct
        offline 0190
    """
    files = {"/tmp/script": bytes(range(256)) * 16}  # noqa: S108 - in the guest
    run = run_guest(Guest(software, {"0190": disk}, script, files=files))
    run.succeeded("mkfs", "fill", "e2fsck", "direct", "offline-0190")
    before, after = run.told("sum")
    assert before == after
    assert bytes(range(256)) * 16 in disk.image.read_bytes()
    assert hashlib.md5(b"").hexdigest() not in before  # noqa: S324
