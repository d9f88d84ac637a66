"""A running machine is described and stopped from outside."""

import asyncio
import contextlib
import io
import os
import socket
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

import msgpack
import pytest

from ccw_actors.control import (
    CONTROL_PATH,
    ControlClient,
    ControlSocket,
    DescribeMachine,
    DeviceDescription,
    GuestDescription,
    MachineDescription,
    StopMachine,
    Stopping,
    machine_names,
)
from ccw_actors.machine import (
    STOPPED,
    DeviceNumber,
    HostDevice,
    Machine,
    MachineRun,
    RunResult,
    begin_trace,
    run_machine,
)
from ccw_actors.machine.programs import read_volume
from ccw_actors.trace import HandledRecord, TraceReader, type_name
from tests.control.cast import HELLO
from tests.machine import guest_programs as programs
from tests.machine.contents import ALICE, contents
from tests.machine.test_run import HOST, OTHER_HOST, found, guest, machine

T = TypeVar("T")

NAME = "m"


@pytest.fixture(autouse=True)
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlSocket:
    """Claim a name in the test's folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return ControlSocket.claim(NAME)


def asked(call: Callable[[ControlClient], T]) -> T:
    """Make a call with a client, as another process does."""
    with ControlClient(NAME, timeout=30) as client:
        return call(client)


def described() -> MachineDescription:
    """Ask for the description of the machine."""
    return asked(lambda client: client.ask(DescribeMachine()))


def until_finished(name: str) -> MachineDescription:
    """Ask for the description until that guest has ended."""
    while True:
        found = described()
        if GuestDescription(name, "finished") in found.guests:
            return found


def stopped(client: ControlClient) -> tuple[Stopping, list[str]]:
    """Stop the machine; return its answer, and the names that exist at its end."""
    answer = client.ask(StopMachine())
    client.wait_for_end(timeout=30)
    return answer, machine_names()


def run(what: Machine, work: Callable[[], T], **options: Any) -> tuple[RunResult, T]:
    """Run a machine, and do some work on another thread during the run."""

    async def both() -> tuple[RunResult, T]:
        running = asyncio.create_task(run_machine(what, **options))
        done = await asyncio.to_thread(work)
        return await running, done

    return asyncio.run(both())


def test_description(control: ControlSocket) -> None:
    """A description has guests with states, devices with guests, and counts."""
    spare = HostDevice(DeviceNumber(0x152), "3390", ALICE)
    pair = machine(guest("subject", programs.wait_for_ever))
    seen: list[MachineDescription] = []

    def work() -> None:
        seen.append(described())
        seen.append(until_finished("bystander"))
        asked(stopped)

    run(Machine((*pair.devices, spare), pair.guests), work, control=control)
    first, last = seen
    assert {one.state for one in first.guests} <= {"starting", "running", "finished"}
    assert (last.name, last.pid) == (NAME, os.getpid())
    assert last.guests == (
        GuestDescription("subject", "running"),
        GuestDescription("bystander", "finished"),
    )
    assert last.devices == (
        DeviceDescription(str(HOST), "3390", "subject", "0.0.0190"),
        DeviceDescription(str(OTHER_HOST), "3390", "bystander", "0.0.0190"),
        DeviceDescription("0.0.0152", "3390"),
    )
    assert 0 <= first.seconds < last.seconds
    assert first.messages < last.messages


def test_guest_that_failed(control: ControlSocket, tmp_path: Path) -> None:
    """A guest with a bad image has failed, and is described so."""
    (tmp_path / "none.img").write_bytes(b"no disk".ljust(4096))
    both = machine(guest("subject", read_volume), tmp_path / "none.img")
    waiting = Machine(
        both.devices,
        (both.guests[0], guest("bystander", programs.wait_for_ever, OTHER_HOST)),
    )

    def work() -> None:
        while GuestDescription("subject", "failed") not in described().guests:
            pass
        asked(stopped)

    result, _ = run(waiting, work, control=control)
    assert "none.img" in (result.guests["subject"].error or "")
    assert result.guests["bystander"].error == STOPPED


@pytest.mark.parametrize(
    "program", [programs.wait_for_ever, programs.wait_for_ever_in_thread]
)
def test_stop(control: ControlSocket, program: Callable[..., Any]) -> None:
    """The run returns the results so far, leaves no thread, and frees the name."""
    threads = threading.active_count()

    def work() -> tuple[Stopping, list[str]]:
        until_finished("bystander")
        return asked(stopped)

    result, (answer, names) = run(
        machine(guest("subject", program)), work, control=control
    )
    assert (answer, names) == (Stopping(), [])
    assert not result.finished
    assert result.guests["subject"].error == STOPPED
    assert result.guests["bystander"].error is None
    assert found(result.guests["bystander"]) == contents(ALICE)
    assert threading.active_count() == threads


def test_stop_before_a_guest_has_begun(control: ControlSocket) -> None:
    """A machine can be stopped at any time, also while it is being built."""
    waiting = machine(guest("subject", programs.wait_for_ever))
    result, _ = run(waiting, lambda: asked(stopped), control=control)
    assert result.guests["subject"].error == STOPPED


def test_stop_by_several(control: ControlSocket) -> None:
    """The first request stops the machine; the other clients see its end as well."""
    waiting = machine(guest("subject", programs.wait_for_ever))

    def work() -> list[Stopping]:
        clients = [ControlClient(NAME, timeout=30) for _ in range(5)]
        answers = [clients[0].ask(StopMachine())]
        for client in clients:
            client.wait_for_end(timeout=30)
            client.close()
        return answers

    result, answers = run(waiting, work, control=control)
    assert answers == [Stopping()]
    assert result.guests["subject"].error == STOPPED


def test_trace_is_whole_at_the_end(control: ControlSocket, tmp_path: Path) -> None:
    """When a client sees the end, the trace is closed; requests are in it."""
    path = tmp_path / "trace"
    waiting = machine(guest("subject", programs.wait_for_ever))
    target = begin_trace(waiting, path)

    def work() -> bytes:
        described()
        asked(stopped)
        return path.read_bytes()

    async def both() -> bytes:
        run = MachineRun(waiting, trace=target, control=control)
        running = asyncio.create_task(run.run())
        read = await asyncio.to_thread(work)
        await running
        return read

    read = asyncio.run(both())
    assert read == path.read_bytes()
    reader = TraceReader(io.BytesIO(read))
    names = [
        type_name(event, reader.types)
        for event in reader
        if isinstance(event, HandledRecord)
        and CONTROL_PATH in (event.sender, event.recipient)
    ]
    assert names == [
        "DescribeMachine",
        "MachineDescription",
        "StopMachine",
        "Stopping",
    ]


def test_cancelled_run_gives_up_its_name(control: ControlSocket) -> None:
    """Ctrl-C at a machine with clients: they see the end, and the name is free."""
    waiting = machine(guest("subject", programs.wait_for_ever))
    connected = threading.Event()

    def work() -> list[str]:
        with ControlClient(NAME, timeout=30) as client:
            connected.set()
            client.wait_for_end(timeout=30)
            return machine_names()

    async def cancelled() -> list[str]:
        running = asyncio.create_task(run_machine(waiting, control=control))
        looking = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.to_thread(connected.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return await looking

    assert asyncio.run(cancelled()) == []


def test_machine_without_a_socket(control: ControlSocket) -> None:
    """A machine without a socket runs as before, and listens nowhere."""
    control.close()
    result = asyncio.run(run_machine(machine(guest("subject", read_volume))))
    assert result.finished
    assert machine_names() == []


def flood(path: str, data: bytes, over: threading.Event, *, reads: bool) -> None:
    """Send requests without end, over one connection after the other."""
    while not over.is_set():
        with socket.socket(socket.AF_UNIX) as peer, contextlib.suppress(OSError):
            peer.connect(path)
            peer.settimeout(0)
            peer.send(HELLO)
            while not over.is_set():
                with contextlib.suppress(BlockingIOError):
                    peer.send(data * 100)
                with contextlib.suppress(BlockingIOError):
                    if reads and not peer.recv(1 << 16):
                        break


@contextlib.contextmanager
def flooded(path: str) -> Generator[None]:
    """Flood a machine with requests and with garbage, while it runs."""
    over = threading.Event()
    floods = [
        threading.Thread(target=flood, args=(path, data, over), kwargs={"reads": reads})
        for data in (msgpack.packb(["DescribeMachine"]), b"\xc0")
        for reads in (True, False)
    ]
    for thread in floods:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in floods:
            thread.join()


def test_flooded_machine(control: ControlSocket) -> None:
    """Clients that ask without end, and read nothing, do not stop guests."""
    with flooded(str(control.path)):
        result = asyncio.run(
            run_machine(machine(guest("subject", read_volume)), control=control)
        )
    assert result.finished
    assert result.system.messages["DescribeMachine"] > 1
    assert found(result.guests["subject"]) == contents(ALICE)
