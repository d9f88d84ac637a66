"""The files by which a client finds its devices: links to groups, and some of sysfs.

| path | content |
|---|---|
| FOLDER/0.0.SSSS/UUID/iommu_group | a link, on the disk: QEMU 9 and later read it |
| /sys/bus/css/devices/0.0.SSSS/UUID/iommu_group | the same link, for older QEMUs |
| /sys/bus/css/devices/0.0.SSSS/chpids, pimpampom | paths of the subchannel |
| /sys/devices/css0/chp0.CC/type | the type of a channel path |

SSSS is the number of the host's subchannel, CC a channel-path identifier. Files below
/sys are not on the disk: we answer the client's calls for them.

Source: QEMU hw/s390x/s390-ccw.c, css.c, hw/vfio/ccw.c.
"""

import shutil
from pathlib import Path
from typing import Final

from ccw_actors.vfio._messages import AddDevice
from ccw_actors.vfio._system_calls import SystemCalls

__all__ = ["ShownFiles", "sysfsdev_of", "uuid_of"]

_CSS: Final = "/sys/bus/css/devices"
_FICON: Final = b"1b\n"
_CHPIDS: Final = 8


class ShownFiles:
    """The files of a client's devices; those on the disk are in `folder`."""

    def __init__(self, folder: Path, calls: SystemCalls) -> None:
        self._folder = folder
        self._calls = calls
        self._contents: dict[int, dict[str, bytes]] = {}
        self._targets: dict[int, dict[str, bytes]] = {}

    def add(self, index: int, device: AddDevice) -> None:
        """Show a device's files.

        Raises:
            OSError: The files in `folder` cannot be made.
        """
        bus_id = f"0.0.{device.subchannel:04x}"
        target = f"../../../kernel/iommu_groups/{index}"
        place = Path(sysfsdev_of(self._folder, index, device.subchannel))
        place.mkdir(parents=True)
        (place / "iommu_group").symlink_to(target)
        chpids = bytes((device.chpid,)).ljust(_CHPIDS, b"\0")
        self._contents[index] = {
            f"{_CSS}/{bus_id}/chpids": chpids.hex(" ").encode() + b"\n",
            f"{_CSS}/{bus_id}/pimpampom": b"80 80 ff\n",
            f"/sys/devices/css0/chp0.{device.chpid:02x}/type": _FICON,
        }
        link = f"{_CSS}/{bus_id}/{uuid_of(index)}/iommu_group"
        self._targets[index] = {link: target.encode()}
        self._calls.show((*self._contents[index], *self._targets[index]))

    def remove(self, index: int) -> None:
        """Stop showing a device's files."""
        contents = self._contents.pop(index, {})
        targets = self._targets.pop(index, {})
        still = {path for shown in self._contents.values() for path in shown}
        self._calls.hide({*contents, *targets} - still)
        for place in self._folder.glob(f"*/{uuid_of(index)}"):
            shutil.rmtree(place)

    def content(self, path: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""
        shown = (contents.get(path) for contents in self._contents.values())
        return next((one for one in shown if one is not None), None)

    def target(self, path: str) -> bytes | None:
        """Return the target of a link; None if there is no such link."""
        shown = (targets.get(path) for targets in self._targets.values())
        return next((one for one in shown if one is not None), None)

    def device_of_group(self, name: str) -> int | None:
        """Return the index of the device in a group, by the group's name."""
        shown = (index for index in self._targets if name == str(index))
        return next(shown, None)


def uuid_of(index: int) -> str:
    """Return the device's name in GROUP_GET_DEVICE_FD: a UUID made from its index."""
    return f"00000000-0000-4000-8000-{index:012x}"


def sysfsdev_of(folder: Path, index: int, subchannel: int) -> str:
    """Return the value for QEMU's option `sysfsdev` of a device.

    `index` is the device's index among those of its client, `subchannel` the number of
    its subchannel in the host.
    """
    return str(folder / f"0.0.{subchannel:04x}" / uuid_of(index))
