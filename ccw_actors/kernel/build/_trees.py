"""Copies of trees that share what is the same, so that make builds only the rest."""

import filecmp
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["copy_objects", "share_tree"]

_SKIPPED = {".git"}
_TEXT_MAX = 4 << 20
_WITH_PATHS = (".cmd", ".d", "Makefile", ".config")


def share_tree(tree: Path, copy: Path, changed: Mapping[str, str]) -> None:
    """Make `copy` a copy of a tree, but for the texts of some files.

    Files are hard links, or copies where the file systems differ. A file that is right
    already keeps its time. No file of `tree` is modified.
    """
    for root, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        place = Path(root).relative_to(tree)
        target = copy / place
        target.mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if Path(root, name).is_symlink()]
        _remove_others(target, {*folders, *names})
        for name in (*names, *links):
            if str(place / name) not in changed:
                _share(Path(root, name), target / name)
    for name, text in changed.items():
        _write(copy / name, text)


def _remove_others(folder: Path, names: set[str]) -> None:
    for entry in list(os.scandir(folder)):
        if entry.name in names:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()


def _share(file: Path, target: Path) -> None:
    """Make a file the same as another one; symbolic links are copied.

    A file that replaces another one becomes newer than what was built from that one.
    """
    if not os.path.lexists(target):
        try:
            os.link(file, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(file, target, follow_symlinks=False)
    elif not _is_same(file, target):
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
        shutil.copyfile(file, target, follow_symlinks=False)


def _is_same(file: Path, target: Path) -> bool:
    there, here = file.lstat(), target.lstat()
    if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
        return True
    if file.is_symlink() or target.is_symlink():
        both = file.is_symlink() and target.is_symlink()
        return both and file.readlink() == target.readlink()
    if not target.is_file():
        return False
    # With equal sizes and times the contents are not compared.
    return filecmp.cmp(file, target)


def _write(file: Path, text: str) -> None:
    """Replace a file, unless it has that text: it may be a link to another one."""
    if file.exists() and file.lstat().st_nlink == 1 and file.read_text() == text:
        return
    file.unlink(missing_ok=True)
    file.write_text(text)


def copy_objects(
    objects: Path, copy: Path, tree: Path, other: Path, changed: Mapping[str, str]
) -> None:
    """Copy a folder that `tree` was built in, for the build of the tree `other`.

    Make compares names of files and times. So the names become those of `other`, each
    file keeps its time, and the changed files become newer than what was built.
    """
    scratch = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", objects, scratch], check=True)
    renamed = {
        os.fsencode(f"{tree}"): os.fsencode(f"{other}"),
        os.fsencode(f"{objects}"): os.fsencode(f"{copy}"),
    }
    for root, _, names in os.walk(scratch):
        for name in names:
            if name.endswith(_WITH_PATHS):
                _rename_in(Path(root, name), renamed)
    link = scratch / "source"
    if link.is_symlink():
        link.unlink()
        link.symlink_to(other)
    for name in changed:
        os.utime(other / name)
    scratch.rename(copy)


def _rename_in(file: Path, renamed: Mapping[bytes, bytes]) -> None:
    """Replace names of folders in a text, and keep its time."""
    if file.is_symlink() or file.stat().st_size > _TEXT_MAX:
        return
    before = file.stat()
    data = new = file.read_bytes()
    for old, name in renamed.items():
        new = new.replace(old, name)
    if new != data:
        file.write_bytes(new)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
