"""Linux does about each fault what its table says.

    CCW_ACTORS_RECORD=1 python -m pytest -m linux tests/linux/test_error_recovery.py

records what Linux does now, from which `python -m tools.pages linux-error-recovery`
writes the table.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccw_actors.faults import Fault
from ccw_actors.vfio import qemu_version
from examples.linux.software import Software
from tests.linux.error_recovery import (
    PANIC,
    ROWS,
    Observed,
    observe,
    record,
    recorded,
)
from tests.linux.harness import Disk, Guest, run_machine

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]


def compare(found: Mapping[str, Observed], software: Software) -> None:
    """Compare what Linux did with the table, except for the time that it took."""
    if os.environ.get("CCW_ACTORS_RECORD"):
        qemu = shutil.which("qemu-system-s390x")
        assert qemu is not None, "it has just run"
        versions = {
            "kernel": software.modules.name,
            "qemu": qemu_version(Path(qemu)).number,
        }
        record(found, versions)
    known = recorded()
    differing = {
        name: (one, known.get(name))
        for name, one in found.items()
        if name not in known or replace(one, seconds=known[name].seconds) != known[name]
    }
    assert not differing


@pytest.mark.parametrize("is_slow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_linux_does(
    software: Software, formatted: MakeDisk, *, is_slow: bool
) -> None:
    """Each fault of the table leads to the tries, signals and messages there."""
    rows = [row for row in ROWS if row.is_slow is is_slow]
    compare(observe(software, rows, formatted), software)


@pytest.mark.slow
def test_linux_panics(software: Software, formatted: MakeDisk) -> None:
    """A data check that the control unit has corrected ends Linux."""
    fault = Fault("unit check", sense=PANIC.fault.sense, commands=PANIC.fault.commands)
    disk = Disk(formatted().image, control_unit="2107", faults=(fault,))
    script = """
        online 0190
        dd if=/dev/$disk of=/dev/null bs=4096 skip=480 count=1 iflag=direct
        tell alive yes
    """
    run = run_machine(Guest(software, {"0190": disk}, script))["guest"]
    assert not run.told("alive")
    assert "Kernel panic" in run.console
    compare({PANIC.name: Observed("kernel panic", tries=1)}, software)
