"""The files of a kernel under test: its image, debug information, configuration."""

import re
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from ccw_actors.errors import CcwActorsError
from ccw_actors.kernel.records import Target

__all__ = ["KernelFileError", "KernelFiles"]

_BUILD: Final = "build.json"
_NEEDED: Final = {
    "CONFIG_VFIO_CCW": "vfio_ccw, which is what is tested",
    "CONFIG_SCLP_CONSOLE": "the console that the client writes to",
    "CONFIG_BLK_DEV_INITRD": "an initramfs, which has the client",
    "CONFIG_CPU_ISOLATION": "isolcpus, which keeps the kernel's work on one CPU",
    "CONFIG_DEBUG_INFO": "debug information, which has the addresses of functions",
}
"""Options that a kernel must have, built in, and what for."""


class KernelFileError(CcwActorsError):
    """A kernel under test lacks something; the message says what to do."""


class _Build(Struct):
    """What `ccw-actors kernel build` says of a kernel."""

    version: str = ""
    package: str = ""
    configuration: tuple[str, ...] = ()
    change: str = ""
    compiler: str = ""


class KernelFiles(Struct, frozen=True):
    """A kernel's image, its vmlinux, its .config, and what is known of it."""

    image: Path
    vmlinux: Path
    configuration: Path
    target: Target

    @classmethod
    def find(cls, path: Path) -> "KernelFiles":
        """Find the files of a kernel.

        `path` is a folder that `ccw-actors kernel build` has written, or a bzImage.
        What belongs to a bzImage is beside it. For one in arch/s390/boot it is in the
        root of that tree or build folder: the vmlinux beside that bzImage is the
        program that unpacks the kernel.

        Raises:
            KernelFileError: A file is missing, or the kernel lacks an option.
        """
        image = path / "bzImage" if path.is_dir() else path
        if not image.is_file():
            raise KernelFileError(f"there is no {image}: expected a bzImage")
        folder = image.absolute().parent
        if folder.parts[-3:] == ("arch", "s390", "boot"):
            folder = folder.parents[2]
        vmlinux = _first(folder, "vmlinux")
        if vmlinux is None:
            raise KernelFileError(
                f"there is no {folder / 'vmlinux'}: expected the one of the same build"
                f" as {image}, with debug information"
            )
        configuration = _first(folder, "config", ".config")
        if configuration is None:
            raise KernelFileError(
                f"there is no config or .config in {folder}: expected that of the"
                f" build of {image}"
            )
        text = configuration.read_text(errors="replace")
        _check(configuration, text)
        return cls(image, vmlinux, configuration, _target(folder, text))


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _check(path: Path, text: str) -> None:
    for option, why in _NEEDED.items():
        if not re.search(rf"^{option}=y$", text, re.MULTILINE):
            raise KernelFileError(
                f"{path}: expected {option}=y: {why}"
                " ('ccw-actors kernel build' sets it)"
            )


def _target(folder: Path, text: str) -> Target:
    """Return what is known of the kernel, from its build.json or its configuration."""
    path = _first(folder, _BUILD)
    if path is not None:
        try:
            build = msgspec.json.decode(path.read_bytes(), type=_Build)
        except msgspec.MsgspecError as error:
            raise KernelFileError(f"{path}: {error}") from error
        return Target(
            kind="linux",
            version=build.version,
            package=build.package,
            configuration=build.configuration,
            change=build.change,
            compiler=build.compiler,
        )
    version = re.search(
        r"^# Linux/s390 (\S+) Kernel Configuration$", text, re.MULTILINE
    )
    compiler = re.search(r'^CONFIG_CC_VERSION_TEXT="(.*)"$', text, re.MULTILINE)
    return Target(
        kind="linux",
        version="" if version is None else version[1],
        compiler="" if compiler is None else compiler[1],
    )
