"""Fixtures of every test with a guest: the software, and a formatted disk."""

import fcntl
import os
import platform
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from examples.linux.software import Software, SoftwareError, default_cache, prepare
from tests.linux.harness import Disk, Guest, run_guest

CYLINDERS = 10
FORMAT = """
online 0190
try dasdfmt dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full /dev/$disk
partition $disk
try mkfs mkfs.ext4 -q /dev/$part
try mount mount -t ext4 /dev/$part /mnt
try fill dd if=/dev/urandom of=/mnt/random bs=64k count=32
try unmount umount /mnt
offline 0190
"""


@pytest.fixture(scope="session")
def software() -> Software:
    """Debian's kernel and tools for s390x, prepared once for all processes."""
    if platform.machine() != "x86_64":
        pytest.skip(f"emulated guests are for x86_64, this is {platform.machine()}")
    if shutil.which("qemu-system-s390x") is None:
        pytest.skip("apt-get install qemu-system-misc: there is no qemu-system-s390x")
    try:
        return prepare(default_cache())
    except SoftwareError as error:
        pytest.skip(f"the guests' software is not available: {error}")


@pytest.fixture
def new_disk(tmp_path: Path) -> Callable[..., Disk]:
    """Return a function that makes an empty 3390."""

    def make(name: str = "disk.img", cylinders: int = CYLINDERS) -> Disk:
        image = tmp_path / name
        create_tracks(image, ckd_volume(ckd_type("3390")[0], cylinders), "EMPTY1")
        return Disk(image)

    return make


@pytest.fixture(scope="session")
def formatted_image(
    software: Software, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a 3390 that Linux has formatted, once for all processes."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    image = shared / "formatted.img"
    with _locked(shared / "formatted.lock"):
        if not image.exists():
            new = shared / "new.img"
            volume = ckd_volume(ckd_type("3390")[0], CYLINDERS)
            create_tracks(new, volume, "EMPTY1", replace=True)
            run = run_guest(Guest(software, {"0190": Disk(new)}, FORMAT))
            run.succeeded("dasdfmt", "fdasd", "mkfs", "unmount", "offline-0190")
            new.rename(image)
    return image


@pytest.fixture
def formatted(formatted_image: Path, tmp_path: Path) -> Callable[..., Disk]:
    """Return a function that copies it: CDL, blocks of 4096, one partition, an ext4."""

    def make(name: str = "formatted.img") -> Disk:
        shutil.copyfile(formatted_image, tmp_path / name)
        return Disk(tmp_path / name)

    return make


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
