"""VFIO's ioctls and their structures, as values; native byte order, as in the kernel.

A structure starts with `argsz`, the number of its bytes that the caller knows. If
`argsz` is less than an ioctl needs, the ioctl ends in EINVAL.

Source: Linux include/uapi/linux/vfio.h.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

__all__ = [
    "API_VERSION",
    "ARGUMENT_SIZE",
    "DEVICE_INFO_SIZE",
    "DMA_CC_IOMMU",
    "EVENT_SOURCES",
    "FEATURE_SIZE",
    "GROUP_STATUS_SIZE",
    "IOMMU_INFO_SIZE",
    "IRQ_INFO_SIZE",
    "IRQ_SET_SIZE",
    "MAP_SIZE",
    "REGION_INFO_CAPS_SIZE",
    "REGION_INFO_SIZE",
    "UNMAP_SIZE",
    "DmaFlag",
    "DmaMap",
    "DmaUnmap",
    "EventSource",
    "Extension",
    "Ioctl",
    "IrqFlag",
    "IrqSet",
    "device_info",
    "group_status",
    "iommu_info",
    "irq_info",
    "is_feature",
    "region_info",
    "request_of",
]

API_VERSION: Final = 0
_BASE: Final = ord(";") << 8 | 100


class Ioctl(IntEnum):
    """The number of an ioctl, which several kinds of descriptors may share."""

    GET_API_VERSION = 0
    CHECK_EXTENSION = 1
    SET_IOMMU = 2
    GROUP_GET_STATUS = 3
    GROUP_SET_CONTAINER = 4
    GROUP_UNSET_CONTAINER = 5
    GROUP_GET_DEVICE_FD = 6
    DEVICE_GET_INFO = 7
    DEVICE_GET_REGION_INFO = 8
    DEVICE_GET_IRQ_INFO = 9
    DEVICE_SET_IRQS = 10
    DEVICE_RESET = 11
    IOMMU_GET_INFO = 12
    IOMMU_MAP_DMA = 13
    IOMMU_UNMAP_DMA = 14
    DEVICE_FEATURE = 17


def request_of(ioctl: Ioctl) -> int:
    """Return the request number of an ioctl: the second argument of ioctl(2)."""
    return _BASE + ioctl


class Extension(IntEnum):
    """The extensions that a container has."""

    TYPE1_IOMMU = 1
    TYPE1V2_IOMMU = 3
    UNMAP_ALL = 9


DMA_CC_IOMMU: Final = 4
"""An extension that a container has once it has an IOMMU: all DMA is coherent."""


class EventSource(IntEnum):
    """The interrupts of a vfio-ccw device. Source: VFIO_CCW_*_IRQ_INDEX."""

    IO = 0
    CRW = 1
    REQUEST = 2


EVENT_SOURCES: Final = len(EventSource)

_GROUP_STATUS = struct.Struct("=II")
GROUP_STATUS_SIZE: Final = _GROUP_STATUS.size
_GROUP_VIABLE, _GROUP_HAS_CONTAINER = 1, 2

_DEVICE_INFO = struct.Struct("=IIII")
DEVICE_INFO_SIZE: Final = _DEVICE_INFO.size
_DEVICE_RESET, _DEVICE_CCW = 1 << 0, 1 << 4

_REGION_INFO = struct.Struct("=IIIIQQ")
REGION_INFO_SIZE: Final = _REGION_INFO.size
_REGION_TYPE = struct.Struct("=HHIII")
REGION_INFO_CAPS_SIZE: Final = REGION_INFO_SIZE + _REGION_TYPE.size
_REGION_CAPS: Final = 1 << 3
_CAP_TYPE, _CAP_VERSION = 2, 1
_TYPE_CCW: Final = 2

_IRQ_INFO = struct.Struct("=IIII")
IRQ_INFO_SIZE: Final = _IRQ_INFO.size
_IRQ_EVENTFD: Final = 1

_IRQ_SET = struct.Struct("=IIIII")
IRQ_SET_SIZE: Final = _IRQ_SET.size

_IOMMU_INFO = struct.Struct("=IIQ")
IOMMU_INFO_SIZE: Final = _IOMMU_INFO.size
_IOMMU_PAGE_SIZES: Final = 1

_MAP = struct.Struct("=IIQQQ")
MAP_SIZE: Final = _MAP.size
_UNMAP = struct.Struct("=IIQQ")
UNMAP_SIZE: Final = _UNMAP.size


_FEATURE = struct.Struct("=II")
FEATURE_SIZE: Final = _FEATURE.size
_FEATURE_GET, _FEATURE_SET, _FEATURE_PROBE = 1 << 16, 1 << 17, 1 << 18
_FEATURE_FLAGS: Final = _FEATURE_PROBE * 2 - 1


class IrqFlag(IntFlag):
    """Flags of an IRQ set: the kind of its data, and the action on an interrupt."""

    DATA_NONE = 1
    DATA_BOOL = 2
    DATA_EVENTFD = 4
    ACTION_MASK = 8
    ACTION_UNMASK = 16
    ACTION_TRIGGER = 32

    DATA = DATA_NONE | DATA_BOOL | DATA_EVENTFD
    ACTION = ACTION_MASK | ACTION_UNMASK | ACTION_TRIGGER


class DmaFlag(IntFlag):
    """Flags of MAP_DMA: the access of a device; and of UNMAP_DMA: `ALL` ranges."""

    READ = 1
    WRITE = 2
    VADDR = 4

    DIRTY_BITMAP = 1
    ALL = 2


ARGUMENT_SIZE: Final = {
    Ioctl.GROUP_GET_STATUS: GROUP_STATUS_SIZE,
    Ioctl.GROUP_SET_CONTAINER: 4,
    Ioctl.DEVICE_GET_INFO: DEVICE_INFO_SIZE,
    Ioctl.DEVICE_GET_REGION_INFO: REGION_INFO_SIZE,
    Ioctl.DEVICE_GET_IRQ_INFO: IRQ_INFO_SIZE,
    Ioctl.DEVICE_SET_IRQS: IRQ_SET_SIZE,
    Ioctl.IOMMU_GET_INFO: IOMMU_INFO_SIZE,
    Ioctl.IOMMU_MAP_DMA: MAP_SIZE,
    Ioctl.IOMMU_UNMAP_DMA: UNMAP_SIZE,
    Ioctl.DEVICE_FEATURE: FEATURE_SIZE,
}
"""The size in bytes of each ioctl's argument, if that is a pointer to a structure.

GROUP_GET_DEVICE_FD points to a name that ends in a zero byte. DEVICE_SET_IRQS has data
behind its structure.
"""


def group_status(argsz: int, *, has_container: bool) -> bytes:
    """Return the status of a viable group, with or without a container."""
    flags = _GROUP_VIABLE | (_GROUP_HAS_CONTAINER if has_container else 0)
    return _GROUP_STATUS.pack(argsz, flags)


def device_info(argsz: int, regions: int) -> bytes:
    """Describe a device of the channel subsystem that can be reset."""
    flags = _DEVICE_CCW | _DEVICE_RESET
    return _DEVICE_INFO.pack(argsz, flags, regions, EVENT_SOURCES)


def region_info(  # noqa: PLR0917 - as the kernel's structure has them
    argsz: int, index: int, subtype: int, flags: int, size: int, offset: int
) -> bytes:
    """Describe a region; a subtype is given in a capability behind the structure.

    If the caller's `argsz` is too small for that, the result has only the size needed
    in `argsz`.
    """
    if not subtype:
        return _REGION_INFO.pack(argsz, flags, index, 0, size, offset)
    flags |= _REGION_CAPS
    if argsz < REGION_INFO_CAPS_SIZE:
        return _REGION_INFO.pack(REGION_INFO_CAPS_SIZE, flags, index, 0, size, offset)
    info = _REGION_INFO.pack(argsz, flags, index, REGION_INFO_SIZE, size, offset)
    return info + _REGION_TYPE.pack(_CAP_TYPE, _CAP_VERSION, 0, _TYPE_CCW, subtype)


def irq_info(argsz: int, index: int) -> bytes:
    """Describe an interrupt: one, signalled by an eventfd."""
    return _IRQ_INFO.pack(argsz, _IRQ_EVENTFD, index, 1)


def is_feature(argument: bytes) -> bool:
    """Return whether a request for a device's feature is valid."""
    argsz, flags = _FEATURE.unpack(argument)
    both = _FEATURE_GET | _FEATURE_SET
    return (
        argsz >= FEATURE_SIZE
        and not flags & ~_FEATURE_FLAGS
        and (bool(flags & _FEATURE_PROBE) or flags & both != both)
    )


def iommu_info(argsz: int, page_size: int) -> bytes:
    """Describe an IOMMU that takes any whole pages."""
    page_sizes = (1 << 64) - page_size
    return _IOMMU_INFO.pack(argsz, _IOMMU_PAGE_SIZES, page_sizes)


class IrqSet(NamedTuple):
    """The head of struct vfio_irq_set: `number` interrupts of a `source`."""

    argsz: int
    flags: int
    source: int
    start: int
    number: int

    @classmethod
    def read(cls, raw: bytes) -> "IrqSet":
        """Read the first `IRQ_SET_SIZE` bytes."""
        return cls(*_IRQ_SET.unpack_from(raw))


class DmaMap(NamedTuple):
    """struct vfio_iommu_type1_dma_map: the memory at `vaddr` is reached at `iova`."""

    argsz: int
    flags: int
    vaddr: int
    iova: int
    size: int

    @classmethod
    def read(cls, raw: bytes) -> "DmaMap":
        """Read `MAP_SIZE` bytes."""
        return cls(*_MAP.unpack_from(raw))


class DmaUnmap(NamedTuple):
    """struct vfio_iommu_type1_dma_unmap; the answer's `size` is the bytes unmapped."""

    argsz: int
    flags: int
    iova: int
    size: int

    @classmethod
    def read(cls, raw: bytes) -> "DmaUnmap":
        """Read `UNMAP_SIZE` bytes."""
        return cls(*_UNMAP.unpack_from(raw))

    def to_bytes(self) -> bytes:
        """Return the structure, `UNMAP_SIZE` bytes."""
        return _UNMAP.pack(*self)
