"""The interface of vfio-ccw: what an emulator writes to and reads from its regions.

Source: Linux include/uapi/linux/vfio_ccw.h and Documentation/arch/s390/vfio-ccw.rst.
Every design of a kernel answers these requests, every emulator makes them.
"""

from typing import Literal

from ccw_actors.channel import Irb, Orb
from ccw_actors.runtime import Message, Request

__all__ = [
    "CloseDevice",
    "DeviceRequested",
    "IoRead",
    "ReadIo",
    "ReadReport",
    "ReportRead",
    "ReportSignalled",
    "ResetDevice",
    "Signalled",
    "UnmapDma",
    "WriteAsync",
    "WriteIo",
    "Written",
]


class Written(Message, frozen=True):
    """A write or an ioctl has returned: 0, or one of `errno.E*` (positive)."""

    errno: int


class WriteIo(Request[Written], frozen=True):
    """Write the I/O region: the ORB, and the functions in the guest's SCSW.

    `ret_code` is what the writer left in the region's ret_code, which is copied in.
    """

    orb: Orb
    fctl: int
    ret_code: int = 0


class WriteAsync(Request[Written], frozen=True):
    """Write the async-command region."""

    command: Literal["HSCH", "CSCH"]


class IoRead(Message, frozen=True):
    """The IRB in the I/O region."""

    irb: Irb


class ReadIo(Request[IoRead], frozen=True):
    """Test and clear the event counter, then read the I/O region."""


class ReportRead(Message, frozen=True):
    """A channel-report word of the CRW region, 0 if there is none."""

    crw: int


class ReadReport(Request[ReportRead], frozen=True):
    """Read the CRW region, which removes what it returns."""


class ResetDevice(Request[Written], frozen=True):
    """VFIO_DEVICE_RESET."""


class CloseDevice(Request[Written], frozen=True):
    """Close the device, as it was requested back."""


class UnmapDma(Request[Written], frozen=True):
    """VFIO_IOMMU_UNMAP_DMA of the page that channel programs name."""


class Signalled(Message, frozen=True):
    """The event counter of the I/O interrupt is no longer 0."""


class ReportSignalled(Message, frozen=True):
    """The event counter of the CRW interrupt is no longer 0."""


class DeviceRequested(Message, frozen=True):
    """The device is to be given back: the host's subchannel is gone."""
