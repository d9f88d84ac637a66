"""A guest of QEMU from its start to its end, with stand-ins for QEMU."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.machine import (
    Binary,
    ConsoleTarget,
    DeviceNumber,
    GuestResult,
    HostDevice,
    Machine,
    MachineRun,
    PassedThrough,
    QemuGuest,
    StorageSize,
    run_machine,
)

pytestmark = pytest.mark.asyncio

PROGRAM = """#!/bin/sh
[ "$2" = vfio-ccw,help ] && echo '{device} options:' && exit
echo "$$" >{pid}
{body}
"""


def machine(folder: Path, body: str, *, device: str = "vfio-ccw") -> Machine:
    """Make a machine with one guest, whose QEMU is a script."""
    program = folder / "qemu"
    program.write_text(PROGRAM.format(device=device, pid=folder / "pid", body=body))
    program.chmod(0o755)
    image = folder / "disk.img"
    create_tracks(image, ckd_volume(ckd_type("3390")[0], 1), "DISK01")
    number = DeviceNumber(0x190)
    guest = QemuGuest(
        "guest",
        StorageSize(1 << 20),
        binary=Binary(program),
        console=ConsoleTarget(folder / "console"),
        devices=(PassedThrough(number, number),),
    )
    return Machine((HostDevice(number, "3390", image),), (guest,))


async def result(folder: Path, body: str, *, device: str = "vfio-ccw") -> GuestResult:
    """Run it; return the result of the guest, of which nothing is left."""
    run = await run_machine(machine(folder, body, device=device))
    assert not (folder / "disk.img.journal").exists()
    return run.guests["guest"]


async def test_end_in_order(tmp_path: Path) -> None:
    """A QEMU that ends with 0 has finished, and its devices are released."""
    found = await result(tmp_path, "exit 0")
    assert (found.error, found.status, found.released) == (None, 0, True)


async def test_end_with_a_word(tmp_path: Path) -> None:
    """For another status, the error has the status and the last line of output."""
    found = await result(tmp_path, "echo one >&2; echo 'no such board' >&2; exit 3")
    assert found.status == 3
    assert found.error is not None
    assert found.error.endswith("ended with exit status 3: no such board")


async def test_killed(tmp_path: Path) -> None:
    """For a killed QEMU, the error names the signal."""
    found = await result(tmp_path, "kill -9 $$")
    assert found.status == -9
    assert found.error is not None
    assert found.error.endswith("was ended by SIGKILL")
    assert found.released is True


async def test_no_vfio_ccw(tmp_path: Path) -> None:
    """A QEMU without the device is not started."""
    found = await result(tmp_path, "exit 0", device="virtio-blk-ccw")
    assert found.error is not None
    assert "expected a QEMU for s390x that has the device vfio-ccw" in found.error
    assert not (tmp_path / "pid").exists()


async def test_no_program(tmp_path: Path) -> None:
    """A missing program is an error."""
    made = machine(tmp_path, "exit 0")
    (tmp_path / "qemu").unlink()
    run = await run_machine(made)
    assert run.guests["guest"].error == f"there is no {tmp_path / 'qemu'}"


async def test_no_place_for_the_console(tmp_path: Path) -> None:
    """A console that cannot be written is an error before anything is started."""
    made = machine(tmp_path, "exit 0")
    (tmp_path / "console").mkdir()
    run = await run_machine(made)
    assert run.guests["guest"].error == f"{tmp_path / 'console'}: Is a directory"
    assert not (tmp_path / "pid").exists()


async def test_console(tmp_path: Path) -> None:
    """The output of the console is in its file."""
    find = "for word; do case $word in *console,fd=*) fd=${word##*=};; esac; done"
    write = f'{sys.executable} -c \'import os; os.write(int(os.environ["FD"]), b"hi")\''
    found = await result(tmp_path, f"{find}\nFD=$fd exec {write}")
    assert found.error is None
    assert (tmp_path / "console").read_bytes() == b"hi"


@pytest.mark.parametrize("way", ["stop", "cancel"])
async def test_end_of_the_run(tmp_path: Path, way: str) -> None:
    """A QEMU that ignores requests ends with the run, and its image is closed."""
    os.mkfifo(tmp_path / "pid")
    run = MachineRun(machine(tmp_path, "exec sleep 1000"))
    task = asyncio.create_task(run.run())
    pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
    if way == "stop":
        run.stop()
    else:
        task.cancel()
    await asyncio.wait({task})
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "disk.img.journal").exists()
