"""The example that boots Linux: its parts without a guest, and its errors.

Tests with guests are in tests/linux.
"""

import gzip
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ccw_actors.kernel.boot import Executable, Folder, SymbolicLink, archive
from examples.linux.console import findings
from examples.linux.elf import needed

ROOT = Path(__file__).parents[2]
BOOT = ROOT / "examples" / "linux" / "boot.py"

needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None
    or not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists(),
    reason="this is not a Debian with apt",
)


def boot(folder: Path, *words: str, path: str | None = None) -> str:
    """Run the example, which has to fail; return its only line.

    A QEMU is on PATH, which never runs.
    """
    programs = folder / "programs"
    programs.mkdir()
    (programs / "qemu-system-s390x").write_text("")
    (programs / "qemu-system-s390x").chmod(0o755)
    if path is None:
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, BOOT, "new.img", "--cache", folder / "cache", *words],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert not (folder / "new.img").exists()
    return line


def entries(raw: bytes) -> dict[str, tuple[int, bytes]]:
    """Read an archive: mode and content of each file, by name."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while at < len(raw):
        assert raw[at : at + 6] == b"070701"
        fields = [int(raw[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = raw[at + 110 : at + 109 + length].decode()
        at += 110 + length + -(110 + length) % 4
        found[name] = (mode, raw[at : at + size])
        at += size + -size % 4
    return found


def test_an_archive(tmp_path: Path) -> None:
    """An archive has the files, folders before their files, and the console."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o700)
    raw = archive(
        {
            "/init": Executable(b"x" * 3),
            "/lib/a/b": b"data",
            "/bin/sh": SymbolicLink("busybox"),
            "/bin/script": script,
            "/mnt": Folder(),
        }
    )
    assert len(raw) % 4 == 0
    found = entries(raw)
    assert list(found).index("lib") < list(found).index("lib/a")
    assert found["init"] == (stat.S_IFREG | 0o755, b"xxx")
    assert found["lib/a/b"] == (stat.S_IFREG | 0o644, b"data")
    assert found["bin/sh"] == (stat.S_IFLNK | 0o777, b"busybox")
    assert found["bin/script"] == (stat.S_IFREG | 0o755, b"#!/bin/sh\n")
    assert found["mnt"] == found["dev"] == (stat.S_IFDIR | 0o755, b"")
    assert stat.S_ISCHR(found["dev/console"][0])
    assert list(found)[-1] == "TRAILER!!!"


@pytest.mark.skipif(shutil.which("cpio") is None, reason="there is no cpio")
def test_cpio_reads_an_archive() -> None:
    """The program cpio lists the files of an archive, without a complaint."""
    raw = archive({"/init": b"", "/lib/a/b": b"data"})
    done = subprocess.run(
        ["cpio", "-t", "--quiet"], input=raw, capture_output=True, check=True
    )
    names = done.stdout.decode().split()
    assert names == ["dev", "init", "lib", "lib/a", "lib/a/b", "dev/console"]
    assert not done.stderr


def test_no_program_needs_nothing() -> None:
    """A script, and a program for another processor, need no library of s390x."""
    assert needed(b"#!/bin/sh\n") == []
    assert needed(Path(sys.executable).read_bytes()) == []


@pytest.mark.skipif(
    shutil.which("s390x-linux-gnu-gcc") is None, reason="there is no cross compiler"
)
def test_what_a_program_needs(tmp_path: Path) -> None:
    """A program for s390x names its loader and its libraries."""
    (tmp_path / "main.c").write_text(
        "double sin(double); int main(int n, char **v) { return sin(n) > 0 && v; }"
    )
    words = ["s390x-linux-gnu-gcc", "-o", "main", "main.c", "-lm"]
    subprocess.run(words, cwd=tmp_path, check=True)
    found = needed((tmp_path / "main").read_bytes())
    assert set(found) == {"ld64.so.1", "libc.so.6", "libm.so.6"}


def test_findings() -> None:
    """Lines for a program are found among the kernel's, with any line ending."""
    console = "boot\r\n@ up seconds=2.5\r\n[ 1.0] @ no\n@ mkfs rc=1 seconds=3\n@ over"
    up, mkfs, over = findings(console)
    assert (up.name, up.text, up.rc) == ("up", "seconds=2.5", None)
    assert (mkfs.name, mkfs.rc) == ("mkfs", 1)
    assert (over.name, over.text) == ("over", "")


@needs_apt
def test_no_network(tmp_path: Path) -> None:
    """If the mirror does not answer, one line says so, and no file is made."""
    mirror = ["--mirror", "http://127.0.0.1:9/debian", "--suite", "bookworm"]
    line = boot(tmp_path, *mirror)
    assert line.startswith("boot.py: apt-get: ")
    assert "127.0.0.1" in line


@needs_apt
def test_an_unsigned_mirror(tmp_path: Path) -> None:
    """Packages that Debian has not signed are refused."""
    release = tmp_path / "mirror/dists/bookworm"
    packages = release / "main/binary-s390x/Packages.gz"
    packages.parent.mkdir(parents=True)
    packages.write_bytes(gzip.compress(b""))
    (release / "Release").write_text("Suite: bookworm\nCodename: bookworm\n")
    mirror = ["--mirror", f"file:{tmp_path}/mirror", "--suite", "bookworm"]
    line = boot(tmp_path, *mirror)
    assert "is not signed" in line


@needs_apt
def test_a_mirror_without_a_suite(tmp_path: Path) -> None:
    """A mirror has several releases, so you have to name one."""
    line = boot(tmp_path, "--mirror", "http://127.0.0.1:9/debian")
    assert line == "boot.py: --mirror needs a suite, as in --suite trixie"


@needs_apt
def test_no_apt(tmp_path: Path) -> None:
    """Without apt, one line says what was expected."""
    line = boot(tmp_path, path=str(tmp_path / "programs"))
    assert line == (
        "boot.py: there is no program apt-get; expected a Debian with apt and dpkg"
    )


def test_no_qemu(tmp_path: Path) -> None:
    """Without QEMU, one line says so before anything is downloaded."""
    line = boot(tmp_path, path=str(tmp_path))
    assert line == "boot.py: there is no program qemu-system-s390x"
    assert not (tmp_path / "cache").exists()
