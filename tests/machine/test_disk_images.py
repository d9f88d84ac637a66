"""Disks of a machine: which writes reach the image file, when, and its kinds."""

import asyncio
import errno
import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.actors import Cpu, FileVolume
from ccw_actors.actors.hardware.image import (
    add_shadow,
    create_blocks,
    create_tracks,
    journal_path,
    open_image,
)
from ccw_actors.actors.protocol import (
    DescribeVolume,
    ReadTrack,
    TrackFailed,
    TrackRead,
    TrackWritten,
    VolumeDescribed,
    WriteTrack,
)
from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.errors import ActorFailedError, MachineFileError, ProgramError
from ccw_actors.machine import (
    DeviceNumber,
    GuestConfiguration,
    GuestProgram,
    HostDevice,
    Machine,
    PassedThrough,
    RunResult,
    StorageSize,
    load_machine,
    run_machine,
)
from ccw_actors.machine._channel_program import Give, Take
from ccw_actors.machine.guest_os import find_devices
from ccw_actors.machine.programs import read_volume
from ccw_actors.runtime import Restart, System
from tests.actors.images import VOLUME, die_here, filled, new_image
from tests.machine.contents import ALICE, unpack
from tests.machine.guest_programs import as_coroutine, write_record

IMAGES = Path(__file__).parents[1] / "data" / "images"
HOST = DeviceNumber(0x150)
MACHINE = """\
[[device]]
number = "0.0.0150"
type = "3390"
image = "{image}"
{options}

[[guest]]
name = "subject"
storage = "1 MiB"
program = "ccw_actors.machine.programs:read_volume"

[[guest.device]]
number = "0.0.0190"
host = "0.0.0150"
"""


def golden(name: str, folder: Path) -> Path:
    """Unpack a golden image."""
    path = folder / f"{name}.img"
    path.write_bytes(gzip.decompress((IMAGES / f"{name}.img.gz").read_bytes()))
    return path


def run(
    device: HostDevice, program: Callable[..., Any], **arguments: object
) -> RunResult:
    """Run a machine with one guest that has one device."""
    guest = GuestConfiguration(
        "subject",
        StorageSize(1 << 20),
        GuestProgram(program),
        dict(arguments),
        (PassedThrough(DeviceNumber(0x190), HOST),),
    )
    return asyncio.run(run_machine(Machine((device,), (guest,))))


# -- sync ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sync"), [("", False), ("sync = true", True), ("sync = false", False)]
)
def test_sync_in_the_machine_file(tmp_path: Path, options: str, *, sync: bool) -> None:
    """A device syncs if its table says so, and only then."""
    unpack(ALICE, tmp_path).rename(tmp_path / "one.img")
    file = tmp_path / "machine.toml"
    file.write_text(MACHINE.format(image="one.img", options=options))
    assert load_machine(file).devices[0].sync is sync


@pytest.mark.parametrize(
    ("unit", "identity"), [("", "3990c2"), ("3990-6", "3990e9"), ("2107", "2107e8")]
)
def test_control_unit_in_the_machine_file(
    tmp_path: Path, unit: str, identity: str
) -> None:
    """A disk is behind the control unit that its table names, and guests see it."""
    unpack(ALICE, tmp_path).rename(tmp_path / "one.img")
    file = tmp_path / "machine.toml"
    options = f'control_unit = "{unit}"' if unit else ""
    file.write_text(MACHINE.format(image="one.img", options=options))
    report = run(load_machine(file).devices[0], as_coroutine)
    assert report.finished
    answer = report.guests["subject"].result
    assert isinstance(answer, bytes)
    assert answer[1:4].hex() == identity


def test_unknown_control_unit_in_the_machine_file(tmp_path: Path) -> None:
    """The error names the image, the wrong value and the possible ones."""
    image = unpack(ALICE, tmp_path)
    device = HostDevice(HOST, "3390", image, control_unit="3880")
    error = run(device, read_volume).guests["subject"].error
    assert error is not None
    assert f"{image.name}: a 3390 cannot be behind the control unit '3880'" in error
    assert "expected one of 3990-2, 3990-6, 2107" in error


@pytest.mark.parametrize("sync", [True, False])
def test_guests_write_down_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sync: bool
) -> None:
    """With `sync`, a guest's write makes the host write to its disk."""
    image = unpack(ALICE, tmp_path)
    synced: list[str] = []
    fdatasync = os.fdatasync

    def noted(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", noted)
    device = HostDevice(HOST, "3390", image, sync=sync)
    assert run(device, write_record, data="written by a guest").finished
    assert synced == ([f"{image.name}.journal", image.name] if sync else [])
    assert list(tmp_path.iterdir()) == [image]


@pytest.mark.asyncio
async def test_written_means_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `sync`, a write is not answered before the host's disk has it."""
    path = new_image(tmp_path)
    begun, go = threading.Event(), threading.Event()
    fdatasync = os.fdatasync

    def held(fd: int) -> None:
        if Path(f"/proc/self/fd/{fd}").readlink() == path:
            begun.set()
            assert go.wait(10)
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", held)
    async with System() as system:
        volume = system.spawn_thread(FileVolume(path, read_only=False, sync=True), "v")
        await volume.ask(DescribeVolume())
        answer = asyncio.ensure_future(volume.ask(WriteTrack(1, 7, filled(7, 1))))
        assert await asyncio.to_thread(begun.wait, 10)
        assert not answer.done()
        go.set()
        assert await answer == TrackWritten(1)


# -- the volume of a device ----------------------------------------------------------


@pytest.mark.asyncio
async def test_file_volume_answers_for_its_image(tmp_path: Path) -> None:
    """A volume describes itself, reads and writes, and reports errors."""
    path = new_image(tmp_path)
    async with System() as system:
        volume = system.spawn_thread(FileVolume(path, read_only=False), "volume")
        assert await volume.ask(DescribeVolume()) == VolumeDescribed(VOLUME)
        assert await volume.ask(WriteTrack(1, 7, filled(7, 1))) == TrackWritten(1)
        assert await volume.ask(ReadTrack(2, 7)) == TrackRead(2, filled(7, 1))
        failed = await volume.ask(ReadTrack(3, 40))
        assert isinstance(failed, TrackFailed)
        assert failed.reason.startswith(f"{path}: the volume has no track 40")
    assert not journal_path(path).exists()
    file = open_image(path, read_only=True)
    assert file.read(7) == filled(7, 1)
    file.close()


@pytest.mark.asyncio
async def test_volume_whose_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed write is answered as failed; reads, and later writes, succeed."""
    path = new_image(tmp_path)
    before = path.read_bytes()
    pwrite = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        if Path(f"/proc/self/fd/{fd}").readlink() != path or len(data) < 4096:
            return pwrite(fd, data, offset)
        if offset % 4096:
            pwrite(fd, bytes(data)[:1500], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with System() as system:
        volume = system.spawn_thread(FileVolume(path, read_only=False), "volume")
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            answer = await volume.ask(WriteTrack(1, 7, filled(7, 1)))
            assert answer == TrackFailed(
                1, f"{path}: [Errno 28] No space left on device"
            )
            for track in (7, 8):
                read = await volume.ask(ReadTrack(2, track))
                assert isinstance(read, TrackRead)
        assert path.read_bytes() == before
        assert await volume.ask(WriteTrack(3, 8, filled(8, 1))) == TrackWritten(3)
    assert not journal_path(path).exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_guest_of_an_image_with_half_a_write(
    tmp_path: Path, *, read_only: bool
) -> None:
    """The volume is as before: on the disk, or in memory if it is read-only."""
    image = unpack(ALICE, tmp_path)
    before = image.read_bytes()
    die_here(image, (0, b"\xee" * 56832), cut=30_000)
    torn = image.read_bytes()
    assert torn != before
    report = run(HostDevice(HOST, "3390", image, read_only=read_only), read_volume)
    assert report.guests["subject"].error is None
    assert image.read_bytes() == (torn if read_only else before)
    assert journal_path(image).exists() == read_only


@pytest.mark.asyncio
async def test_file_volume_of_blocks(tmp_path: Path) -> None:
    """A volume of blocks is described by its blocks and groups."""
    path = golden("fba0671", tmp_path)
    async with System() as system:
        volume = system.spawn_thread(
            FileVolume(path, read_only=True, device_type="0671"), "volume"
        )
        described = await volume.ask(DescribeVolume())
        assert described == VolumeDescribed(BlockGeometry("0671", 600, 120))
        read = await volume.ask(ReadTrack(1, 0))
        assert isinstance(read, TrackRead)
        assert read.data[5120:5130].decode("cp037") == "BLOCK00010"


@pytest.mark.asyncio
async def test_second_volume_of_an_image_is_refused(tmp_path: Path) -> None:
    """Only one writer has an image, in one process or in two."""
    path = new_image(tmp_path)
    async with System() as system:
        first, second = (
            system.spawn_thread(FileVolume(path, read_only=False), name)
            for name in ("first", "second")
        )
        await first.ask(DescribeVolume())
        with pytest.raises(ActorFailedError, match="in use elsewhere"):
            await second.ask(DescribeVolume())


@pytest.mark.asyncio
async def test_volume_that_failed_lets_go_of_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume that restarts after a failure opens its image again."""
    path = new_image(tmp_path)

    def make() -> FileVolume:
        return FileVolume(path, read_only=False)

    def fail(_fd: int, _length: int, _offset: int) -> bytes:
        raise RuntimeError("a defect")

    async with System() as system:
        volume = system.spawn_thread(make, "volume", supervision=Restart())
        await volume.ask(DescribeVolume())
        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", fail)
            with pytest.raises(ActorFailedError, match="a defect"):
                await volume.ask(ReadTrack(1, 7))
        assert isinstance(await volume.ask(ReadTrack(2, 7)), TrackRead)


def test_guest_reads_a_compressed_volume(tmp_path: Path) -> None:
    """A compressed image is a volume like any other, also to write."""
    packed = golden("cckd3390", tmp_path)
    for read_only in (True, False):
        device = HostDevice(HOST, "3390", packed, read_only=read_only)
        report = run(device, read_volume).guests["subject"]
        assert report.error is None
        assert report.volser == "ORCZ90"
        assert Geometry("3390", 3, 15, 56832).tracks <= report.ios


@pytest.mark.parametrize("shadow", ["", "disk_*.img"])
def test_guest_writes_a_compressed_volume(tmp_path: Path, shadow: str) -> None:
    """Blocks go to the image; or to its topmost shadow file, and the base stays."""
    image = tmp_path / "disk.img"
    create_blocks(image, "3370", 1000, "BLOCKS", compression=1)
    if shadow:
        add_shadow(image, shadow, device_type="3370")
    before = image.read_bytes()
    device = HostDevice(HOST, "3370", image, shadow=shadow)
    report = run(device, double_block, number=1)
    assert report.guests["subject"].error is None
    file = open_image(image, device_type="3370", read_only=True, shadow=shadow)
    start = file.read(0)
    file.close()
    label = VolumeLabel("BLOCKS").to_blocks()[512:]
    assert start[512:1536] == label * 2
    assert (image.read_bytes() == before) == bool(shadow)


def test_shadow_files_of_a_machine_file(tmp_path: Path) -> None:
    """The key is the name of the files; two devices may share the image below."""
    image = tmp_path / "one.img"
    volume = ckd_volume(ckd_type("3390")[0], 2)
    create_tracks(image, volume, "SHARED", compression=1)
    text = MACHINE.format(image="one.img", options='shadow = "a_*.img"')
    second = '[[device]]\nnumber = "0191"\ntype = "3390"\nimage = "one.img"\n'
    file = tmp_path / "machine.toml"
    file.write_text(text + second + 'shadow = "b_*.img"\n')
    machine = load_machine(file)
    assert [one.shadow for one in machine.devices] == ["a_*.img", "b_*.img"]
    file.write_text(text.replace("one.img", "one.img.gz"))
    image.rename(tmp_path / "one.img.gz")
    with pytest.raises(MachineFileError, match=r"device\[0\].shadow: .* not gzipped"):
        load_machine(file)


async def double_block(cpu: Cpu, number: int) -> bytes:
    """Read a block of a fixed-block disk, and write it over the one after it."""
    (disk,) = await find_devices(cpu)
    extent = bytes([0xC0]) + bytes(7) + bytes(4) + (999).to_bytes(4)
    place = bytes([6, 0, 0, 1]) + number.to_bytes(4)
    read = await disk.run(Give(0x63, extent), Give(0x43, place), Take(0x42, 512))
    place = bytes([1, 0, 0, 1]) + (number + 1).to_bytes(4)
    put = Give(0x41, read.data)
    written = await disk.run(Give(0x63, extent), Give(0x43, place), put)
    if not (read.normal and written.normal):
        raise ProgramError(f"{disk}: {read}, {written}")
    return read.data


def test_guest_uses_a_volume_of_blocks(tmp_path: Path) -> None:
    """Blocks go from the image to the guest and back, and no other block changes."""
    image = golden("fba3370", tmp_path)
    before = image.read_bytes()
    report = run(HostDevice(HOST, "3370", image), double_block, number=10)
    assert report.guests["subject"].error is None
    block = before[10 * 512 : 11 * 512]
    assert report.guests["subject"].result == block
    assert image.read_bytes() == before[: 11 * 512] + block + before[12 * 512 :]


def test_image_in_use_stops_the_guest(tmp_path: Path) -> None:
    """A machine whose image another process writes says so."""
    image = unpack(ALICE, tmp_path)
    file = open_image(image, read_only=False)
    report = run(HostDevice(HOST, "3390", image), read_volume).guests["subject"]
    file.close()
    assert report.error is not None
    assert report.error.startswith(f"device 0.0.0190: {image}: ")
    assert "in use elsewhere" in report.error
