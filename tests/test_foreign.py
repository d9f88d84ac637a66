"""The repository, the sdist and the wheel have no files made by others.

Guests run Debian's software, which is downloaded on demand. None of it may be committed
or distributed: no kernel, initramfs, firmware or package, and no source text of Linux
or QEMU.
"""

import gzip
import lzma
import os
import re
import stat
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

from ccw_actors.kernel.boot import archive

ROOT = Path(__file__).parents[1]

OURS = {
    "ccw_actors/machine/shipped/ORC390.img.gz",
    "ccw_actors/machine/shipped/ORCLNX.img.gz",
    "tests/data/hercules-2-public.json.gz",
    "tests/data/hercules-public.json.gz",
    "tests/data/images/cckd3390.img.gz",
    "tests/data/images/ckd3380.img.gz",
    "tests/data/images/ckd3390.img.gz",
    "tests/data/images/ckd3390raw.img.gz",
    "tests/data/images/fba0671.img.gz",
    "tests/data/images/fba3370.img.gz",
    "tests/data/images/lnx3390.img.gz",
    "tests/data/qemu-public.json.gz",
}
"""The compressed files, all made by Hercules' tools or by this package's."""

TRACES = "tests/kernel/refinement/traces/"
"""Our records of what kernels did, compressed."""

USERS_OF_LINUX = {
    "ccw_actors/kernel/boot/client.c",
    "tests/kernel/build/test_changes.py",
    "tests/kernel/refinement/recording/client.c",
}
"""Our programs that include headers of Linux' interface, and a test's C text."""

PACKED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\3\4": "zip",
}
BEGINNINGS = {
    b"\x7fELF": "an ELF program",
    b"070701": "a cpio archive",
    b"070702": "a cpio archive",
    b"070707": "a cpio archive",
    b"\xc7\x71": "a cpio archive",
    b"\x71\xc7": "a cpio archive",
    b"!<arch>\n": "a Debian package or a library",
}
INCLUDES_LINUX = r"^\s*#include [<\"](linux|asm)[/]"
# Written so that this file does not find itself.
WITHIN = {
    rb"S390E[P]": "an s390x kernel",
    rb"\x7fEL[F]\x02\x02\x01.{9}\0[\2\3]\0\x16": "an s390x program",
    rb"07070[12][0-9A-Fa-f]{104}": "a cpio archive",
    rb"debian-binar[y]   ": "a Debian package",
}
TEXT = {
    r"SPDX-License-Identifie[r]:\s*\(?L?GPL": "source text under the GPL",
    r"under the terms of the GNU (Lesser )?General Publi[c]": "text under the GPL",
    r"^\s*MODULE_LICENS[E]\(": "source text of Linux",
    r"^\s*EXPORT_SYMBO[L](_GPL)?\(": "source text of Linux",
    INCLUDES_LINUX: "source text of Linux",
    r"^\s*#include \"(qemu/osde[p]|hw/s390[x]/|qom/objec[t])": "source text of QEMU",
    r"^\s*(OBJECT_DECLARE|DEFINE_PRO[P]|type_ini[t]\()": "source text of QEMU",
}


def foreign(name: str, data: bytes) -> str | None:
    """Return what foreign content a file is or has; None if it is ours."""
    for magic, kind in PACKED.items():
        if not data.startswith(magic):
            continue
        if name not in OURS and not name.startswith(TRACES):
            return f"compressed with {kind}, and not one of ours"
        return foreign(name.removesuffix(".gz"), gzip.decompress(data))
    for magic, what in BEGINNINGS.items():
        if data.startswith(magic):
            return what
    for pattern, what in WITHIN.items():
        if re.search(pattern, data, re.DOTALL):
            return what
    return foreign_text(name, data)


def foreign_text(name: str, data: bytes) -> str | None:
    """Return whose text a file has; None if it is no text, or ours."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    for line, what in TEXT.items():
        may_include = line == INCLUDES_LINUX and name in USERS_OF_LINUX
        if not may_include and re.search(line, text, re.MULTILINE):
            return what
    return None


def found(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return the reasons of foreign files, by name."""
    reasons = {name: foreign(name, data) for name, data in files}
    assert len(reasons) > 100, "this is not the whole of it"
    return {name: why for name, why in reasons.items() if why}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it; return the folder they are in."""
    folder = tmp_path_factory.mktemp("dist")
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        env=os.environ | {"PATH": path},
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_the_repository() -> None:
    """No file that is committed, or would be, is foreign."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = [name for name in os.fsdecode(listed.stdout).split("\0") if name]
    paths = {name: ROOT / name for name in names}
    assert not found(
        (name, path.read_bytes())
        for name, path in paths.items()
        if path.exists() and stat.S_ISREG(path.lstat().st_mode)
    )


def test_the_sdist(built: Path) -> None:
    """No file in the sdist is foreign."""
    (path,) = built.glob("*.tar.gz")
    files: list[tuple[str, bytes]] = []
    with tarfile.open(path) as sdist:
        for member in sdist:
            file = sdist.extractfile(member)
            if file is not None:
                name = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                files.append((str(name), file.read()))
    assert not found(files)


def test_the_wheel(built: Path) -> None:
    """No file in the wheel is foreign."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        assert not found((name, wheel.read(name)) for name in wheel.namelist())


KERNEL = bytes(0x10008) + "S390{}P".format("E").encode() + bytes(100)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x7fELF\2\2\1", "an ELF program"),
        (KERNEL, "an s390x kernel"),
        (bytes(512) + KERNEL, "an s390x kernel"),
        (archive({"/init": b""}), "a cpio archive"),
        (bytes(4096) + archive({"/init": b""}), "a cpio archive"),
        (b"!<arch>\ndebian", "a Debian package or a library"),
        (gzip.compress(b"", mtime=0), "compressed with gzip, and not one of ours"),
        (lzma.compress(b""), "compressed with xz, and not one of ours"),
        ("// SPDX-License-{}: GPL-2.0".format("Identifier").encode(), "under the GPL"),
        ("#include <{}/module.h>".format("linux").encode(), "source text of Linux"),
        ('#include "qemu/{}.h"'.format("osdep").encode(), "source text of QEMU"),
    ],
)
def test_it_would_be_found(data: bytes, why: str) -> None:
    """Each forbidden kind of file is found, also within another."""
    reason = foreign("tests/data/new", data)
    assert reason is not None
    assert why in reason


def test_what_is_packed_is_looked_into() -> None:
    """A kernel in an image that is known to be compressed is found as well."""
    name = min(OURS)
    assert foreign(name, gzip.compress(KERNEL)) == "an s390x kernel"
    with pytest.raises((OSError, EOFError, zlib.error)):
        foreign(name, b"\x1f\x8b\x08 but no gzip")
