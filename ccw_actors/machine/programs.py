"""Guest programs that come with the package."""

import hashlib
from typing import TypedDict

from ccw_actors.actors import BlockingCpu, Cpu
from ccw_actors.channel import bus_id
from ccw_actors.errors import ProgramError
from ccw_actors.machine._config import DeviceNumber
from ccw_actors.machine._disk import RECORDS_MAX, Disk
from ccw_actors.machine.guest_os import find_devices, need_storage

__all__ = ["VolumeContents", "read_volume", "read_volume_blocking"]


class VolumeContents(TypedDict):
    """The result of `read_volume`: the volume serial, and a digest of all records.

    `bytes` is the length of their data and `sha256` the digest (hexadecimal), track by
    track in the order of record numbers, without R0.
    """

    volser: str
    records: int
    bytes: int
    sha256: str


async def read_volume(cpu: Cpu, device: str | int | None = None) -> VolumeContents:
    """Find the disks of the guest and read one volume, every record of it.

    Args:
        cpu: The CPU that the program runs on.
        device: The guest's number of the disk to read, such as "0.0.0190"; None for
            the disk of the lowest subchannel.

    Raises:
        ProgramError: There is no such disk, no volume label, too little storage, or
            the disk reported an error.
    """
    await need_storage(cpu)
    disk = await _find_disk(cpu, device)
    volser = await disk.volume_serial()
    shape = await disk.shape()
    digest = hashlib.sha256()
    records = size = 0
    for track in range(shape.cylinders * shape.heads):
        for data in await _records(disk, *divmod(track, shape.heads)):
            digest.update(data)
            size += len(data)
            records += 1
    return {
        "volser": volser,
        "records": records,
        "bytes": size,
        "sha256": digest.hexdigest(),
    }


async def _records(disk: Disk, cylinder: int, head: int) -> list[bytes]:
    """Read the data of all records of a track except R0."""
    found: list[bytes] = []
    for record in range(1, RECORDS_MAX + 1):
        data = await disk.record(cylinder, head, record)
        if data is None:
            break
        found.append(data)
    return found


def read_volume_blocking(
    cpu: BlockingCpu, device: str | int | None = None
) -> VolumeContents:
    """Do what `read_volume` does, on its own thread."""
    return cpu.run(read_volume, device)


async def _find_disk(cpu: Cpu, device: str | int | None) -> Disk:
    number = None if device is None else DeviceNumber.read(device)
    found = await find_devices(cpu)
    for one in found:
        if number in (None, one.number) and (disk := await Disk.at(one)):
            return disk
    wanted = "a 3390" if number is None else f"a 3390 at {number}"
    there = ", ".join(bus_id(one.number) for one in found) or "none"
    raise ProgramError(f"expected {wanted}; devices of this guest: {there}")
