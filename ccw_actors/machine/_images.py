"""Images of volumes as files that can be read and written in place."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ccw_actors.errors import ImageError
from ccw_actors.machine._config import HostDevice

__all__ = ["image_file", "unpacked"]

_PART: Final = 1 << 18


def image_file(
    device: HostDevice, scratch: Path, is_stopped: Callable[[], bool]
) -> Path:
    """Return a device's image; one that is gzipped is unpacked into `scratch`.

    Zeros become holes there. Once `is_stopped()` is True, unpacking ends, and the
    partial file is removed.

    Raises:
        ImageError: A gzipped image cannot be unpacked, or unpacks to more than the
            device's `unpacked_max`.
    """
    assert device.image is not None, "a device without a volume needs no file"
    if device.image.suffix != ".gz":
        return device.image
    target = scratch / f"{device.number}.img"
    try:
        _unpack(device.image, device.unpacked_max, target, is_stopped)
    except OSError as error:
        raise ImageError(f"{target}: {error.strerror}") from error
    finally:
        if is_stopped():
            target.unlink(missing_ok=True)
    return target


def _unpack(
    image: Path, size_max: int, target: Path, is_stopped: Callable[[], bool]
) -> None:
    with target.open("wb") as file:
        size = 0
        for part in _parts(image, size_max):
            if is_stopped():
                break
            size += len(part)
            if part.strip(b"\0"):
                file.write(part)
            else:
                file.seek(size)
        file.truncate(size)


def unpacked(path: Path, size_max: int) -> bytes:
    """Return the contents of a gzipped file.

    Raises:
        ImageError: It cannot be unpacked, or holds more than `size_max` bytes.
    """
    return b"".join(_parts(path, size_max))


def _parts(path: Path, size_max: int) -> Iterator[bytes]:
    """Yield the contents of a gzipped file, part by part."""
    left = size_max
    try:
        with gzip.open(path) as source:
            while part := source.read(min(_PART, left + 1)):
                left -= len(part)
                if left < 0:
                    raise ImageError(
                        f"{path}: unpacks to more than {size_max} bytes; if it may, set"
                        " unpacked_max in the machine file, or unpack it"
                    )
                yield part
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: expected a gzipped image: {reason}") from error
