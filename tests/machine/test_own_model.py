"""A device model of the user's own, named in a machine file."""

import asyncio
from pathlib import Path

import pytest

from ccw_actors.errors import MachineFileError
from ccw_actors.machine import GuestResult, load_machine, run_machine

ROOT = Path(__file__).parent.parent.parent
BOX = (ROOT / "examples" / "devices" / "message_box.py").read_text()
MACHINE = """\
[[device]]
number = "0150"
type = "box"
model = "{box}:{model}"

[[guest]]
name = "alice"
storage = "64 KiB"
program = "{box}:sense"

[[guest.device]]
number = "0190"
host = "0150"
"""
GUEST = """

async def sense(cpu):
    pmcw = (await cpu.store(0)).schib.pmcw
    await cpu.modify(0, pmcw.with_flag(Pmcw.enabled, on=True))
    ccws = Ccw(0x55, 0, 1, 0x2000), Ccw(SENSE, 0, 1, 0x2000)
    results = []
    for ccw in ccws:
        await cpu.storage.write(0x1000, ccw.to_bytes(1))
        await cpu.start(0, Orb.command(0x1000))
        await cpu.wait()
        results.append((await cpu.test(0)).irb.scsw.dstat)
    return [*results, (await cpu.storage[0x2000:0x2001]).hex()]


def fails(configuration):
    raise LookupError("no box")


def nothing(configuration):
    return None


NUMBER = 5
"""


def machine_file(folder: Path, model: str) -> Path:
    """Write a machine file whose device has a model, and the module of that model."""
    box = f"box_of_{folder.name}"
    (folder / f"{box}.py").write_text(BOX + GUEST)
    path = folder / "machine.toml"
    path.write_text(MACHINE.format(box=box, model=model))
    return path


def result_of(path: Path) -> GuestResult:
    """Run a machine; return the result of its guest."""
    return asyncio.run(run_machine(load_machine(path))).guests["alice"]


def test_model_beside_the_machine_file_is_run(tmp_path: Path) -> None:
    """The guest gets what the model answers: unit check, then sense data."""
    result = result_of(machine_file(tmp_path, "MessageBox"))
    assert (result.error, result.result) == (None, [0x0E, 0x0C, "80"])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("fails", "LookupError: no box"),
        ("nothing", "expected a device model, but it has no state_type"),
    ],
)
def test_what_makes_no_model_is_the_guests_error(
    tmp_path: Path, model: str, expected: str
) -> None:
    """The guest that the device was for cannot run, and the error names the model."""
    error = result_of(machine_file(tmp_path, model)).error
    assert error is not None
    assert f":{model}: {expected}" in error


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (":MessageBox", ":MessageBax", "device[0].model: box_of_"),
        (":MessageBox", ":NUMBER", "a callable that makes a device model, got int"),
        ("model = ", "# ", "device[0].type: expected a device type, one of"),
        ('"box"\nmodel =', '"3390"\n#', "device[0].image: missing; expected the path"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A mistake is told in one line with the file, the key and what was expected."""
    path = machine_file(tmp_path, "MessageBox")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(MachineFileError, match=r"\A[^\n]*\Z") as caught:
        load_machine(path)
    assert expected in str(caught.value)
