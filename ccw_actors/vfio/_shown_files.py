"""The files by which a client finds its devices: links to groups, and some of sysfs.

| path | what is there |
|---|---|
| FOLDER/0.0.SSSS/UUID/iommu_group | a link, on the disk: QEMU 9 and later look here |
| /sys/bus/css/devices/0.0.SSSS/UUID/iommu_group | the same link, for older ones |
| /sys/bus/css/devices/0.0.SSSS/chpids, pimpampom | paths of the subchannel |
| /sys/devices/css0/chp0.CC/type | the type of a channel path |

SSSS is the number of the host's subchannel, CC a channel-path identifier. What begins
with /sys is not on the disk: the client's calls for it are answered.

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
    """What a client sees of its devices; what is on the disk is in `folder`."""

    def __init__(self, folder: Path, calls: SystemCalls) -> None:
        self._folder = folder
        self._calls = calls
        self._contents: dict[int, dict[str, bytes]] = {}
        self._targets: dict[int, dict[str, bytes]] = {}

    def add(self, index: int, device: AddDevice) -> None:
        """Show a device."""
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
        """Show a device no more."""
        contents = self._contents.pop(index, {})
        targets = self._targets.pop(index, {})
        still = {path for shown in self._contents.values() for path in shown}
        self._calls.hide({*contents, *targets} - still)
        for place in self._folder.glob(f"*/{uuid_of(index)}"):
            shutil.rmtree(place)

    def content(self, path: str) -> bytes | None:
        """Return what a file has; None if there is none."""
        shown = (contents.get(path) for contents in self._contents.values())
        return next((one for one in shown if one is not None), None)

    def target(self, path: str) -> bytes | None:
        """Return where a link leads; None if there is none."""
        shown = (targets.get(path) for targets in self._targets.values())
        return next((one for one in shown if one is not None), None)

    def device_of_group(self, name: str) -> int | None:
        """Return the index of the device in a group, by the group's name."""
        shown = (index for index in self._targets if name == str(index))
        return next(shown, None)


def uuid_of(index: int) -> str:
    """Return the name that GROUP_GET_DEVICE_FD has for a device."""
    return f"00000000-0000-4000-8000-{index:012x}"


def sysfsdev_of(folder: Path, index: int, subchannel: int) -> str:
    """Return what QEMU is to be given as the `sysfsdev` of a device.

    `index` is that of the device among those of its client.
    """
    return str(folder / f"0.0.{subchannel:04x}" / uuid_of(index))
