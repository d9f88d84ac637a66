"""`ccw-actors kernel build`, with a toolchain that compiles nothing."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from ccw_actors.kernel.build import KernelSourceError, read_build
from tests.cli.in_process import Ended, ccw_actors
from tests.kernel.build.toolchain import install, new_tree

CHANGE = """\
name = "own"
title = "One more"
purpose = "a test"

[[edits]]
file = "drivers/s390/cio/vfio_ccw_drv.c"
function = "started"
before = "return"
lines = "more();"
"""
DRIVER = "drivers/s390/cio/vfio_ccw_drv.c"


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a tree to build with the fake toolchain, in a cache of its own."""
    monkeypatch.setenv("PATH", install(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CROSS_COMPILE", raising=False)
    return new_tree(tmp_path / "linux")


@pytest.fixture
def own_change(tmp_path: Path) -> Path:
    """Return the file of an edit script."""
    path = tmp_path / "own.toml"
    path.write_text(CHANGE)
    return path


def build(*words: str | Path, status: int = 0) -> Ended:
    """Run the command; it has to end with this status."""
    ended = ccw_actors("kernel", "build", *words)
    assert ended.status == status, ended
    return ended


def folder_of(ended: Ended) -> Path:
    """Return the kernel's folder, which a command has printed."""
    return Path(ended.out.removesuffix("\n"))


def compiled(tmp_path: Path) -> list[str]:
    """Return what the newest build has compiled, by its log."""
    logs = (tmp_path / "cache/ccw-actors/kernel/objects").glob("*.log")
    newest = max(logs, key=lambda path: path.stat().st_mtime_ns)
    lines = newest.read_text().splitlines()
    return [Path(line.split()[1]).name for line in lines if "  CC " in line]


def test_the_folder_of_a_kernel(tree: Path, tmp_path: Path) -> None:
    """The command prints it; it has the kernel's files, and what they are."""
    ended = build(tree)
    folder = folder_of(ended)
    assert folder.parent == tmp_path / "cache/ccw-actors/kernel/kernels"
    assert ended.err == ""
    assert sorted(path.name for path in folder.iterdir()) == [
        "System.map",
        "build.json",
        "bzImage",
        "config",
        "vmlinux",
    ]
    assert "CONFIG_VFIO_CCW=y" in (folder / "config").read_text()
    done = read_build(folder)
    assert (done.version, done.package, done.tree) == ("6.12.118", "", str(tree))
    assert done.compiler == "s390x-linux-gnu-gcc (test) 1.2.3"
    assert (done.configuration, done.change, done.commit) == ((), "", "")


def test_json(tree: Path, tmp_path: Path) -> None:
    """--json prints the folder, and what build.json says."""
    output = tmp_path / "new/folder"
    ended = build(tree, "--json", "--output", output, "--config-add", "lockdep")
    said = json.loads(ended.out)
    assert said.pop("folder") == str(output)
    assert said == json.loads((output / "build.json").read_text())
    assert said["format"] == "ccw-actors kernel build"
    assert said["configuration"] == ["lockdep"]
    assert "CONFIG_PROVE_LOCKING=y" in (output / "config").read_text()


def test_only_what_changes_is_compiled(tree: Path, tmp_path: Path) -> None:
    """A second build of a tree compiles nothing, or the one file that has changed."""
    build(tree)
    assert compiled(tmp_path) == ["other.c", "vfio_ccw_drv.c"]
    build(tree)
    assert compiled(tmp_path) == []
    (tree / "drivers/s390/cio/other.c").write_text("int another;\n")
    folder = folder_of(build(tree))
    assert compiled(tmp_path) == ["other.c"]
    assert "another" in (folder / "vmlinux").read_text()


def test_a_change(tree: Path, tmp_path: Path, own_change: Path) -> None:
    """After a build without the change only the changed file is compiled.

    The tree stays as it is.
    """
    before = (tree / DRIVER).read_text()
    plain = folder_of(build(tree))
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["vfio_ccw_drv.c"]
    assert (tree / DRIVER).read_text() == before
    assert "more();" in (folder / "vmlinux").read_text()
    assert "more();" not in (plain / "vmlinux").read_text()
    assert folder.name == f"{plain.name}-own"
    assert read_build(folder).change == "own"
    build(tree, "--change", own_change)
    assert compiled(tmp_path) == []


def test_a_change_that_is_tried_first(
    tree: Path, tmp_path: Path, own_change: Path
) -> None:
    """What was built later without the change does not count as newer."""
    build(tree, "--change", own_change)
    build(tree)
    objects = tmp_path / "cache/ccw-actors/kernel/objects"
    (changed,) = objects.glob("*+own")
    shutil.rmtree(changed)
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["vfio_ccw_drv.c"]
    assert "more();" in (folder / "vmlinux").read_text()


def test_a_changed_tree_follows_the_tree(
    tree: Path, tmp_path: Path, own_change: Path
) -> None:
    """Files that change, come and go in the tree do so in its changed copy."""
    build(tree, "--change", own_change)
    other = tree / "drivers/s390/cio/other.c"
    other.unlink()
    (tree / "drivers/added.c").write_text("int added;\n")
    (tree / DRIVER).write_text("int started(void)\n{\n\treturn 2;\n}\n")
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["added.c", "vfio_ccw_drv.c"]
    linked = (folder / "vmlinux").read_text()
    assert "int other" not in linked
    assert "more();\n\treturn 2;" in linked
    own_change.write_text(CHANGE.replace("more();", "less();"))
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["vfio_ccw_drv.c"]
    assert "less();" in (folder / "vmlinux").read_text()
    assert (tree / DRIVER).read_text().count("();") == 0


def test_a_change_that_changes_more_and_less(
    tree: Path, tmp_path: Path, own_change: Path
) -> None:
    """A file that it no longer changes is compiled again, as it is in the tree."""
    build(tree, "--change", own_change)
    second = CHANGE.partition("[[edits]]")[2].replace("more();", "int more;")
    second = second.replace(DRIVER, "drivers/s390/cio/other.c")
    second = second.replace('function = "started"\n', "").replace("return", "other")
    own_change.write_text(f"{CHANGE}\n[[edits]]{second}")
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["other.c"]
    assert "int more;" in (folder / "vmlinux").read_text()
    assert "more" not in (tree / "drivers/s390/cio/other.c").read_text()
    own_change.write_text(CHANGE)
    folder = folder_of(build(tree, "--change", own_change))
    assert compiled(tmp_path) == ["other.c"]
    assert "int more;" not in (folder / "vmlinux").read_text()
    build(tree, "--change", own_change)
    assert compiled(tmp_path) == []


def test_a_change_that_does_not_apply(tree: Path, own_change: Path) -> None:
    """It is one line with the edit, and status 125: this kernel cannot be built."""
    own_change.write_text(CHANGE.replace("started", "ended"))
    ended = build(tree, "--change", own_change, status=125)
    assert f"own, edit 1: {DRIVER} has no function ended" in ended.line


def test_a_kernel_that_does_not_compile(tree: Path, tmp_path: Path) -> None:
    """The line has the compiler's error and the log; no kernel is written."""
    (tree / "drivers/s390/cio/other.c").write_text("#error\n")
    output = tmp_path / "kernel"
    ended = build(tree, "--output", output, status=125)
    assert "make bzImage failed: drivers/s390/cio/other.c:1:2: error: #e" in ended.line
    assert ".log)" in ended.line
    assert not output.exists()


@pytest.mark.parametrize(
    ("said", "status", "line"),
    [
        ("a.c:1:10: fatal error: openssl/bio.h: No such file", 2, "libssl-dev"),
        ("a.c:1:10: fatal error: gelf.h: No such file", 2, "libelf-dev"),
        ("ld: cannot find -lelf: No such file", 2, "libelf-dev"),
        ("/bin/sh: 1: python3: not found", 2, "apt-get install python3"),
        ("ld: b.o: undefined reference to `x'", 125, "undefined reference to `x'"),
        ("make: *** No rule to make target 'bzImage'.  Stop.", 125, "No rule to make"),
        ("", 125, "make bzImage failed"),
    ],
)
def test_what_make_says(
    tree: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: int, line: str
) -> None:
    """The reason of a failure is one line; what the machine lacks has its package."""
    monkeypatch.setenv("FAKE_SAYS", said)
    assert line in build(tree, status=status).line


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu"),
        ("s390x-linux-gnu-ld", "binutils-s390x-linux-gnu"),
        ("make", "make"),
        ("gcc", "gcc"),
        ("flex", "flex"),
        ("bison", "bison"),
        ("bc", "bc"),
        ("perl", "perl"),
    ],
)
def test_a_missing_program(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    package: str,
) -> None:
    """The line names the program, and Debian's package of it."""
    monkeypatch.setenv("PATH", install(tmp_path / "less", without=program))
    ended = build(tree, status=2)
    assert ended.line == (
        f"ccw-actors: there is no {program}: apt-get install {package}"
    )


def test_another_prefix(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CROSS_COMPILE of the environment is the prefix of the tools' names."""
    monkeypatch.setenv("CROSS_COMPILE", "mine-")
    line = build(tree, status=2).line
    assert line == "ccw-actors: there is no mine-gcc: apt-get install gcc"
    for name in ("gcc", "ld"):
        (tmp_path / f"bin/mine-{name}").symlink_to(f"s390x-linux-gnu-{name}")
    build(tree)


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("CONFIG_VFIO_CCW", "the configuration lacks CONFIG_VFIO_CCW: "),
        ("CONFIG_SCLP_CONSOLE", "the configuration lacks CONFIG_SCLP_CONSOLE: "),
        ("CONFIG_DEBUG_INFO", "the configuration lacks CONFIG_DEBUG_INFO: "),
        ("CONFIG_VFIO CONFIG_VFIO_CCW", "CONFIG_VFIO, CONFIG_VFIO_CCW: "),
    ],
)
def test_a_symbol_that_is_not_set(
    tree: Path, monkeypatch: pytest.MonkeyPatch, lacks: str, said: str
) -> None:
    """It is an error that names the symbol."""
    monkeypatch.setenv("FAKE_LACKS", lacks)
    assert said in build(tree, status=125).line


def test_a_symbol_that_a_version_does_not_have(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not expected: the tree has no S390_CCW_IOMMU."""
    monkeypatch.setenv("FAKE_LACKS", "CONFIG_S390_CCW_IOMMU")
    build(tree)


def test_two_builds_at_once(tree: Path, tmp_path: Path) -> None:
    """The second one ends at once, and says what the first one uses."""
    build(tree)
    (lock,) = (tmp_path / "cache/ccw-actors/kernel/objects").glob("*.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        line = build(tree, status=125).line
    assert "another process is building in " in line
    assert str(lock.with_suffix("")) in line
    build(tree)


def test_no_space(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line has the folder, what is left, and what is expected."""

    def disk_usage(_path: Path) -> Usage:
        return Usage(1 << 40, 1 << 40, 1 << 28)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    line = build(tree, status=125).line
    assert "objects has 0.2 GiB left; expected 2.0 GiB" in line


def test_trees_that_cannot_be_built(tree: Path, tmp_path: Path) -> None:
    """The line says what the folder lacks, or has too much."""
    line = build(tmp_path / "nowhere", status=2).line
    assert "there is no folder" in line
    assert "such as 6.12" in line
    assert "is no tree of Linux" in build(tmp_path, status=2).line
    (tree / ".config").touch()
    line = build(tree, status=2).line
    assert "has been built in (.config)" in line
    assert line.endswith(f"make -C {tree} ARCH=s390 mrproper")
    (tree / DRIVER).unlink()
    line = build(tree, status=125).line
    assert f"Linux 6.12.118 has no vfio_ccw ({DRIVER}); expected Linux 4.12" in line


def test_additions(tree: Path) -> None:
    """Unknown ones, and those that exclude each other, are refused."""
    line = build(tree, "--config-add", "kmsan", status=2).line
    assert "no addition kmsan; expected one of kasan, kcsan, lockdep" in line
    both = ("--config-add", "kcsan", "--config-add", "kasan")
    assert "kasan and kcsan exclude each other" in build(tree, *both, status=2).line
    two = ("--config-add", "lockdep", "--config-add", "kasan")
    assert read_build(folder_of(build(tree, *two))).configuration == (
        "kasan",
        "lockdep",
    )


def test_a_commit(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a tree in Git build.json has the commit, and whether files differ from it."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", tree, *words], check=True)
    clean = read_build(folder_of(build(tree))).commit
    assert len(clean) == 40
    (tree / DRIVER).write_text("int y;\n")
    assert read_build(folder_of(build(tree))).commit == f"{clean}-dirty"


def test_reading_a_folder_without_a_kernel(tmp_path: Path) -> None:
    """The error names the file, and the command that writes it."""
    with pytest.raises(KernelSourceError, match="'ccw-actors kernel build' writes it"):
        read_build(tmp_path)
    (tmp_path / "build.json").write_text("{}")
    with pytest.raises(KernelSourceError, match="missing required field `version`"):
        read_build(tmp_path)
