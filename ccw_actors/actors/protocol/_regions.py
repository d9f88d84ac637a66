"""Messages of the regions of vfio-ccw: a client's writes, reads, and events.

The client is a process that has the device's descriptor, such as a QEMU; another
package turns its system calls into these messages. Every design of a kernel answers
them, and so does `VfioCcwRegions`. An `errno` is 0, or one of `errno.E*` (positive).

Source: Linux include/uapi/linux/vfio_ccw.h, drivers/s390/cio/vfio_ccw_ops.c,
vfio_ccw_async.c, vfio_ccw_chp.c and Documentation/arch/s390/vfio-ccw.rst.
"""

from typing import Literal, TypeAlias

from ccw_actors.actors.protocol._pass_through import CioToVfioCcw
from ccw_actors.actors.protocol._storage import Address
from ccw_actors.actors.protocol._subsystem import Report
from ccw_actors.channel import Irb, Orb, Schib, Scsw
from ccw_actors.runtime import Message, Request

__all__ = [
    "ClientToRegions",
    "CloseDevice",
    "DeviceRequested",
    "IoRead",
    "ReadIo",
    "ReadReport",
    "ReadSchib",
    "RegionsMessage",
    "RegionsToClient",
    "ReportRead",
    "ReportSignalled",
    "ResetDevice",
    "SchibRead",
    "Signalled",
    "UnmapDma",
    "WriteAsync",
    "WriteIo",
    "Written",
]


class Written(Message, frozen=True):
    """A write or an ioctl has returned."""

    errno: int


class WriteIo(Request[Written], frozen=True):
    """Write the I/O region: the ORB, and the functions in the guest's SCSW.

    `ret_code` is what the writer left in the region's ret_code: the kernel copies it.
    """

    orb: Orb
    fctl: int
    ret_code: int = 0


class WriteAsync(Request[Written], frozen=True):
    """Write the async-command region."""

    command: Literal["HSCH", "CSCH"]


class IoRead(Message, frozen=True):
    """The IRB in the I/O region. With a nonzero `errno` the read has failed."""

    irb: Irb = Irb(Scsw())
    errno: int = 0


class ReadIo(Request[IoRead], frozen=True):
    """Test and clear the event counter, then read the I/O region."""


class SchibRead(Message, frozen=True):
    """The host's SCHIB, with its CCW address in guest terms.

    With a nonzero `errno` the read has failed, and `schib` means nothing.
    """

    errno: int
    schib: Schib = Schib()


class ReadSchib(Request[SchibRead], frozen=True):
    """Read the SCHIB region: store the host's subchannel."""


class ReportRead(Message, frozen=True):
    """A channel-report word of the CRW region, 0 if there is none."""

    crw: int


class ReadReport(Request[ReportRead], frozen=True):
    """Read the CRW region, which removes what it returns."""


class ResetDevice(Request[Written], frozen=True):
    """VFIO_DEVICE_RESET."""


class CloseDevice(Request[Written], frozen=True):
    """Close the device: the client exits, or gives back a requested device."""


class UnmapDma(Request[Written], frozen=True):
    """VFIO_IOMMU_UNMAP_DMA of `length` bytes of guest storage from `address` on.

    The sender has already taken the range away from Storage, so nothing can be pinned
    there. The pins from before are given up when this is answered.
    """

    address: Address
    length: Address


class Signalled(Message, frozen=True):
    """The event counter of the I/O interrupt is no longer 0."""


class ReportSignalled(Message, frozen=True):
    """The event counter of the CRW interrupt is no longer 0."""


class DeviceRequested(Message, frozen=True):
    """The client must give the device back: the host's subchannel is gone."""


ClientToRegions: TypeAlias = (
    WriteIo
    | WriteAsync
    | ReadIo
    | ReadSchib
    | ReadReport
    | ResetDevice
    | CloseDevice
    | UnmapDma
)
"""What a client of the regions does: its system calls."""

RegionsToClient: TypeAlias = Signalled | ReportSignalled | DeviceRequested
"""What a client receives unasked: events of its file descriptors."""

RegionsMessage: TypeAlias = ClientToRegions | Report | CioToVfioCcw
"""What a VfioCcwRegions takes: from its client, channel paths and its Cio."""
