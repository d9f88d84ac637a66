"""Linux sets every type of disk online that its drivers know, in several sizes."""

import re
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_blocks, create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.devices.fba_image import fba_blocks
from examples.linux.software import Software
from tests.linux.harness import Disk, Guest, run_guest

pytestmark = pytest.mark.linux

CYLINDERS = 10
CONTROL_UNITS = {"3380": "3990-2"}
"""Behind a 3880, the default, a 3380 gives no configuration data, and so Linux 6.1
makes no block device of it."""
WARNING = 4
"""Level of a kernel message that says something is not as it should be."""

FORMAT = """
for number in $(ls /sys/bus/ccw/devices | sed -n 's/0.0.\\(019.\\)/\\1/p'); do
    online $number
    case $(cat /sys/bus/ccw/devices/0.0.$number/devtype) in
    33[89]0* | 9345*)
        try dasdfmt dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full /dev/$disk
        ;;
    esac
    offline $number
done
dmesg -c >/dev/null
"""
USE = """
for number in $(ls /sys/bus/ccw/devices | sed -n 's/0.0.\\(019.\\)/\\1/p'); do
    online $number
    sysfs=/sys/bus/ccw/devices/0.0.$number
    tell $number $(cat $sysfs/devtype) $(cat $sysfs/cutype) \
        $(cat /sys/block/$disk/size) $(grep $number /proc/dasd/devices)
    try write dd if=/tmp/blocks of=/dev/$disk bs=4096 seek=800 oflag=direct
    forget
    try read dd if=/dev/$disk of=/tmp/again bs=4096 skip=800 count=3 iflag=direct
    try same cmp /tmp/blocks /tmp/again
    offline $number
done
online 01a0
tell 01a0 $(cat /sys/bus/ccw/devices/0.0.01a0/cutype)
offline 01a0
dmesg -r | while read -r line; do tell dmesg "$line"; done
"""


def tracks_disk(path: Path, device_type: str) -> Disk:
    """Return a small disk of tracks."""
    volume = ckd_volume(ckd_type(device_type)[0], CYLINDERS)
    create_tracks(path, volume, "EMPTY1")
    return Disk(path, device_type, CONTROL_UNITS.get(device_type, ""))


def blocks_disk(path: Path, model: str) -> Disk:
    """Return a disk of blocks, of the size of this model."""
    device_type, blocks = fba_blocks(model)
    create_blocks(path, device_type, blocks, "BLOCKS")
    return Disk(path, device_type)


def errors(lines: list[str]) -> list[str]:
    """Return the kernel messages that are warnings or worse.

    That a path has become operational is one on every machine.
    """
    levels = [re.match(r"<(\d+)>", line) for line in lines]
    return [
        line
        for line, level in zip(lines, levels, strict=True)
        if level and int(level[1]) % 8 <= WARNING
        if "path to the device has become operational" not in line
    ]


def test_disks_of_every_type(software: Software, tmp_path: Path) -> None:
    """No message of Linux is a warning, and what it writes comes back.

    It knows 3380, 3390 and 9345, which it formats with as many blocks per track as fit,
    and 3370 and 9336, each with the blocks of its models. Also a 3380 behind a 3880
    comes online, without a block device.
    """
    kinds = {"0190": "3380", "0191": "3390", "0192": "9345"}
    models = {
        "0193": "3370-A1",
        "0194": "3370-A2",
        "0195": "9336-10",
        "0196": "9336-25",
    }
    disks = {n: tracks_disk(tmp_path / n, kind) for n, kind in kinds.items()}
    disks |= {n: blocks_disk(tmp_path / n, model) for n, model in models.items()}
    disks["01a0"] = Disk(tracks_disk(tmp_path / "01a0", "3380").image, "3380")
    files = {"/tmp/blocks": bytes(range(256)) * 48}  # noqa: S108 - in the guest
    run = run_guest(Guest(software, disks, FORMAT + USE, files=files))
    run.succeeded("dasdfmt", "write", "read", "same")
    assert errors(run.told("dmesg")) == []
    said = {number: run.told(number)[0] for number in disks}
    assert said["01a0"] == "3880/05"
    per_track = {"3380": 10, "3390": 12, "9345": 9}
    identity = {
        "3380": "3380/02 3990/c2",
        "3390": "3390/02 3990/c2",
        "9345": "9345/04 9343/e0",
        "3370-A1": "3370/00 3880/01",
        "3370-A2": "3370/04 3880/01",
        "9336-10": "9336/00 6310/01",
        "9336-25": "9336/10 6310/01",
    }
    for number, kind in kinds.items():
        sectors = CYLINDERS * 15 * per_track[kind] * 8
        assert said[number].startswith(f"{identity[kind]} {sectors} "), run.console
        assert "(ECKD)" in said[number]
    for number, model in models.items():
        sectors = fba_blocks(model)[1]
        assert said[number].startswith(f"{identity[model]} {sectors} "), run.console
        assert "(FBA" in said[number]
