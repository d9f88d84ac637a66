"""A QEMU whose host part is in another process: its IPL, and its death."""

import asyncio
import os
import select
import shutil
import signal
from pathlib import Path

import pytest

from ccw_actors.kernel.refinement import check_own_trace
from ccw_actors.machine import MachineSource, Placement, Progress
from ccw_actors.machine.processes import run_in_processes
from tests.machine.contents import ALICE, contents
from tests.machine.test_processes import children, device, guest, source
from tests.machine.test_run import found
from tests.machine.test_shared_host import READS, STALL, pins_of, read

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-system-s390x") is None, reason="there is no QEMU"
)
QEMU = """\
[[guest]]
name = "qemu"
emulator = "qemu"
storage = "64 MiB"
process = "east"
boot = "0190"
console = "console"
arguments = ["-action", "panic={action}"]

[[guest.device]]
number = "0190"
host = "0150"
"""


def machine(folder: Path, action: str, fault: str = "") -> MachineSource:
    """Return a machine whose QEMU tries to IPL, and a guest that reads a volume."""
    return source(
        folder,
        device("0150", ALICE, f"read_only = true\n\n{fault}"),
        device("0151", ALICE),
        QEMU.format(action=action),
        guest("other", READS, "west", "0151"),
    )


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
def test_ipl_from_a_disk(tmp_path: Path, placement: Placement) -> None:
    """QEMU's firmware reads the disk, and says that it is no Linux."""
    trace = tmp_path / "trace"
    what = machine(tmp_path, "shutdown")
    result = asyncio.run(run_in_processes(what, placement=placement, trace=trace))
    assert "IPL1 data invalid" in (tmp_path / "console").read_text()
    qemu = result.guests["qemu"]
    assert (qemu.error, qemu.status, qemu.ios, qemu.released) == (None, 0, 3, True)
    events, types, _ = read(trace)
    answer = check_own_trace(events, types)
    assert answer.refused is None
    assert {"qemu/0.0.0190/vfio-ccw", "host/0.0.0150/cio"} < set(answer.checked)


def test_process_of_a_qemu_that_is_killed(tmp_path: Path) -> None:
    """Its device is closed while a channel program is in progress, its QEMU ends."""
    trace, killed = tmp_path / "trace", list[int]()
    ours = set(children())

    def kill(progress: Progress) -> None:
        report = progress.guests["qemu"].report
        if report is not None and report.ios and not killed:
            for pid in set(children()) - ours:
                name = Path(f"/proc/{pid}/task/{pid}/children").read_text()
                if name.strip():  # it has a child, the QEMU
                    killed.append(os.pidfd_open(int(name)))
                    os.kill(pid, signal.SIGKILL)

    what = machine(tmp_path, "pause", STALL)
    running = run_in_processes(
        what, placement="shared-host", trace=trace, on_progress=kill
    )
    result = asyncio.run(running)
    assert found(result.guests["other"]) == contents(ALICE)
    assert str(result.guests["qemu"].error).endswith(") was ended by SIGKILL")
    assert result.guests["qemu"].released is True
    (qemu,) = killed
    poll = select.poll()
    poll.register(qemu, select.POLLIN)
    assert poll.poll(20_000)
    os.close(qemu)
    _, _, handled = read(trace)
    assert list(pins_of(handled, "qemu")) == ["Pin", "Unpin"]
