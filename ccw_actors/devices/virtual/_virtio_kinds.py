"""Kinds of virtio devices: the features of each, and its configuration space.

Features are those that QEMU 7.2 offers by default; bit 0 is the least significant one.
Source: Virtual I/O Device specification, chapter "Device Types"; QEMU hw/virtio,
hw/block/virtio-blk.c, hw/net/virtio-net.c, hw/char/virtio-serial-bus.c.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ccw_actors.devices._model import DeviceConfiguration
from ccw_actors.devices.volume_geometry import BlockGeometry

__all__ = ["KINDS", "Kind"]

_COMMON: Final = 0x101_3900_0000
_SECTORS_MAX: Final = 0x3F_FFFF
_HEADS, _SECTORS = 16, 63
_CYLINDERS_MIN, _CYLINDERS_MAX = 2, 16383
_NET_UP: Final = 1
_SERIAL_PORTS: Final = 31

Field = tuple[int, int]


class Kind(Struct, frozen=True):
    """One kind of device.

    `number` is its virtio device id. `queues` has the size of each virtqueue.
    `fields` makes the configuration space: pairs (value, length in bytes), numbers in
    the byte order of the revision; a MAC address is given as single bytes.
    """

    number: int
    features: int
    queues: tuple[int, ...]
    fields: Callable[[DeviceConfiguration], tuple[Field, ...]]


def _nothing(_configuration: DeviceConfiguration) -> tuple[Field, ...]:
    return ()


def _block(configuration: DeviceConfiguration) -> tuple[Field, ...]:
    geometry = configuration.geometry
    blocks = geometry.blocks if isinstance(geometry, BlockGeometry) else 0
    cylinders = blocks // (_HEADS * _SECTORS)
    cylinders = max(_CYLINDERS_MIN, min(cylinders, _CYLINDERS_MAX))
    shape = (blocks, 8), (0, 4), (254, 4), (cylinders, 2), (_HEADS, 1), (_SECTORS, 1)
    topology = (512, 4), (0, 1), (0, 1), (0, 2), (0, 4)
    cache = (1, 1), (0, 1), (1, 2)
    discard = (_SECTORS_MAX, 4), (1, 4), (1, 4)
    zeroes = (_SECTORS_MAX, 4), (1, 4), (1, 1), (0, 3)
    return (*shape, *topology, *cache, *discard, *zeroes)


def _net(configuration: DeviceConfiguration) -> tuple[Field, ...]:
    mac = dict(configuration.options).get("mac", "52:54:00:12:34:56")
    address = tuple((int(part, 16), 1) for part in mac.split(":"))
    return (*address, (_NET_UP, 2))


def _serial(_configuration: DeviceConfiguration) -> tuple[Field, ...]:
    return (0, 2), (0, 2), (_SERIAL_PORTS, 4), (0, 4)


KINDS: Final = {
    "virtio-net": Kind(1, _COMMON | 0x00BF_8064, (256, 256, 64), _net),
    "virtio-blk": Kind(2, _COMMON | 0x0000_6E54, (256,), _block),
    "virtio-serial": Kind(
        3,
        _COMMON | 0x0000_0006,
        (128, 128, 32, 32, *(128,) * (2 * _SERIAL_PORTS - 2)),
        _serial,
    ),
    "virtio-rng": Kind(4, _COMMON, (8,), _nothing),
}
