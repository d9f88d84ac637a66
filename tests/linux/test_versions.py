"""A newer QEMU than the one on PATH, as Debian packages it."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.debian import Apt, SoftwareError
from examples.linux.software import Software, default_cache, unpacked
from tests.cli.in_process import ccw_actors
from tests.kernel.emulators.disk import VERSIONS, saved_record
from tests.linux.harness import Disk, Guest, run_guest

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]

PACKAGES = ("qemu-system-s390x", "qemu-system-common", "qemu-system-data")
LIBRARIES = "usr/lib/x86_64-linux-gnu"


@pytest.fixture(scope="session")
def newer_qemu(software: Software) -> Path:
    """Return a QEMU from Debian's backports, unpacked and not installed."""
    assert software.kernel.exists()
    release = platform.freedesktop_os_release().get("VERSION_CODENAME")
    folder = default_cache() / "qemu"
    try:
        apt = Apt(folder / "apt", "amd64", also=("-backports",))
        debs = apt.fetch([f"{name}/{release}-backports" for name in PACKAGES])
        root = unpacked(folder, debs)
    except SoftwareError as error:
        pytest.skip(f"Debian's backports have no QEMU for {release}: {error}")
    program = root / "usr/bin/qemu-system-s390x"
    environment = os.environ | {"LD_LIBRARY_PATH": str(root / LIBRARIES)}
    said = subprocess.run(
        [program, "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        pytest.skip(f"it lacks a library: {said.stderr.splitlines()[0]}")
    return program


def test_a_newer_qemu(
    software: Software,
    formatted: MakeDisk,
    newer_qemu: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux on a newer QEMU finds its file system, reads it, and writes to it."""
    script = """
        online 0190
        try e2fsck e2fsck -fn /dev/$part
        try mount mount -t ext4 /dev/$part /mnt
        try copy cp /mnt/random /mnt/again
        try unmount umount /mnt
        forget
        try mount mount -t ext4 /dev/$part /mnt
        try same cmp /mnt/random /mnt/again
        try unmount umount /mnt
        offline 0190
    """
    libraries = newer_qemu.parents[2] / LIBRARIES
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    disk = formatted()
    run = run_guest(Guest(software, {"0190": disk}, script, binary=newer_qemu))
    run.succeeded("e2fsck", "same", "offline-0190")


def test_its_own_faults(newer_qemu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer QEMU does to our guest, step by step, what its records say."""
    if shutil.which("s390x-linux-gnu-gcc") is None:
        pytest.skip("apt-get install gcc-s390x-linux-gnu: there is no cross compiler")
    libraries = newer_qemu.parents[2] / LIBRARIES
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    ended = ccw_actors("qemu", "test", "--qemu", newer_qemu, "--json")
    assert ended.status == 1, ended.err
    for one in json.loads(ended.out):
        version = ".".join(one["target"]["version"].split(".")[:2])
        if version not in VERSIONS:
            pytest.skip(f"there are no records of {version}")
        saved = saved_record(version, one["scenario"])
        found = (one["outcome"], one["evidence"], one["steps"])
        assert found == (saved.outcome, [*saved.evidence], [*saved.steps])
