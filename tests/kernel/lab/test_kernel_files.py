"""The files of a kernel under test are found, or the error says what to do."""

import json
from pathlib import Path

import pytest

from ccw_actors.kernel.lab import KernelFileError, KernelFiles
from tests.cli.in_process import ccw_actors

CONFIG = """\
# Linux/s390 6.12.9 Kernel Configuration
CONFIG_CC_VERSION_TEXT="a compiler"
CONFIG_VFIO_CCW=y
CONFIG_SCLP_CONSOLE=y
CONFIG_BLK_DEV_INITRD=y
CONFIG_CPU_ISOLATION=y
CONFIG_DEBUG_INFO=y
"""


def tree(root: Path, config: str = CONFIG) -> Path:
    """Make a tree that was built in; return its bzImage."""
    boot = root / "arch" / "s390" / "boot"
    boot.mkdir(parents=True)
    # boot/vmlinux unpacks the kernel; every build leaves one there
    for path in (boot / "bzImage", boot / "vmlinux", root / "vmlinux"):
        path.write_bytes(b"")
    (root / ".config").write_text(config)
    return boot / "bzImage"


def test_own_tree(tmp_path: Path) -> None:
    """What a tree has is found from its bzImage, with version and compiler."""
    found = KernelFiles.find(tree(tmp_path))
    assert found.vmlinux == tmp_path / "vmlinux"
    assert (found.target.version, found.target.compiler) == ("6.12.9", "a compiler")


def test_own_tree_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a bzImage may be relative to the folder that has it."""
    monkeypatch.chdir(tree(tmp_path).parent)
    assert KernelFiles.find(Path("bzImage")).vmlinux == tmp_path / "vmlinux"


def test_folder_of_a_build(tmp_path: Path) -> None:
    """A folder that 'kernel build' has written says what was built."""
    for name in ("bzImage", "vmlinux"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "config").write_text(CONFIG)
    build = {"version": "6.12.118", "change": "clear-flag", "configuration": ["kasan"]}
    (tmp_path / "build.json").write_text(json.dumps(build))
    target = KernelFiles.find(tmp_path).target
    assert (target.version, target.change, target.configuration) == (
        *("6.12.118", "clear-flag"),
        ("kasan",),
    )


@pytest.mark.parametrize(
    "option",
    ["VFIO_CCW", "SCLP_CONSOLE", "BLK_DEV_INITRD", "CPU_ISOLATION", "DEBUG_INFO"],
)
def test_missing_option(tmp_path: Path, option: str) -> None:
    """A kernel without what a test needs is named, with the option."""
    config = CONFIG.replace(f"CONFIG_{option}=y", f"# CONFIG_{option} is not set")
    with pytest.raises(KernelFileError, match=f"expected CONFIG_{option}=y: "):
        KernelFiles.find(tree(tmp_path, config))


@pytest.mark.parametrize("missing", ["vmlinux", ".config"])
def test_missing_file(tmp_path: Path, missing: str) -> None:
    """A bzImage alone is not enough."""
    image = tree(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(KernelFileError, match=f"there is no .*{missing.strip('.')}"):
        KernelFiles.find(image)


@pytest.mark.parametrize("text", ["{", '{"version": 6}'])
def test_damaged_build_json(tmp_path: Path, text: str) -> None:
    """A build.json that cannot be read is named."""
    image = tree(tmp_path)
    (tmp_path / "build.json").write_text(text)
    with pytest.raises(KernelFileError, match=r"build\.json: "):
        KernelFiles.find(image)


def test_command_without_a_kernel(tmp_path: Path) -> None:
    """Without a kernel to boot the exit status is that which git bisect skips."""
    image = tmp_path / "bzImage"
    ended = ccw_actors("kernel", "test", image)
    assert (ended.status, ended.out) == (125, "")
    assert ended.line == f"ccw-actors: there is no {image}: expected a bzImage"


@pytest.mark.parametrize("program", ["/bin/true", "/nothere", "."])
def test_command_without_a_qemu(tmp_path: Path, program: str) -> None:
    """A QEMU that cannot be used says nothing about the kernel: git bisect skips it."""
    image = tree(tmp_path)
    ended = ccw_actors("kernel", "test", image, "--qemu", program)
    assert (ended.status, ended.out) == (125, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scenario", "mial"), "no scenario 'mial'; did you mean mail?"),
        (("--tries", "0"), "--tries: expected a whole number from 1 to 1000"),
        (
            ("--junit", "none/file"),
            "--junit: expected a file in a folder that exists",
        ),
    ],
)
def test_usage_errors(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """A wrong option is named before anything runs."""
    ended = ccw_actors("kernel", "test", tmp_path, *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.line
