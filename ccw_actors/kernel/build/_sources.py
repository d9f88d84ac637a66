"""The tree to build: a folder, or the sources of a Debian package, kept in a cache."""

import errno
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from ccw_actors.debian import Apt, SoftwareError, run_tool
from ccw_actors.kernel.build._errors import BuildFailedError, KernelSourceError

__all__ = ["Source", "default_cache", "enough_space", "find_source"]

_SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
_SUITE_OF = {"6.1": "bookworm", "6.12": "trixie"}
_PREFIX = "linux-source-"
_ARCHITECTURE = "amd64"
"""Any: sources are in the index of each."""

_PACKAGE = re.compile(rf"(?:{_PREFIX})?(\d+\.\d+)|sid")
_DRIVER = "drivers/s390/cio/vfio_ccw_drv.c"
_BUILT_IN = (".config", "include/config", "arch/s390/include/generated")
_TREE_SPACE = 3 << 30

Tell = Callable[[str], None]


class Source(Struct, frozen=True, kw_only=True):
    """A tree of Linux.

    `version` is "6.12.118". `package` is Debian's with its version, or "". `commit` is
    that of a Git repository, with "-dirty" if files differ from it, or "". `name` is
    for people, `key` for folders of this tree in the cache.
    """

    tree: Path
    version: str
    package: str = ""
    commit: str = ""
    name: str
    key: str

    @property
    def is_packaged(self) -> bool:
        """Whether the tree is one of the cache, and never changes."""
        return bool(self.package)


def default_cache() -> Path:
    """Return the folder for kernels: in $XDG_CACHE_HOME, or else in ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ccw-actors" / "kernel"


def find_source(
    wanted: str, cache: Path, *, refresh: bool = False, tell: Tell = lambda _: None
) -> Source:
    """Return the tree of a folder or of a package.

    A package is "6.12", "linux-source-6.12", or "sid" for the newest one there. With
    `refresh` it asks for newer packages.

    Raises:
        KernelSourceError: There is no such package, or the folder is no Linux, has been
            built in, or is older than vfio_ccw.
        SoftwareError: Apt cannot fetch the package.
        BuildFailedError: There is no space to unpack it.
    """
    found = _PACKAGE.fullmatch(wanted)
    if found is None:
        return _own_tree(Path(wanted))
    package, apt = _package(found[1] or "", cache, refresh=refresh, tell=tell)
    tell(f"fetching {package}")
    (deb,) = apt.fetch([package])
    version = deb.name.split("_")[1]
    key = f"{package}_{version}"
    tree = cache / "sources" / key
    with _locked(cache / "sources" / "lock"):
        if not tree.exists():
            tell(f"unpacking {package} {version}")
            _unpack(deb, tree)
    _check_driver(tree)
    return Source(
        tree=tree,
        version=_version(tree),
        package=f"{package} {version} (Debian)",
        name=package.removeprefix(_PREFIX),
        key=key,
    )


# -- packages -------------------------------------------------------------------------


def _package(series: str, cache: Path, *, refresh: bool, tell: Tell) -> tuple[str, Apt]:
    """Return the full name of a package, and the apt whose index has it."""
    _check_system(series)
    listed: dict[str, list[str]] = {}
    for suite in [_SUITE_OF[series]] if series in _SUITE_OF else reversed(_SUITES):
        tell(f"reading the index of {_SUITES[suite]}")
        apt = _apt(cache, suite, refresh=refresh)
        names = [one for one in apt.names(_PREFIX) if _PACKAGE.fullmatch(one)]
        listed[suite] = names
        if not series and names:
            return max(names, key=_numbers), apt
        if f"{_PREFIX}{series}" in names:
            return f"{_PREFIX}{series}", apt
    known = "; ".join(
        f"{_SUITES[suite]} has {', '.join(sorted(names, key=_numbers)) or 'none'}"
        for suite, names in listed.items()
    )
    raise KernelSourceError(f"no index has {_PREFIX}{series}: {known}")


def _check_system(series: str) -> None:
    system = platform.freedesktop_os_release()
    if system.get("ID") != "debian":
        raise KernelSourceError(
            f"this is {system.get('PRETTY_NAME')}, which has no Debian packages: unpack"
            f" the sources of Linux {series or 'yourself'}, and name their folder"
        )


def _apt(cache: Path, suite: str, *, refresh: bool) -> Apt:
    folder = cache / f"apt-{suite}"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        apt = Apt(folder, _ARCHITECTURE, suite=suite)
        if refresh:
            apt.update()
    return apt


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.removeprefix(_PREFIX).split("."))


def _unpack(deb: Path, tree: Path) -> None:
    """Unpack the tree in a package's archive, all of it or nothing."""
    scratch = tree.with_name("unpacking")
    # One that was interrupted has left it behind.
    shutil.rmtree(scratch, ignore_errors=True)
    with enough_space(tree.parent, _TREE_SPACE):
        run_tool("dpkg", "-x", deb, scratch)
        (archive,) = (scratch / "usr/src").glob("linux-source-*.tar.xz")
        run_tool("tar", "-C", scratch, "-xf", archive)
        (scratch / archive.name.removesuffix(".tar.xz")).rename(tree)
    shutil.rmtree(scratch)


# -- folders --------------------------------------------------------------------------


def _own_tree(given: Path) -> Source:
    tree = given.resolve()
    if not tree.is_dir():
        raise KernelSourceError(
            f"there is no folder {given}; expected a tree of Linux, or a package such"
            " as 6.12, linux-source-6.12 or sid"
        )
    version = _version(tree)
    _check_driver(tree)
    for name in _BUILT_IN:
        if (tree / name).exists():
            raise KernelSourceError(
                f"{given} has been built in ({name}), so that it cannot be built"
                f" elsewhere: make -C {given} ARCH=s390 mrproper"
            )
    key = hashlib.sha256(os.fsencode(tree)).hexdigest()[:8]
    return Source(
        tree=tree,
        version=version,
        commit=_commit(tree),
        name=tree.name,
        key=f"{tree.name}-{key}",
    )


def _version(tree: Path) -> str:
    """Return "6.12.118" or "7.3.0-rc1", as the tree's makefile has it."""
    try:
        said = (tree / "Makefile").read_text()[:2000]
    except (OSError, UnicodeDecodeError):
        said = ""
    found: dict[str, str] = dict(
        re.findall(r"^([A-Z]+) *=[ \t]*(\S*)", said, re.MULTILINE)
    )
    names = ("VERSION", "PATCHLEVEL", "SUBLEVEL")
    if not all(found.get(name) for name in names) or not (tree / "arch/s390").is_dir():
        raise KernelSourceError(
            f"{tree} is no tree of Linux: expected a Makefile with VERSION, PATCHLEVEL"
            " and SUBLEVEL, and arch/s390"
        )
    return ".".join(found[name] for name in names) + found.get("EXTRAVERSION", "")


def _check_driver(tree: Path) -> None:
    if not (tree / _DRIVER).exists():
        raise BuildFailedError(
            f"Linux {_version(tree)} has no vfio_ccw ({_DRIVER}); expected Linux 4.12"
            " or later"
        )


def _commit(tree: Path) -> str:
    if not (tree / ".git").exists():
        return ""
    head = _git(tree, "rev-parse", "HEAD")
    if head is None or head.returncode:
        return ""
    differs = _git(tree, "diff", "--quiet", "HEAD")
    dirty = "-dirty" if differs is not None and differs.returncode == 1 else ""
    return f"{head.stdout.strip()}{dirty}"


def _git(tree: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            ["git", "-C", tree, *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None


# -- space ----------------------------------------------------------------------------


@contextmanager
def enough_space(folder: Path, needed: int) -> Generator[None]:
    """Check that a folder has `needed` bytes of free space, before and after.

    Raises:
        BuildFailedError: There is not enough, or what was done has used it up.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise _no_space(folder, free, needed)
    try:
        yield
    except (OSError, SoftwareError, BuildFailedError) as error:
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        free = shutil.disk_usage(folder).free
        if is_full or free < 16 << 20:
            raise _no_space(folder, free, needed) from error
        raise


def _no_space(folder: Path, free: int, needed: int) -> BuildFailedError:
    return BuildFailedError(
        f"{folder} has {free / (1 << 30):.1f} GiB left; expected"
        f" {needed / (1 << 30):.1f} GiB (delete folders in it that you no longer need,"
        " or set XDG_CACHE_HOME)"
    )


@contextmanager
def _locked(path: Path) -> Generator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
