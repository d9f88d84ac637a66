"""The disk model ends channel programs as real Hercules did."""

from collections.abc import Iterator
from typing import Any

import pytest

from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.devices.eckd._commands import COMMANDS
from tests.devices import golden
from tests.devices.chain_runner import Disk, Ending, play

STORAGE_SIZE = 0x80000
NEVER_A_COMMAND = {0x13, 0x3B, 0x42, 0x4B, 0xFF}
"""Commands that a 3390 of Hercules rejects as invalid, as ours does."""


def storage_of(vector: dict[str, Any]) -> bytearray:
    """Lay out storage as it was before the program."""
    storage = bytearray(STORAGE_SIZE)
    for address, content in vector["storage"].items():
        start, raw = int(address, 16), bytes.fromhex(content)
        storage[start : start + len(raw)] = raw
    return storage


def programs(vector: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    """Yield the flags of the ORB and the CCWs of every program started."""
    storage = storage_of(vector)
    for instruction in vector["instructions"]:
        if instruction["op"] != "SSCH":
            continue
        orb = int(instruction["addr"], 16)
        cpa = first = int.from_bytes(storage[orb + 8 : orb + 12])
        while storage[cpa] == 0x08 or storage[cpa + 1] & 0xC0:
            cpa += 8
        yield storage[orb + 5], bytes(storage[first : cpa + 8])


def is_playable(vector: dict[str, Any]) -> bool:
    """Return whether the runner and the model support all that a vector uses.

    They do not support format-0 CCWs, data chaining, SKIP, IDAWs and storage that does
    not exist; the channel has its own tests for these.
    """
    known = {0x08, *COMMANDS, *NEVER_A_COMMAND}
    if {step["op"] for step in vector["instructions"]} - {"MSCH", "SSCH", "TSCHPOLL"}:
        return False
    return all(
        flags & 0x80
        and program[0] != 0x08
        and all(
            program[at] in known
            and not program[at + 1] & ~0x60
            and int.from_bytes(program[at + 4 : at + 8]) < STORAGE_SIZE
            for at in range(0, len(program), 8)
        )
        for flags, program in programs(vector)
    )


def disk_of(vector: dict[str, Any]) -> Disk:
    """Return the device of a vector; compressed images have the same records."""
    (device,) = vector["setup"]["devices"]
    name = device["image"].removesuffix(".img").replace("cckd", "ckd")
    devno = int(device["devno"], 16)
    configuration = DeviceConfiguration(
        device["type"], golden.volume(name), devno=devno
    )
    return Disk(device_model(configuration), dict(golden.tracks(name)))


def play_all(
    vector: dict[str, Any], disk: Disk
) -> tuple[list[Ending], list[Ending], bytearray]:
    """Play all programs; return the endings, those expected, and storage."""
    storage = storage_of(vector)
    endings: list[Ending] = []
    expected: list[Ending] = []
    for instruction, observed in zip(
        vector["instructions"], vector["observed"], strict=True
    ):
        if instruction["op"] == "SSCH":
            orb = int(instruction["addr"], 16)
            cpa = int.from_bytes(storage[orb + 8 : orb + 12])
            endings.append(play(disk, storage, cpa))
        elif instruction["op"] == "TSCHPOLL":
            irb = bytes.fromhex(observed["irb"])
            cpa, residual = int.from_bytes(irb[4:8]), int.from_bytes(irb[10:12])
            expected.append(Ending(cpa, irb[8], irb[9], residual))
    return endings, expected, storage


PLAYABLE = [vector for vector in golden.vectors() if is_playable(vector)]
UNMARKED = [vector for vector in PLAYABLE if not vector["deviation"]]
MARKED = [vector for vector in PLAYABLE if vector["deviation"]]


@pytest.mark.parametrize("vector", UNMARKED, ids=lambda vector: vector["name"])
def test_program_ends_as_on_hercules(vector: dict[str, Any]) -> None:
    """Address, statuses, residual count and all of storage are those of Hercules."""
    endings, expected, storage = play_all(vector, disk_of(vector))
    assert endings == expected
    after = storage_of(vector)
    for address, content in vector["storage_after"].items():
        start, raw = int(address, 16), bytes.fromhex(content)
        after[start : start + len(raw)] = raw
    assert storage == after


@pytest.mark.parametrize(
    "vector",
    [vector for vector in MARKED if "write-update" in vector["name"]],
    ids=lambda vector: vector["name"],
)
def test_write_needs_no_transfer_length(vector: dict[str, Any]) -> None:
    """Where Hercules reports an invalid track format, the record's length is used."""
    disk = disk_of(vector)
    before = dict(disk.tracks)
    endings, expected, _ = play_all(vector, disk)
    assert expected[0].device_status == 0x0E
    assert endings[0].device_status == 0x0C
    assert disk.tracks != before


def test_update_obeys_the_file_mask() -> None:
    """Where Hercules writes although the mask inhibits it, the write is refused."""
    (vector,) = [v for v in MARKED if v["name"] == "w-filemask-40-update-tlf"]
    disk = disk_of(vector)
    before = dict(disk.tracks)
    endings, expected, _ = play_all(vector, disk)
    assert (expected[0].device_status, endings[0].device_status) == (0x0C, 0x0E)
    assert endings[0].cpa == expected[0].cpa
    assert disk.tracks == before


def test_enough_programs_are_played() -> None:
    """The selection has not silently lost golden programs."""
    disks = [v for v in UNMARKED if v["category"] in {"eckd", "ckd-legacy"}]
    assert len(disks) >= 112
