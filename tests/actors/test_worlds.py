"""The same actors and the same guest in all worlds, and a guest of each form."""

import asyncio
from typing import Any

import pytest

from ccw_actors.actors import BlockingCpu, Cpu, ProgramThread
from ccw_actors.actors.protocol import (
    AwaitGuest,
    AwaitStatus,
    CountPins,
    Fetch,
    GuestReport,
    Instruct,
    ModifySubchannel,
    StartSubchannel,
    TestSubchannel,
)
from ccw_actors.runtime import SteppingDispatcher, System, VirtualDispatcher
from tests.actors.machine import DATA, ENABLED, READ_BOTH, RECORDS, new_machine

STEPS = (
    Instruct(0, ModifySubchannel(ENABLED)),
    Instruct(0, StartSubchannel(READ_BOTH)),
    AwaitStatus(),
    Instruct(0, TestSubchannel()),
    Fetch(DATA[0], len(RECORDS[0])),
    Fetch(DATA[1], len(RECORDS[1])),
)


async def awaiting(cpu: Cpu) -> list[Any]:
    """Do the same as `STEPS`, as a coroutine."""
    codes = [await cpu.modify(0, ENABLED), await cpu.start(0, READ_BOTH)]
    code = await cpu.wait()
    assert code is not None
    tested = await cpu.test(0)
    data = [
        await cpu.storage[at : at + len(record)]
        for at, record in zip(DATA, RECORDS, strict=True)
    ]
    return [codes, code.intparm, tested.cc, tested.irb.scsw.to_bytes(), *data]


def blocking(cpu: BlockingCpu) -> list[Any]:
    """Do the same, blocking."""
    codes = [cpu.modify(0, ENABLED), cpu.start(0, READ_BOTH)]
    code = cpu.wait()
    assert code is not None
    tested = cpu.test(0)
    data = [
        cpu.storage[at : at + len(record)]
        for at, record in zip(DATA, RECORDS, strict=True)
    ]
    return [codes, code.intparm, tested.cc, tested.irb.scsw.to_bytes(), *data]


async def on_the_loop(program: Any) -> GuestReport:
    """Run a guest on the event loop; return its report."""
    async with System() as system:
        if program is blocking:
            actor = ProgramThread(program, system.ref("cpu0"))
            new_machine(system, system.spawn_thread(actor, "thread"))
        else:
            new_machine(system, program)
        report: GuestReport = await system.ref("emulator").ask(AwaitGuest())
        pins = await system.ref("storage").ask(CountPins())
        assert pins.owners == 0
        return report


def without_loop(program: Any, dispatcher: Any) -> GuestReport:
    """Run a guest under the virtual clock or stepping; return its report."""
    system = System(dispatcher)
    new_machine(system, program)
    report: GuestReport = system.ref("emulator").ask(AwaitGuest(), block=True)
    return report


@pytest.mark.parametrize("program", [STEPS, awaiting], ids=["data", "async"])
def test_a_guest_does_the_same_in_three_worlds(program: Any) -> None:
    """Event loop, virtual clock and stepping give the same report."""
    reports = [
        asyncio.run(on_the_loop(program)),
        without_loop(program, VirtualDispatcher()),
        without_loop(program, SteppingDispatcher("mailbox")),
        without_loop(program, SteppingDispatcher("channel")),
    ]
    assert all(report == reports[0] for report in reports)
    assert reports[0].error is None
    assert reports[0].ios == reports[0].interrupts == 1


def test_the_three_forms_of_a_program_give_the_same() -> None:
    """Data, coroutine and thread read the same records with the same status."""
    coroutine = asyncio.run(on_the_loop(awaiting))
    thread = asyncio.run(on_the_loop(blocking))
    data = asyncio.run(on_the_loop(STEPS))
    assert thread == coroutine
    assert coroutine.result[4:] == list(RECORDS)
    assert [data.result[4][2][0], data.result[5][2][0]] == list(RECORDS)
    assert (data.ios, data.interrupts, data.cc) == (
        thread.ios,
        thread.interrupts,
        thread.cc,
    )
    assert coroutine.result[3].hex() == "00c0400700001020" + "0c000000"


def test_a_coroutine_goes_on_from_a_snapshot() -> None:
    """A System restored in the middle of a coroutine ends as it did before."""
    dispatcher = SteppingDispatcher("channel")
    system = System(dispatcher)
    new_machine(system, awaiting)
    emulator = system.ref("emulator")
    for _ in range(30):
        dispatcher.step()
    middle = dispatcher.snapshot()
    first = emulator.ask(AwaitGuest(), block=True)
    dispatcher.restore(middle)
    assert dispatcher.snapshot().key() == middle.key()
    assert emulator.ask(AwaitGuest(), block=True) == first
