"""Faults of a machine's devices: in its file, while it runs, and what guests find."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccw_actors.actors import Cpu
from ccw_actors.channel import Cstat, Dstat
from ccw_actors.control import ControlClient, ControlSocket
from ccw_actors.errors import MachineFileError, RequestFailedError
from ccw_actors.faults import Fault
from ccw_actors.machine import (
    AddFault,
    ClearFaults,
    HostDevice,
    ListFaults,
    Machine,
    load_machine,
    run_machine,
)
from ccw_actors.machine._channel_program import Give, Take
from ccw_actors.machine.guest_os import find_devices
from tests.machine.contents import ALICE
from tests.machine.test_run import HOST, guest

DEVICE = str(HOST)
MACHINE = """\
[[device]]
number = "0150"
type = "3390"
image = "{image}"
read_only = true

[[device.fault]]
{fault}

[[guest]]
name = "alice"
storage = "1 MiB"
program = "ccw_actors.machine.programs:read_volume"

[[guest.device]]
number = "0190"
host = "0150"
"""


def extent(head: int) -> bytes:
    """Return an argument of DEFINE EXTENT for one track of cylinder 0."""
    track = bytes((0, 0, 0, head))
    return bytes((0x40, 0xC0)) + bytes(6) + track + track


def location(head: int, record: int) -> bytes:
    """Return an argument of LOCATE RECORD for one record of cylinder 0."""
    track = bytes((0, 0, 0, head))
    return bytes((0x06, 0, 0, 1)) + track + track + bytes((record, 0xFF, 0, 0))


async def reads(cpu: Cpu, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Read records of cylinder 0; return the status of each program, or its cc."""
    (disk,) = await find_devices(cpu)
    found: list[tuple[int, int]] = []
    for head, record in places:
        ending = await disk.run(
            Give(0x63, extent(head)), Give(0x47, location(head, record)), Take(0x06)
        )
        found.append((ending.dstat, ending.cstat))
    return found


def with_faults(*faults: Fault, program: Any = reads, **arguments: Any) -> Machine:
    """Return a machine with one guest, whose disk has the faults."""
    disk = HostDevice(HOST, "3390", ALICE, read_only=True, faults=faults)
    return Machine((disk,), (guest("subject", program, **arguments),))


def found(*faults: Fault, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Run a guest that reads; return what it found."""
    run = asyncio.run(run_machine(with_faults(*faults, places=places)))
    result = run.guests["subject"]
    assert result.error is None, result.error
    return msgspec.convert(result.result, list[tuple[int, int]])


NORMAL = Dstat.CHANNEL_AND_DEVICE_END
CHECK = NORMAL | Dstat.UNIT_CHECK
DONE = (NORMAL, 0)


def test_track_and_record() -> None:
    """Reads of the track, or of the record, fail; all others do not."""
    at_track = Fault("unit check", sense="data check", track=(0, 1), times="always")
    at_record = Fault(
        "unit check", sense="data check", record=3, commands=(0x06,), times="always"
    )
    places = [(0, 1), (1, 0), (0, 3), (0, 2)]
    statuses = [one[0] for one in found(at_track, at_record, places=places)]
    assert statuses == [NORMAL, CHECK, CHECK, NORMAL]


def test_path_that_goes_and_comes() -> None:
    """The program that meets it is cut short; the path is back for the next one."""
    off = Fault("path off", nth=1, commands=(0x47,))
    on = Fault("path on", after=0.2)
    (first,) = found(off, on, places=[(0, 1)])
    assert first[1] == Cstat.INTERFACE_CONTROL_CHECK


@pytest.mark.parametrize(
    ("fault", "key", "text"),
    [
        ("", "device[0].fault[0].effect", "missing; expected one of unit check"),
        ('effect = "pain"', "device[0].fault[0].effect", "expected one of unit check"),
        ('effect = "stall"', "device[0].fault[0].seconds", "expected more than 0"),
        (
            'effect = "path on"\ntrack = [1]',
            "device[0].fault[0].track",
            "expected a cylinder and a head, as in [3, 14], got [1]",
        ),
        (
            'effect = "path on"\ncommands = [6, 256]',
            "device[0].fault[0].commands[1]",
            "expected a list of command codes, each 0 to 255, got 256",
        ),
        (
            'effect = "path on"\ntrak = 1',
            "device[0].fault[0].trak",
            "unknown key; did you mean track?",
        ),
        (
            'effect = "unit check"\nsense = "pain"',
            "device[0].fault[0].sense",
            "expected the name of sense data",
        ),
    ],
)
def test_wrong_table(tmp_path: Path, fault: str, key: str, text: str) -> None:
    """An error in the file names the key, and says what was expected."""
    file = tmp_path / "machine.toml"
    file.write_text(MACHINE.format(image=ALICE, fault=fault))
    with pytest.raises(MachineFileError) as caught:
        load_machine(file)
    assert str(caught.value).startswith(f"{file}: {key}: {text}")


def test_table(tmp_path: Path) -> None:
    """A table of the file is a fault of the device."""
    file = tmp_path / "machine.toml"
    fault = 'effect = "stall"\nseconds = 1.5\ntrack = [3, 14]\ntimes = "always"'
    file.write_text(MACHINE.format(image=ALICE, fault=fault))
    (device,) = load_machine(file).devices
    made = Fault("stall", seconds=1.5, track=(3, 14), times="always")
    assert device.faults == (made,)
    assert device.is_faulty


async def read_until_check(cpu: Cpu) -> int:
    """Read a record until that ends in unit check; return the device status."""
    (disk,) = await find_devices(cpu)
    while True:
        ending = await disk.run(
            Give(0x63, extent(0)), Give(0x47, location(0, 1)), Take(0x06)
        )
        if ending.dstat & Dstat.UNIT_CHECK:
            return ending.dstat


def asked_for_faults() -> tuple[list[int], tuple[int, ...]]:
    """Add, list and clear faults as another process does; return what is answered."""
    check = Fault("unit check", sense="08", commands=(0x06,))
    with ControlClient("m", timeout=30) as client:
        while not client.ask(ListFaults()).devices:
            pass  # until the device is there
        assert client.ask(ListFaults(DEVICE)).devices[0].faults[0].number == 1
        gone = client.ask(ClearFaults(DEVICE, (1, 7))).numbers
        with pytest.raises(RequestFailedError, match=r"no device 0\.0\.9999"):
            client.ask(AddFault("0.0.9999", check))
        return [client.ask(AddFault(DEVICE, check)).number], gone


def test_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that come by the control socket happen, have numbers, and go."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    rare = Fault("path on", nth=1 << 40)
    what = with_faults(rare, program=read_until_check)

    async def both() -> Any:
        control = ControlSocket.claim("m")
        running = asyncio.create_task(run_machine(what, control=control))
        return await asyncio.to_thread(asked_for_faults), await running

    (numbers, gone), run = asyncio.run(both())
    assert (numbers, gone) == ([2], (1,))
    result = run.guests["subject"]
    assert (result.error, result.result) == (None, CHECK)
