"""A partitioned dataset unloaded as IEBCOPY does it, for dasdload to load.

Two header records say where it was, then come its blocks, each with twelve bytes of
place and lengths; blocks without data end the directory and the members.
"""

import struct
from collections.abc import Mapping

__all__ = ["unloaded"]

CARDS_IN_BLOCK = 10
CARD = 80
BLOCKS_ON_TRACK = 40
TRACKS = 15
_HEADER = bytes.fromhex("00ca6d0f")
_DEVICE = bytes.fromhex("3010200f")
_PARTITIONED = 0x0200
_FIXED_BLOCKED = 0x90


def unloaded(members: Mapping[str, str]) -> bytes:
    """Unload members, whose text is cards of 80 characters without line ends."""
    block_size = CARDS_IN_BLOCK * CARD
    shape = struct.pack(
        ">HHHBBBBH", _PARTITIONED, block_size, CARD, _FIXED_BLOCKED, 0, 0, 0, 3120
    )
    device = _DEVICE + struct.pack(">IHHHHBBH", 32760, 1113, 15, 58786, 0, 0, 0x30, 0)
    extent = bytes(4) + struct.pack(">HHHHHH", 0, 0, 0, 0, TRACKS - 1, TRACKS)
    first = (_HEADER + shape + device).ljust(56, b"\0")
    second = (b"\1".ljust(16, b"\0") + extent).ljust(276, b"\0")
    contents, entries, number = b"", b"", BLOCKS_ON_TRACK
    for name, text in members.items():
        track, record = divmod(number, BLOCKS_ON_TRACK)
        entries += name.ljust(8).encode("cp037")
        entries += struct.pack(">HBB", track, record + 1, 0)
        data = text.encode("cp037")
        for at in range(0, len(data) + block_size, block_size):
            track, record = divmod(number, BLOCKS_ON_TRACK)
            contents += _block(track, record + 1, b"", data[at : at + block_size])
            number += 1
    entries += b"\xff" * 8 + bytes(4)
    directory = ((2 + len(entries)).to_bytes(2) + entries).ljust(256, b"\0")
    blocks = _block(0, 1, b"\xff" * 8, directory) + _block(0, 0, b"", b"")
    return first + second + blocks + contents


def _block(track: int, record: int, key: bytes, data: bytes) -> bytes:
    place = struct.pack(">HHBBH", 0, track, record, len(key), len(data))
    return bytes(4) + place + key + data
