"""A guest in a QEMU on a kernel's own vfio_ccw: examples/kernel/nested.py."""

import os
import platform
import shutil
from pathlib import Path

import pytest

from examples.kernel.nested import Nested, run
from examples.linux.console import Finding
from examples.linux.software import (
    Software,
    SoftwareError,
    default_cache,
    prepare,
    prepare_qemu,
)
from tests.kernel.machines import compile_bare

OVER = Finding("over", "seconds=2.00", None)
VOLUME_SERIAL = "VOL1EMPTY1".encode("cp037").hex()


@pytest.fixture
def nested_software() -> tuple[Software, Path]:
    """The kernel under test with tools, and the folder of a QEMU for s390x."""
    folder = os.environ.get("CCW_ACTORS_KERNEL")
    if folder is None:
        pytest.skip("CCW_ACTORS_KERNEL names no folder of 'ccw-actors kernel build'")
    if platform.machine() != "x86_64":
        pytest.skip(f"emulated guests are for x86_64, this is {platform.machine()}")
    if shutil.which("qemu-system-s390x") is None:
        pytest.skip("apt-get install qemu-system-misc: there is no qemu-system-s390x")
    try:
        software = prepare(default_cache()).with_kernel(Path(folder) / "bzImage")
        return software, prepare_qemu(default_cache())
    except SoftwareError as error:
        pytest.skip(f"the guests' software is not available: {error}")


@pytest.mark.kernel
def test_a_program_reads_a_label(
    nested_software: tuple[Software, Path], tmp_path: Path
) -> None:
    """A program's SSCH goes through the nested QEMU and the real vfio_ccw to the disk.

    It reads the volume label, and the kernel says that vfio_ccw has executed one SSCH.
    """
    program = compile_bare("label", tmp_path)
    result = run(*nested_software, program, tmp_path / "trace")
    told = {one.name: one.text for one in result.found}
    assert result.wrong == ""
    assert (told["ssch"], told["tsch"]) == ("00000000", "00000000")
    assert told["label"] == VOLUME_SERIAL
    assert result.counts["emulator-ssch"] == 1


@pytest.mark.kernel
@pytest.mark.slow
def test_linux_uses_a_dasd(
    nested_software: tuple[Software, Path], tmp_path: Path
) -> None:
    """The same kernel, as the guest, formats the DASD, writes it and reads it.

    vfio_ccw executes each SSCH of the guest once, and so does this package.
    """
    result = run(*nested_software, None, tmp_path / "trace")
    assert result.wrong == ""
    assert result.counts["guest-ssch"] > 1
    assert {"online-0190", "dasdfmt", "same"} <= {one.name for one in result.found}


@pytest.mark.parametrize(
    ("counts", "started", "wrong"),
    [
        ({"guest-ssch": 5, "emulator-ssch": 5, "host-ssch": 7}, 7, ""),
        ({"emulator-ssch": 1, "host-ssch": 2}, 2, ""),
        ({"emulator-ssch": 0, "host-ssch": 2}, 2, "vfio_ccw has not executed"),
        (
            {"guest-ssch": 6, "emulator-ssch": 5, "host-ssch": 7},
            7,
            "vfio_ccw has not executed",
        ),
        ({"emulator-ssch": 3, "host-ssch": 2}, 2, "this package has not got"),
        ({"emulator-ssch": 1, "host-ssch": 2}, 3, "this package has not got"),
    ],
)
def test_counts_have_to_agree(counts: dict[str, int], started: int, wrong: str) -> None:
    """A run is wrong if one level has not got what the level above has sent."""
    assert Nested((OVER,), counts, started).wrong.startswith(wrong)
    assert bool(Nested((OVER,), counts, started).wrong) == bool(wrong)


def test_a_command_that_failed() -> None:
    """A run is wrong if a command failed, or the script did not come to its end."""
    counts = {"emulator-ssch": 1, "host-ssch": 2}
    failed = Finding("bind", "rc=1", 1)
    assert Nested((failed, OVER), counts, 2).wrong == "failed: bind"
    assert "end of its script" in Nested((), {}, 2).wrong
    assert "end of its script" in Nested((OVER,), {"guest-ssch": 1}, 2).wrong
