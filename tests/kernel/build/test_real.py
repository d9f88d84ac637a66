"""Real sources of Linux: built with real tools, and booted."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from ccw_actors.debian import SoftwareError
from ccw_actors.kernel.build import (
    BuildFailedError,
    ToolMissingError,
    build,
    default_cache,
    edited,
    find_source,
    read_change,
    shipped_changes,
)

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        platform.freedesktop_os_release().get("ID") != "debian",
        reason="the sources are packages of Debian",
    ),
]
VERSIONS = ("6.1", "6.12", "7.2")
CONSOLES = (
    ("-nographic",),
    (
        *("-nodefaults", "-display", "none"),
        *("-chardev", "stdio,id=c", "-device", "sclplmconsole,chardev=c"),
    ),
)
EVERY_CHANGE = ("", *shipped_changes())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", shipped_changes())
def test_changes_apply(version: str, name: str) -> None:
    """A change of this package applies to each version that it names."""
    try:
        source = find_source(version, default_cache())
    except SoftwareError as error:
        pytest.skip(f"{error}")
    change = read_change(name)
    found = edited(change, source.tree, source.version)
    for file, text in found.items():
        before = (source.tree / file).read_text()
        kept = iter(text.splitlines())
        assert all(line in kept for line in before.splitlines())
        assert len(text) > len(before)
    assert set(found) == {edit.file for edit in change.edits}


@pytest.mark.parametrize("change", EVERY_CHANGE)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_kernel(version: str, change: str, tmp_path: Path) -> None:
    """It builds, has debug information, and prints on both consoles of QEMU."""
    qemu = shutil.which("qemu-system-s390x")
    if qemu is None:
        pytest.skip("there is no qemu-system-s390x")
    try:
        folder, done = build(version, default_cache(), change=change, output=tmp_path)
    except (SoftwareError, ToolMissingError) as error:
        pytest.skip(f"{error}")
    assert done.version.startswith(f"{version}.")
    assert done.package.startswith(f"linux-source-{version} {version}.")
    names = (folder / "System.map").read_text()
    assert " fsm_io_request\n" in names
    assert b".debug_info" in (folder / "vmlinux").read_bytes()
    for console in CONSOLES:
        said = subprocess.run(
            [
                *(qemu, "-machine", "s390-ccw-virtio", "-no-reboot", *console),
                *("-kernel", folder / "bzImage", "-append", "panic=-1"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert f"Linux version {done.version} " in said.stdout
        assert "Unable to mount root fs" in said.stdout


def test_a_real_error(tmp_path: Path) -> None:
    """The line has the file and line of the compiler's error."""
    script = tmp_path / "wrong.toml"
    script.write_text(
        'name = "wrong"\ntitle = ""\npurpose = ""\n[[edits]]\n'
        'file = "drivers/s390/cio/vfio_ccw_fsm.c"\nfunction = "fsm_irq"\n'
        'before = "queue_work("\nlines = "no_such_type x;"\n'
    )
    try:
        with pytest.raises(BuildFailedError) as error:
            build("6.12", default_cache(), change=str(script), output=tmp_path)
    except (SoftwareError, ToolMissingError) as missing:
        pytest.skip(f"{missing}")
    assert "drivers/s390/cio/vfio_ccw_fsm.c:" in str(error.value)
    assert "error: " in str(error.value)
    assert "no_such_type" in str(error.value)
