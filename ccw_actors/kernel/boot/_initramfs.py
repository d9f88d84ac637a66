"""Initramfs archives in the format that Linux unpacks: cpio's "newc", not compressed.

An emulated processor needs more time to uncompress an archive than QEMU to load it.
Linux unpacks several archives in one file, later files over earlier ones.

The layout is in Linux' Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from msgspec import Struct

__all__ = ["Content", "Executable", "Folder", "SymbolicLink", "archive"]

_CONSOLE = (5, 1)
"""Major and minor number of /dev/console, which Linux opens for init's output."""


class Executable(Struct, frozen=True):
    """An executable file."""

    data: bytes


class Folder(Struct, frozen=True):
    """A folder, which may be empty."""


class SymbolicLink(Struct, frozen=True):
    """A link to the path `target`, which may be relative to the folder of the link."""

    target: str


Content: TypeAlias = bytes | Path | Executable | Folder | SymbolicLink
"""The content of a name; a path is a file of this machine, whose x bit is kept."""


def archive(contents: Mapping[str, Content]) -> bytes:
    """Return an archive of files by their absolute names, with their folders."""
    parts: list[bytes] = []
    folders: set[PurePosixPath] = set()
    for name, content in {"/dev": Folder(), **contents}.items():
        path = PurePosixPath(name)
        is_folder = isinstance(content, Folder)
        above = reversed(path.parents[:-1])
        for folder in (*above, path) if is_folder else above:
            if folder not in folders:
                folders.add(folder)
                _add(parts, folder, stat.S_IFDIR | 0o755)
        if not isinstance(content, Folder):
            _add(parts, path, *_mode_and_data(content))
    _add(parts, PurePosixPath("/dev/console"), stat.S_IFCHR | 0o600, device=_CONSOLE)
    _add(parts, PurePosixPath("/TRAILER!!!"), 0)
    return b"".join(parts)


def _mode_and_data(
    content: bytes | Path | Executable | SymbolicLink,
) -> tuple[int, bytes]:
    match content:
        case Path():
            mode = 0o755 if content.stat().st_mode & stat.S_IXUSR else 0o644
            return stat.S_IFREG | mode, content.read_bytes()
        case Executable(data):
            return stat.S_IFREG | 0o755, data
        case SymbolicLink(target):
            return stat.S_IFLNK | 0o777, target.encode()
        case _:
            return stat.S_IFREG | 0o644, content


def _add(
    parts: list[bytes],
    path: PurePosixPath,
    mode: int,
    data: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> None:
    name = str(path.relative_to("/")).encode() + b"\0"
    # inode, mode, owner, group, links, mtime, size, device, rdev, name size, check
    fields = (len(parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    parts.append(_padded(header + name) + _padded(data))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
