"""A machine in several processes that share one host: deaths, and what it answers."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ccw_actors.errors import MachineFileError
from ccw_actors.kernel.refinement import check_own_trace
from ccw_actors.machine import RunResult, run_machine
from ccw_actors.machine.processes import run_in_processes
from ccw_actors.trace import FailureRecord, TraceReader, type_name
from tests.machine.contents import ALICE, contents, unpack
from tests.machine.test_processes import device, guest, source
from tests.machine.test_run import found

ROOT = Path(__file__).parents[2]
READS = "ccw_actors.machine.programs:read_volume"
READS_BLOCKING = "ccw_actors.machine.programs:read_volume_blocking"
DYING = "tests.machine.dying_programs"
STALL = """\
[[device.fault]]
effect = "stall"
seconds = 3600
"""


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes find the programs of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def dying(name: str, program: str, point: str, host: str) -> str:
    """Return the table of a guest in the process "east" that dies at a point."""
    text = guest(name, f"{DYING}:{program}", "east", host)
    table, mark, passed = text.partition("[[guest.device]]")
    return f'{table}arguments = {{ point = "{point}" }}\n\n{mark}{passed}'


def run(what: Any, placement: Any = "shared-host", **options: Any) -> RunResult:
    """Run a machine in processes, by default with one host."""
    return asyncio.run(run_in_processes(what, placement=placement, **options))


class Handled(NamedTuple):
    """A message in a trace."""

    recipient: str
    kind: str
    sender: str


def read(trace: Path) -> tuple[list[Any], Any, list[Handled]]:
    """Return events and types of a trace, and the messages that were handled."""
    with trace.open("rb") as file:
        reader = TraceReader(file)
        events = [one for one in reader if not isinstance(one, FailureRecord)]
        types = reader.types
    handled = [
        Handled(one.recipient, type_name(one, types), one.sender)
        for one in events
        if not hasattr(one, "reason")
    ]
    return events, types, handled


# -- results --------------------------------------------------------------------------


@pytest.mark.parametrize("placement", ["shared-host", "with-guest"])
def test_results_are_those_of_one_process(tmp_path: Path, placement: str) -> None:
    """Programs that await and programs in Pykka threads find the same."""
    machine = source(
        tmp_path,
        *(device(number, ALICE) for number in ("0150", "0151", "0152", "0153")),
        guest("alice", READS, "east", "0150"),
        guest("pykka", READS_BLOCKING, "west", "0151"),
        guest("data", "tests.machine.guest_programs:AS_DATA", "west", "0152"),
        guest("fails", "tests.machine.guest_programs:fail_in_thread", "west", "0153"),
    )
    trace = tmp_path / "trace"
    one = asyncio.run(run_machine(machine.machine()))
    several = run(machine, placement, trace=trace)
    assert several.guests == one.guests
    assert found(several.guests["pykka"]) == contents(ALICE)
    for name in ("StartSubchannel", "IoRequest", "Start", "Pin", "ExecuteCommand"):
        assert several.system.messages[name] == one.system.messages[name]
    events, types, _ = read(trace)
    answer = check_own_trace(events, types)
    assert answer.refused is None
    assert {"host/0.0.0151/cio", "pykka/0.0.0190/subchannel"} < set(answer.checked)


def test_who_lives_where(tmp_path: Path) -> None:
    """A trace has the guests' messages to and from the parent in causal order."""
    trace = tmp_path / "trace"
    machine = source(tmp_path, device("0150", ALICE), guest("a", READS, "", "0150"))
    run(machine, trace=trace)
    events, types, _ = read(trace)
    parents = {event.number % 2 for event in events if event.recipient == "a/storage"}
    seen: set[int] = set()
    for event in events:
        assert event.cause == 0 or event.cause in seen
        seen.add(event.number)
        layer = event.recipient.rpartition("/")[2]
        if layer in ("cio", "device", "volume", "vfio-ccw"):
            assert {event.number % 2} == parents
        if layer in ("css", "emulator", "cpu0"):
            assert {event.number % 2} != parents
    assert check_own_trace(events, types).refused is None


def test_image_that_cannot_be_used(tmp_path: Path) -> None:
    """The guest does not start, and says why as in one process; others go on."""
    bad = tmp_path / "bad.img"
    bad.write_bytes(b"no image")
    machine = source(
        tmp_path,
        device("0150", bad),
        device("0151", ALICE),
        guest("a", READS, "east", "0150"),
        guest("b", READS, "east", "0151"),
    )
    one = asyncio.run(run_machine(machine.machine()))
    several = run(machine)
    assert several.guests == one.guests
    assert "bad.img" in str(several.guests["a"].error)


def test_image_that_is_cut_short(tmp_path: Path) -> None:
    """The guest fails with the reason that it has in one process; others go on."""
    results: list[Any] = []
    for name in ("one", "several"):
        folder = tmp_path / name
        folder.mkdir()
        image = unpack(ALICE, folder)
        program = "tests.machine.guest_programs:read_volume_cut_short"
        table, mark, passed = guest("a", program, "east", "0150").partition("[[guest.")
        arguments = f'arguments = {{ image = "{image}", size = 1000000 }}\n'
        machine = source(
            folder,
            device("0150", image),
            device("0151", ALICE),
            f"{table}{arguments}{mark}{passed}",
            guest("b", READS, "west", "0151"),
        )
        one = name == "one"
        result = asyncio.run(run_machine(machine.machine())) if one else run(machine)
        results.append(result.guests)
    one, several = results
    assert several["b"] == one["b"]
    assert one["a"].error
    assert several["a"].error.replace("several", "one") == one["a"].error


BROKEN = """\
from examples.devices.message_box import MessageBox


class Broken(MessageBox):
    def execute(self, state, command, tracks):
        raise RuntimeError("no luck")
"""


def test_device_that_fails(tmp_path: Path) -> None:
    """Its guest fails as in one process, and others go on."""
    module = f"broken_{os.getpid()}"
    (tmp_path / f"{module}.py").write_text(BROKEN)
    sense = "tests.machine.guest_programs:as_coroutine"
    box = f'[[device]]\nnumber = "0150"\ntype = "box"\nmodel = "{module}:Broken"\n'
    machine = source(
        tmp_path,
        box,
        device("0151", ALICE),
        guest("a", sense, "east", "0150"),
        guest("b", READS, "east", "0151"),
    )
    one = asyncio.run(run_machine(machine.machine()))
    several = run(machine)
    assert several.guests["b"] == one.guests["b"]
    assert str(one.guests["a"].error).startswith("host/0.0.0150/device failed on ")
    assert several.guests["a"].error == one.guests["a"].error


# -- deaths ---------------------------------------------------------------------------

POINTS = (
    ("idle", ""),
    ("started", STALL),
    ("active", STALL),
    ("halting", STALL),
    ("clearing", STALL),
    ("suspended", ""),
    ("pending", ""),
)


@pytest.mark.parametrize(("point", "fault"), POINTS)
def test_process_that_is_killed(tmp_path: Path, point: str, fault: str) -> None:
    """Its pins are released, its subchannel is cleared, and no other guest notices."""
    trace = tmp_path / "trace"
    machine = source(
        tmp_path,
        device("0150", ALICE, f"read_only = true\n\n{fault}"),
        device("0151", ALICE),
        dying("dying", "dies", point, "0150"),
        guest("other", READS, "west", "0151"),
    )
    result = run(machine, trace=trace)
    assert found(result.guests["other"]) == contents(ALICE)
    died = result.guests["dying"]
    assert str(died.error).startswith("process east (")
    assert str(died.error).endswith(") was ended by SIGKILL")
    assert died.released is True
    events, types, handled = read(trace)
    assert check_own_trace(events, types).refused is None
    pins = list(pins_of(handled, "dying"))
    if point not in ("idle", "started"):
        assert "Pin" in pins
    assert pins[-1] == "UnpinAll"
    assert "UnpinAll" not in pins_of(handled, "other")
    given_up = [one.recipient for one in handled if one.kind == "NotOperational"]
    assert given_up == ["host/0.0.0150/cio"]


def pins_of(handled: list[Handled], name: str) -> Iterator[str]:
    """Yield what the VfioCcw of a guest has asked the guest's storage for, of pins."""
    for one in handled:
        pair = (f"{name}/storage", f"{name}/0.0.0190/vfio-ccw")
        if (one.recipient, one.sender) == pair and "pin" in one.kind.lower():
            yield one.kind


@pytest.mark.parametrize("program", ["dies", "dies_blocking"])
def test_all_guests_of_a_process_go(tmp_path: Path, program: str) -> None:
    """The subchannels of each of them are given up, also those of a Pykka guest."""
    machine = source(
        tmp_path,
        device("0150", ALICE, f"read_only = true\n\n{STALL}"),
        device("0151", ALICE),
        device("0152", ALICE),
        dying("dying", program, "active", "0150"),
        guest("along", "tests.machine.guest_programs:wait_for_ever", "east", "0151"),
        guest("other", READS_BLOCKING, "west", "0152"),
    )
    trace = tmp_path / "trace"
    result = run(machine, trace=trace)
    assert found(result.guests["other"]) == contents(ALICE)
    for name in ("dying", "along"):
        assert str(result.guests[name].error).endswith("was ended by SIGKILL")
        assert result.guests[name].released is True
    _, _, handled = read(trace)
    given_up = [one.recipient for one in handled if one.kind == "NotOperational"]
    assert sorted(given_up) == ["host/0.0.0150/cio", "host/0.0.0151/cio"]


def test_process_that_has_no_part_yet(tmp_path: Path) -> None:
    """A process that cannot begin has nothing to release."""
    module = tmp_path / f"ends_{os.getpid()}.py"
    begins = f"import os\nif os.getpid() != {os.getpid()}:\n    os._exit(3)\n"
    module.write_text(f"{begins}async def fine(cpu):\n    pass\n")
    machine = source(
        tmp_path,
        device("0150", ALICE),
        guest("a", f"{module.stem}:fine", "east", "0150"),
    )
    result = run(machine).guests["a"]
    assert str(result.error).endswith(") ended with status 3")
    assert not result.released


# -- the machine file -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('placement = "shared"', 'placement: expected "shared-host" or "with-guest"'),
        (
            'placement = "shared-host"',
            (
                'device[0].process: expected none, as placement = "shared-host" says'
                " where it is, got east"
            ),
        ),
    ],
)
def test_machine_files(tmp_path: Path, options: str, said: str) -> None:
    """A placement is one of two, and a device of a shared host has no process."""
    file = source(
        tmp_path,
        options,
        device("0150", ALICE, 'process = "east"'),
        guest("a", READS, "east", "0150"),
    )
    with pytest.raises(MachineFileError) as caught:
        file.machine()
    assert f"machine.toml: {said}" in str(caught.value)


def test_placement_that_does_not_fit(tmp_path: Path) -> None:
    """What is given to a run is checked as if the machine file said it."""
    file = source(
        tmp_path,
        device("0150", ALICE, 'process = "east"'),
        guest("a", READS, "east", "0150"),
    )
    with pytest.raises(MachineFileError) as caught:
        run(file)
    assert "machine.toml: device[0].process: expected none" in str(caught.value)
