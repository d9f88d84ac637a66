"""The software that a guest needs to use DASDs: Debian's kernel and a few tools."""

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from ccw_actors.debian import Apt, SoftwareError, run_tool
from ccw_actors.kernel.boot import Content, Executable, Folder, SymbolicLink, archive
from examples.linux.elf import needed

__all__ = [
    "GUEST",
    "MODULES",
    "TOOLS",
    "Software",
    "SoftwareError",
    "default_cache",
    "linked",
    "prepare",
    "prepare_qemu",
    "unpacked",
]

GUEST = Path(__file__).parent / "guest"
"""Scripts that run in guests."""

MODULES = ("crc32c_generic", "ext4", "dasd_eckd_mod", "dasd_fba_mod")
"""Modules that a guest loads, after those that they need."""

_PACKAGES = ("busybox-static", "e2fsprogs", "s390-tools")
_SINCE_DEBIAN_13 = "s390-tools-zipl"
_QEMU_OF_DEBIAN_12 = "qemu-system-misc"
_QEMU_SINCE_DEBIAN_13 = "qemu-system-s390x"
_FIRMWARE = "qemu-system-data"
TOOLS = (
    "dasdfmt",
    "dasdinfo",
    "e2fsck",
    "fdasd",
    "lscss",
    "mke2fs",
    "tunedasd",
    "zipl",
)
"""Programs that every guest has in addition to busybox."""

_NEEDS = re.compile(rb"\0depends=([^\0]*)\0")


class Software(Struct, frozen=True):
    """A kernel, the folder of its modules, and the unpacked packages of the tools."""

    root: Path
    kernel: Path
    modules: Path

    def with_kernel(self, kernel: Path, modules: Path | None = None) -> "Software":
        """Return the same tools with your kernel.

        `modules` is the folder of its modules, as `make modules_install` writes it.
        Without one, the kernel has to have everything built in.
        """
        return Software(self.root, kernel, modules or self.root / "no-modules")

    def initramfs(
        self,
        script: bytes,
        extra: Mapping[str, Content] | None = None,
        *,
        tools: Iterable[str] = (),
        modules: Iterable[str] = (),
    ) -> bytes:
        """Return an archive whose init loads the modules, runs a script and powers off.

        `extra` are more files by their absolute names. `tools` and `modules` name more
        of the packages' programs and modules, in addition to `TOOLS` and `MODULES`.

        Raises:
            SoftwareError: No package has a tool, or a library that it needs.
        """
        contents: dict[str, Content] = {
            "/init": Executable((GUEST / "init").read_bytes()),
            "/lib/functions.sh": GUEST / "functions.sh",
            "/script.sh": script,
            "/bin/busybox": self.busybox,
            "/bin/sh": SymbolicLink("busybox"),
            "/sbin/mkfs.ext4": SymbolicLink("mke2fs"),
        }
        contents.update(self._loaded(modules) | self._programs(tools))
        contents.update(extra or {})
        for folder in ("proc", "sys", "mnt", "tmp", "run"):
            contents[f"/{folder}"] = Folder()
        return archive(contents)

    @property
    def busybox(self) -> Path:
        """A shell and its commands in one program, which needs no libraries."""
        places = ("bin/busybox", "usr/bin/busybox")
        return next(self.root / at for at in places if (self.root / at).exists())

    def _loaded(self, more: Iterable[str]) -> dict[str, Content]:
        """Return the modules, and a file with the order in which to load them."""
        there = {_module_name(path): path for path in self.modules.rglob("*.ko*")}
        contents: dict[str, Content] = {}
        order: list[str] = []

        def load(name: str) -> None:
            if name in order or name not in there:
                return  # if it is not a module, it may be built into the kernel
            data = there[name].read_bytes()
            if there[name].suffix == ".xz":
                data = lzma.decompress(data)
            found = _NEEDS.search(data)
            for other in (found[1].decode() if found else "").split(","):
                load(other.replace("-", "_"))
            contents[f"/lib/modules/{name}.ko"] = data
            order.append(name)

        for name in (*MODULES, *more):
            load(name)
        contents["/lib/modules/order"] = "".join(f"{one}\n" for one in order).encode()
        return contents

    def _programs(self, more: Iterable[str]) -> dict[str, Content]:
        """Return the tools, the libraries they need, and the files zipl installs."""
        contents: dict[str, Content] = {}
        for name in (*TOOLS, *more):
            found = [self.root / at / name for at in ("sbin", "usr/sbin", "usr/bin")]
            tool = next((path for path in found if path.exists()), None)
            if tool is None:
                raise SoftwareError(f"no package has {name}")
            contents[f"/sbin/{name}"] = tool
        tools = [path for path in contents.values() if isinstance(path, Path)]
        contents.update(linked(self.root, tools))
        for path in sorted(self.root.glob("**/lib/s390-tools/*")):
            if path.is_file():
                contents[f"/lib/s390-tools/{path.name}"] = path
        return contents


def linked(root: Path, programs: Iterable[Path]) -> dict[str, Content]:
    """Return the libraries that programs need, by where their loader looks for them.

    Raises:
        SoftwareError: `root` does not have a library.
    """
    contents: dict[str, Content] = {}
    libraries = {
        path.name: path
        for path in root.rglob("*.so*")
        if "gconv" not in path.parts and "audit" not in path.parts
    }
    wanted = list(programs)
    while wanted:
        for name in needed(wanted.pop().read_bytes()):
            where = "/lib" if name.startswith("ld") else "/lib/s390x-linux-gnu"
            if f"{where}/{name}" in contents:
                continue
            if name not in libraries:
                raise SoftwareError(f"no package has {name}")
            contents[f"{where}/{name}"] = libraries[name].resolve()
            wanted.append(libraries[name])
    return contents


def _module_name(path: Path) -> str:
    return path.name.partition(".ko")[0].replace("-", "_")


def default_cache() -> Path:
    """Return the folder for downloads: in $XDG_CACHE_HOME, or else in ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ccw-actors" / "linux"


def prepare(
    cache: Path,
    *,
    mirror: str | None = None,
    suite: str | None = None,
    refresh: bool = False,
) -> Software:
    """Download, check and unpack what guests need; files in the cache are reused.

    With `refresh` it asks for newer packages. Two processes may prepare one cache.

    Raises:
        SoftwareError: Apt, dpkg or the network is missing, or a package is damaged or
            lacks the kernel or its modules.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        apt = Apt(cache / "apt", "s390x", mirror=mirror, suite=suite)
        if refresh:
            apt.update()
        kernels = [one for one in apt.depends("linux-image-s390x") if "image" in one]
        if not kernels:
            raise SoftwareError("linux-image-s390x names no kernel")
        newer = [_SINCE_DEBIAN_13] if apt.knows(_SINCE_DEBIAN_13) else []
        tools = [*_PACKAGES, *newer]
        debs = apt.fetch([*kernels[:1], *tools, *apt.libraries(tools)])
        root = unpacked(cache, debs)
    version = kernels[0].removeprefix("linux-image-")
    kernel = root / "boot" / f"vmlinuz-{version}"
    places = [root / at / version for at in ("lib/modules", "usr/lib/modules")]
    modules = next((path for path in places if path.exists()), None)
    if modules is None or not kernel.exists():
        raise SoftwareError(f"{kernels[0]} has no kernel or no modules")
    return Software(root, kernel, modules)


def prepare_qemu(
    cache: Path, *, mirror: str | None = None, suite: str | None = None
) -> Path:
    """Download, check and unpack a QEMU that runs on s390x; return its folder.

    Raises:
        SoftwareError: As for `prepare`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        apt = Apt(cache / "apt", "s390x", mirror=mirror, suite=suite)
        newer = apt.knows(_QEMU_SINCE_DEBIAN_13)
        package = _QEMU_SINCE_DEBIAN_13 if newer else _QEMU_OF_DEBIAN_12
        libraries = apt.libraries([package])
        return unpacked(cache, apt.fetch([package, _FIRMWARE, *libraries]))


def unpacked(cache: Path, debs: Iterable[Path]) -> Path:
    """Return a folder with the packages' files, unpacked all or not at all.

    Raises:
        SoftwareError: dpkg is missing, or cannot unpack a package.
    """
    files = sorted(debs)
    names = "\n".join(path.name for path in files)
    root = cache / f"root-{hashlib.sha256(names.encode()).hexdigest()[:12]}"
    if not root.exists():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            new = Path(scratch) / "root"
            new.mkdir()
            for path in files:
                run_tool("dpkg", "-x", path, new)
            shutil.rmtree(new / "usr/share/doc", ignore_errors=True)
            new.rename(root)
    return root


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
