"""What stands behind the options of `ccw-actors qemu`, and what is wrong with it.

All raise `typer.BadParameter`.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import typer

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.cli._sizes import size_option
from ccw_actors.errors import ImageError
from ccw_actors.machine import DeviceNumber, HostDevice, StorageSize

__all__ = [
    "read_boot",
    "read_device_number",
    "read_disk",
    "read_disks",
    "read_storage",
]

_MIB = 1 << 20
_CONTROL_UNITS = {"3390": "2107"}
"""What a disk is behind unless somebody says otherwise: what Linux meets today."""

_DISK = re.compile(
    r"(?P<number>[^=,]+)=(?P<image>.+?)"
    r"(?P<options>(?:,(?:(?:type|control-unit)=[^,=]*|read-only))*)"
)


def read_disks(texts: Sequence[str]) -> tuple[HostDevice, ...]:
    """Read what stands behind each --disk; no number may be there twice."""
    devices = tuple(map(read_disk, texts))
    numbers = [one.number for one in devices]
    for number in {one for one in numbers if numbers.count(one) > 1}:
        raise typer.BadParameter(f"{number} is there twice", param_hint="--disk")
    return devices


def read_storage(memory: str) -> StorageSize:
    """Read what stands behind --memory."""
    size = size_option(memory, "--memory", least=_MIB)
    if size % _MIB:
        raise typer.BadParameter(
            f"expected whole MiB, got {memory!r}", param_hint="--memory"
        )
    return StorageSize(size)


def read_boot(text: str, devices: Sequence[HostDevice]) -> DeviceNumber:
    """Read what stands behind --boot, which has to be one of the disks."""
    number = read_device_number(text, "--boot")
    numbers = [one.number for one in devices]
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        raise typer.BadParameter(
            f"expected the number of a --disk ({known}), got {number}",
            param_hint="--boot",
        )
    return number


def read_disk(text: str) -> HostDevice:
    """Read what stands behind --disk."""
    match = _DISK.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"expected DEVNO=IMAGE, as in 0190=disk.img, got {text!r}",
            param_hint="--disk",
        )
    image = Path(match["image"])
    options = _options(match["options"])
    kind = options.get("type") or _kind(image)
    return HostDevice(
        read_device_number(match["number"], "--disk"),
        kind,
        image,
        read_only="read-only" in options,
        control_unit=options.get("control-unit", _CONTROL_UNITS.get(kind, "")),
    )


def _options(text: str) -> dict[str, str]:
    """Return the options that follow an image, each after a comma, by their names."""
    options: dict[str, str] = {}
    for one in text.split(",")[1:]:
        option, _, value = one.partition("=")
        options[option] = value
    return options


def read_device_number(text: str, option: str) -> DeviceNumber:
    """Read a device number that stands behind an option."""
    try:
        return DeviceNumber.read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _kind(image: Path) -> str:
    """Find out what an image is of.

    Raises:
        typer.BadParameter: It does not say, or cannot be read.
    """
    try:
        file = open_image(image, read_only=True)
    except ImageError as error:
        hint = f" (if it is of raw blocks, say of which: {image},type=3370)"
        text = f"{error}{hint if image.is_file() else ''}"
        raise typer.BadParameter(text, param_hint="--disk") from error
    try:
        return file.geometry.device_type
    finally:
        file.close()
