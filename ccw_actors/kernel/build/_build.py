"""Builds a kernel with vfio_ccw, and writes its folder."""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from ccw_actors.kernel.build._change import Change, edited, read_change
from ccw_actors.kernel.build._configuration import (
    check_additions,
    check_configuration,
    wanted,
)
from ccw_actors.kernel.build._errors import BuildFailedError, KernelSourceError
from ccw_actors.kernel.build._make import Make, compiler
from ccw_actors.kernel.build._sources import Source, enough_space, find_source
from ccw_actors.kernel.build._trees import copy_objects, share_tree

__all__ = ["Build", "build", "read_build"]

_FORMAT = "ccw-actors kernel build"
_OBJECTS_SPACE = 2 << 30
_FILES = {
    "arch/s390/boot/bzImage": "bzImage",
    "vmlinux": "vmlinux",
    "System.map": "System.map",
    ".config": "config",
}
_DESCRIPTION = "build.json"


class Build(Struct, frozen=True, kw_only=True):
    """What `build.json` says of a kernel.

    `version` is "6.12.118". `package` is Debian's, "" for one's own tree; `tree` and
    `commit` are those of one's own tree, "" for a package. `configuration` names what
    was added, such as "kasan", and `change` the change under test, "" for none.
    """

    format: str = _FORMAT
    version: str
    package: str = ""
    tree: str = ""
    commit: str = ""
    configuration: tuple[str, ...] = ()
    change: str = ""
    compiler: str = ""


def read_build(folder: Path) -> Build:
    """Return what the folder of a kernel says of it.

    Raises:
        KernelSourceError: The folder has no kernel of `build`.
    """
    path = folder / _DESCRIPTION
    try:
        return msgspec.json.decode(path.read_bytes(), type=Build)
    except OSError as error:
        raise KernelSourceError(
            f"{path}: {error.strerror}; expected the folder of a kernel, as 'ccw-actors"
            " kernel build' writes it"
        ) from error
    except msgspec.DecodeError as error:
        raise KernelSourceError(f"{path}: {error}") from error


def build(
    wanted_source: str,
    cache: Path,
    *,
    output: Path | None = None,
    change: str = "",
    additions: Iterable[str] = (),
    jobs: int | None = None,
    refresh: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Build]:
    """Build a kernel; return its folder, and what `build.json` in it says.

    `wanted_source` is a tree or a package, as in `find_source`. `jobs` is the number of
    commands that make runs at once, by default one for each processor. `tell` is called
    with a line about each step. What has been built before is kept in the cache, and
    only what has changed is built again.

    Raises:
        KernelSourceError, ChangeError, ToolMissingError, SoftwareError: Something that
            was given cannot be used, or something is missing.
        BuildFailedError: This kernel cannot be built, or is being built.
    """
    added = check_additions(additions)
    edits = read_change(change) if change else None
    tool = compiler()
    cache = cache.resolve()
    source = find_source(wanted_source, cache, refresh=refresh, tell=tell)
    work = _Work(source, added, edits, cache)
    with work.locked():
        objects = work.make(jobs or os.cpu_count() or 1, tell)
        tell("copying the kernel")
        done = Build(
            version=source.version,
            package=source.package,
            tree="" if source.is_packaged else str(source.tree),
            commit=source.commit,
            configuration=added,
            change=edits.name if edits else "",
            compiler=tool,
        )
        folder = output or cache / "kernels" / work.name
        _install(objects, folder, done)
    return folder, done


class _Work:
    """The folders of one build in the cache: objects, log, and the changed tree."""

    def __init__(
        self,
        source: Source,
        additions: tuple[str, ...],
        change: Change | None,
        cache: Path,
    ) -> None:
        self._source = source
        self._additions = additions
        self._change = change
        plain = ".".join((source.key, *additions))
        key = f"{plain}+{change.name}" if change else plain
        self._plain = cache / "objects" / plain
        self._objects = cache / "objects" / key
        self._log = cache / "objects" / f"{key}.log"
        self._copy = cache / "changed" / key

    @property
    def name(self) -> str:
        """A name for the kernel's folder."""
        changes = [self._change.name] if self._change else []
        name = self._source.name if self._source.is_packaged else self._source.key
        return "-".join((name, *self._additions, *changes))

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from building this kernel.

        Raises:
            BuildFailedError: Another process builds it.
        """
        self._objects.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(_lock(self._objects))
            except BlockingIOError:
                raise BuildFailedError(
                    f"another process is building in {self._objects}; wait for its end"
                ) from None
            yield

    def make(self, jobs: int, tell: Callable[[str], None]) -> Path:
        """Configure and build; return the folder of objects."""
        is_new = not (self._objects / "vmlinux").exists()
        with enough_space(self._objects.parent, _OBJECTS_SPACE if is_new else 0):
            tree = self._changed_tree(tell)
            self._objects.mkdir(exist_ok=True)
            self._log.write_text("")
            make = Make(tree, self._objects, self._log, tell)
            self._configure(tree, make)
            make("bzImage", jobs=jobs)
        return self._objects

    def _changed_tree(self, tell: Callable[[str], None]) -> Path:
        """Return the tree to build, with the change applied to a copy."""
        source = self._source
        if self._change is None:
            return source.tree
        changed = edited(self._change, source.tree, source.version)
        tell(f"copying the tree, with the change {self._change.name}")
        self._copy.parent.mkdir(parents=True, exist_ok=True)
        share_tree(source.tree, self._copy, changed)
        if not self._objects.exists():
            tell("copying what was built without the change")
            self._copy_plain(changed)
        return self._copy

    def _copy_plain(self, changed: Mapping[str, str]) -> None:
        """Begin with what was built without the change, if there is such a build."""
        plain = self._plain
        if not (plain / "vmlinux").exists():
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(_lock(plain))
            except BlockingIOError:
                return  # it is being built at this moment
            tree = self._source.tree
            copy_objects(plain, self._objects, tree, self._copy, changed)

    def _configure(self, tree: Path, make: Make) -> None:
        asked = wanted(self._additions)
        fragment = self._objects / "wanted.config"
        fragment.write_text(asked)
        make("allnoconfig", environment={"KCONFIG_ALLCONFIG": str(fragment)})
        became = (self._objects / ".config").read_text()
        check_configuration(asked, became, tree)


@contextmanager
def _lock(objects: Path) -> Generator[None]:
    """Lock a folder of objects; raises `BlockingIOError` if it is locked."""
    with objects.with_name(f"{objects.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _install(objects: Path, folder: Path, done: Build) -> None:
    """Copy the kernel's files; `build.json` comes last, once all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / _DESCRIPTION
    description.unlink(missing_ok=True)
    for name, target in _FILES.items():
        scratch = folder / f".{target}.new"
        shutil.copyfile(objects / name, scratch)
        scratch.rename(folder / target)
    text = msgspec.json.format(msgspec.json.encode(done), indent=2)
    description.write_bytes(text + b"\n")
