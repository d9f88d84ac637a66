"""A machine in several processes: same results, one trace, and deaths."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ccw_actors.control import (
    ControlClient,
    ControlSocket,
    DescribeMachine,
    DumpActors,
    StopMachine,
)
from ccw_actors.errors import MachineFileError, RequestFailedError
from ccw_actors.faults import Fault
from ccw_actors.kernel.refinement import check_own_trace
from ccw_actors.machine import (
    AddFault,
    AttachDisk,
    ClearFaults,
    ListFaults,
    MachineSource,
    PauseGuest,
    Placement,
    RunResult,
    run_machine,
)
from ccw_actors.machine.processes import guests_by_process, run_in_processes
from ccw_actors.trace import FailureRecord, TraceReader
from tests.machine.contents import ALICE, BOB, contents, unpack
from tests.machine.test_run import found

ROOT = Path(__file__).parents[2]
DEVICE = """\
[[device]]
number = "{number}"
type = "3390"
image = "{image}"
{options}
"""
GUEST = """\
[[guest]]
name = "{name}"
storage = "1 MiB"
program = "{program}"
{options}
"""
PASSED = """\
[[guest.device]]
number = "0190"
host = "{host}"
"""
PROGRAMS = """\
import os
import signal
import sys

from ccw_actors.machine.programs import read_volume
from tests.machine.guest_programs import write_record


async def fine(cpu):
    return {"process": os.getpid()}


async def waits(cpu):
    await cpu.wait()


async def dies(cpu):
    await cpu.store(0)
    os.kill(os.getpid(), signal.SIGKILL)


async def exits(cpu):
    os._exit(7)


async def dies_in_a_write(cpu):
    real, calls = os.pwrite, 0

    def pwrite(fd, data, at):
        nonlocal calls
        calls += 1
        if calls < 2:
            return real(fd, data, at)
        real(fd, bytes(data)[:30], at)
        os.kill(os.getpid(), signal.SIGKILL)

    os.pwrite = pwrite
    await write_record(cpu, "new")
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write guest programs next to the machine file; return their module's name."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    name = "programs_" + "".join(filter(str.isalnum, tmp_path.name))
    (tmp_path / f"{name}.py").write_text(PROGRAMS)
    return name


def source(folder: Path, *parts: str) -> MachineSource:
    """Return the source of a machine file in a folder."""
    return MachineSource(folder / "machine.toml", "\n".join(parts))


def device(number: str, image: Path, options: str = "read_only = true") -> str:
    """Return the table of a device."""
    return DEVICE.format(number=number, image=image, options=options)


def guest(name: str, program: str, process: str = "", host: str = "") -> str:
    """Return the table of a guest, with a device if there is a host's number."""
    options = f'process = "{process}"' if process else ""
    text = GUEST.format(name=name, program=program, options=options)
    return text + (PASSED.format(host=host) if host else "")


def readers(folder: Path) -> MachineSource:
    """Return a machine of two guests in two processes, which read their volumes."""
    program = "ccw_actors.machine.programs:read_volume"
    return source(
        folder,
        device("0150", ALICE),
        device("0151", BOB),
        guest("alice", program, "east", "0150"),
        guest("bob", program, "west", "0151"),
    )


def run(what: MachineSource, **options: Any) -> RunResult:
    """Run a machine in processes, on its own event loop."""
    return asyncio.run(run_in_processes(what, **options))


def test_results_are_those_of_one_process(tmp_path: Path) -> None:
    """Guests, counts and messages of channel I/O are the same in any number."""
    machine = readers(tmp_path)
    one = asyncio.run(run_machine(machine.machine()))
    several = run(machine)
    assert several.finished
    assert several.guests == one.guests
    assert found(several.guests["alice"]) == contents(ALICE)
    own = set(several.system.messages) - set(one.system.messages)
    assert own == {"AwaitPartGuest", "EndPart", "HandlerEnded", "Joined"}
    for name in ("StartSubchannel", "Start", "ExecuteCommand", "ReadTrack"):
        assert several.system.messages[name] == one.system.messages[name]


def test_guests_are_in_their_processes(tmp_path: Path, programs: str) -> None:
    """Guests that name a process share it, and no guest is in the parent."""
    fine = f"{programs}:fine"
    result = run(
        source(
            tmp_path,
            guest("a", fine, "east"),
            guest("b", fine, "west"),
            guest("c", fine, "east"),
            guest("d", fine),
        )
    )
    at: dict[str, Any] = {name: one.result for name, one in result.guests.items()}
    pids = {name: one["process"] for name, one in at.items()}
    assert pids["a"] == pids["c"]
    assert len({os.getpid(), *pids.values()}) == 4


def test_guests_are_dealt_out(tmp_path: Path, programs: str) -> None:
    """A count deals out the guests that name no process; others share one."""
    fine = f"{programs}:fine"
    guests = [guest(f"g{number}", fine) for number in range(5)]
    machine = source(tmp_path, *guests, guest("x", fine, "east")).machine()
    assert guests_by_process(machine, 2) == {
        "process-1": ("g0", "g2", "g4"),
        "process-2": ("g1", "g3"),
        "east": ("x",),
    }
    names = ("g0", "g1", "g2", "g3", "g4")
    assert guests_by_process(machine) == {"main": names, "east": ("x",)}


def test_one_trace_in_causal_order(tmp_path: Path) -> None:
    """The actors allow what the trace says, and no message precedes its cause."""
    trace = tmp_path / "trace"
    result = run(readers(tmp_path), trace=trace)
    assert (result.trace, result.trace_error or None) == (str(trace), None)
    with trace.open("rb") as file:
        reader = TraceReader(file)
        events = [one for one in reader if not isinstance(one, FailureRecord)]
        types = reader.types
    seen: set[int] = set()
    for one in events:
        assert one.number not in seen
        assert one.cause == 0 or one.cause in seen
        seen.add(one.number)
    answer = check_own_trace(events, types)
    assert answer.refused is None
    checked = set(answer.checked)
    assert {"host/0.0.0150/subchannel", "host/0.0.0151/subchannel"} < checked
    assert {"alice/0.0.0190/vfio-ccw", "bob/0.0.0190/vfio-ccw"} < checked


@pytest.mark.parametrize(
    ("program", "said"),
    [("dies", "was ended by SIGKILL"), ("exits", "ended with status 7")],
)
def test_process_that_dies(
    tmp_path: Path, programs: str, program: str, said: str
) -> None:
    """It takes its own guests along and no others, and they say how."""
    reads = "ccw_actors.machine.programs:read_volume"
    machine = source(
        tmp_path,
        device("0150", ALICE),
        device("0151", ALICE),
        guest("dying", f"{programs}:{program}", "east", "0150"),
        guest("along", f"{programs}:waits", "east"),
        guest("other", reads, "west", "0151"),
    )
    trace = tmp_path / "trace"
    result = run(machine, trace=trace)
    assert found(result.guests["other"]) == contents(ALICE)
    for name in ("dying", "along"):
        error = result.guests[name].error
        assert error is not None
        assert error.startswith("process east (")
        assert error.endswith(f") {said}")
    assert result.trace_error == "without the last messages of east, which died"
    with trace.open("rb") as file:
        recipients = {getattr(one, "recipient", "") for one in TraceReader(file)}
    assert "other/0.0.0190/subchannel" in recipients


def test_volume_of_a_process_that_died(
    tmp_path: Path, programs: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a write is undone when its volume is next opened, and the user is told."""
    image = unpack(ALICE, tmp_path)
    before = image.read_bytes()
    dies = f"{programs}:dies_in_a_write"
    writable = device("0150", image, "")
    result = run(source(tmp_path, writable, guest("a", dies, "east", "0150")))
    assert "SIGKILL" in str(result.guests["a"].error)
    assert image.read_bytes() != before
    reads = "ccw_actors.machine.programs:read_volume"
    caplog.set_level(logging.INFO, "ccw_actors")
    again = run(source(tmp_path, writable, guest("a", reads, "east", "0150")))
    assert found(again.guests["a"]) == contents(ALICE)
    assert image.read_bytes() == before
    assert any(str(image) in line for line in caplog.messages)


def test_process_that_cannot_begin(tmp_path: Path, programs: str) -> None:
    """Its guests say why in one line; others go on."""
    module = tmp_path / f"not_{programs}.py"
    text = (
        f'import os\nif os.getpid() != {os.getpid()}:\n    raise OSError("no\\nluck")\n'
    )
    module.write_text(text + PROGRAMS)
    machine = source(tmp_path, guest("a", f"not_{programs}:fine", "east"))
    machine.machine()  # nothing is wrong here
    result = run(machine)
    error = str(result.guests["a"].error)
    assert error.startswith("process east (")
    assert error.endswith(f"importing not_{programs} failed: OSError: no luck")
    assert "\n" not in error


@pytest.mark.parametrize(
    ("guest_process", "device_process", "said"),
    [
        ("a b", "", "guest[0].process: expected a name of at most 64 letters"),
        ("host", "", "guest[0].process: expected a name of at most 64 letters"),
        ("east", "west", "device[0].process: expected the process of guest a (east)"),
        (
            "",
            "west",
            "device[0].process: expected the process of guest a (it has none)",
        ),
    ],
)
def test_machine_files(
    tmp_path: Path, programs: str, guest_process: str, device_process: str, said: str
) -> None:
    """A process has a name, and a device is in that of its guest."""
    options = f'process = "{device_process}"' if device_process else ""
    file = source(
        tmp_path,
        device("0150", ALICE, options),
        guest("a", f"{programs}:fine", guest_process, "0150"),
    )
    with pytest.raises(MachineFileError) as caught:
        file.machine()
    assert f"machine.toml: {said}" in str(caught.value)


QEMU = """\
[[guest]]
name = "{name}"
emulator = "qemu"
storage = "1 MiB"
binary = "./qemu"
process = "{process}"
"""
STAND_IN = """\
#!/bin/sh
[ "$2" = vfio-ccw,help ] && echo 'vfio-ccw options:' && exit
echo word >&2
exit 3
"""


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
def test_guests_in_qemus(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], placement: str
) -> None:
    """The results of QEMUs are those of one process, and nothing else is printed."""
    (tmp_path / "qemu").write_text(STAND_IN)
    (tmp_path / "qemu").chmod(0o755)
    machine = source(
        tmp_path,
        device("0150", ALICE),
        device("0151", ALICE),
        QEMU.format(name="a", process="east") + PASSED.format(host="0150"),
        QEMU.format(name="b", process="west") + PASSED.format(host="0151"),
    )
    one = asyncio.run(run_machine(machine.machine()))
    capfd.readouterr()
    several = run(machine, placement=placement)
    for name, guest in several.guests.items():
        assert str(guest.error).endswith("ended with exit status 3: word")
        assert replace(guest, error=None) == replace(one.guests[name], error=None)
    assert several.guests["b"].released is True
    assert capfd.readouterr() == ("", "")


# -- while it runs --------------------------------------------------------------------


def ask_in_turn(name: str, left: list[Any]) -> None:
    """Ask a running machine what other processes may ask."""
    with ControlClient(name, timeout=30) as client:
        while True:
            described = client.ask(DescribeMachine())
            states = {one.name: one.state for one in described.guests}
            if states == {"done": "finished", "waiting": "running"}:
                break
        left.append(described)
        added = client.ask(AddFault("0.0.0150", Fault("busy", times=1)))
        listed = client.ask(ListFaults())
        left.append([one.device for one in listed.devices])
        client.ask(ClearFaults("0.0.0150", (added.number,)))
        left.append({one.path for one in client.ask(DumpActors()).dump.actors})
        for request in (
            AddFault("0.0.0999", Fault("busy")),
            PauseGuest("nobody"),
            PauseGuest("waiting"),
            AttachDisk("waiting", "0191", "3390", str(ALICE)),
        ):
            with pytest.raises(RequestFailedError) as caught:
                client.ask(request)
            left.append((caught.value.kind, str(caught.value)))
        client.ask(StopMachine())


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
def test_requests_while_it_runs(
    tmp_path: Path, programs: str, placement: Placement
) -> None:
    """The control interface is that of one machine."""
    machine = source(
        tmp_path,
        device("0150", ALICE),
        device("0151", ALICE),
        guest("waiting", f"{programs}:waits", "east", "0150"),
        guest("done", f"{programs}:fine", "west", "0151"),
    )
    left: list[Any] = []

    async def both() -> RunResult:
        running = asyncio.create_task(
            run_in_processes(
                machine,
                control=ControlSocket.claim("m"),
                takes_faults=True,
                placement=placement,
            )
        )
        await asyncio.to_thread(ask_in_turn, "m", left)
        return await running

    result = asyncio.run(both())
    described, listed, dumped, *refused = left
    assert (described.name, described.pid) == ("m", os.getpid())
    assert [one.guest for one in described.devices] == ["waiting", "done"]
    assert listed == ["0.0.0150", "0.0.0151"]
    at = "host" if placement == "shared-host" else "east"
    assert f"{at}: host/0.0.0150/subchannel" in dumped
    kinds = [kind for kind, _ in refused]
    assert kinds == ["FaultError", *["AttachmentError"] * 3]
    assert result.guests["waiting"].error == "stopped by request"
    assert result.guests["done"].error is None


@pytest.mark.parametrize("placement", ["with-guest", "shared-host"])
def test_cancelled_run_ends_its_processes(
    tmp_path: Path, programs: str, placement: Placement
) -> None:
    """When the task is cancelled, no process is left."""
    machine = source(
        tmp_path, device("0150", ALICE), guest("a", f"{programs}:waits", "east", "0150")
    )
    joined: list[int] = []
    before = set(children())

    async def cancelled() -> None:
        loop = asyncio.get_running_loop()
        up = loop.create_future()

        def tell(progress: Any) -> None:
            if progress.guests["a"].state == "running" and not up.done():
                up.set_result(None)

        running = run_in_processes(machine, on_progress=tell, placement=placement)
        task = asyncio.create_task(running)
        await up
        joined.extend(set(children()) - before)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert len(joined) == 1
    assert not set(joined) & set(children())


def children() -> list[int]:
    """Return the processes that this one has started and not reaped."""
    task = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(one) for one in task.read_text().split()]
