"""Images of volumes as files that can be read and written in place."""

import gzip
import shutil
import zlib
from pathlib import Path

from ccw_actors.errors import ImageError
from ccw_actors.machine.config import HostDevice

__all__ = ["image_file"]


def image_file(device: HostDevice, scratch: Path) -> Path:
    """Return the device's image; one that is gzipped is unpacked into `scratch`.

    Raises:
        ImageError: A gzipped image cannot be unpacked.
    """
    if device.image.suffix != ".gz":
        return device.image
    unpacked = scratch / f"{device.number}.img"
    try:
        with gzip.open(device.image) as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(
            f"{device.image}: expected a gzipped image: {error}"
        ) from error
    return unpacked
