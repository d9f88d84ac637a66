"""Orders are carried out: CPUs are parked, the host's side acts in between."""

import asyncio
from typing import Any, cast

import pytest
from msgspec.structs import replace

from ccw_actors.kernel.lab import DELAYED_PLANS, Plan, _host_side
from ccw_actors.kernel.lab._delayed import wait_and_see
from ccw_actors.kernel.lab._order import (
    Attention,
    Begin,
    Begun,
    Follow,
    Hold,
    Injected,
    LookAtHost,
    LookAtTask,
    Open,
    OrderStep,
    PathReport,
    Pause,
    Place,
    ReadState,
    Release,
    Signals,
    Until,
)
from ccw_actors.kernel.lab._runner import OrderEnd, OrderRunner
from tests.kernel.lab.fakes import WAITS, FakeCode, FakeDebugger, FakeMachine

IRQ, WORKER, MARK = Place("fsm_irq"), Place("worker"), Place("mark", name="its mark")
ADDRESSES = {"fsm_irq": 0x100, "worker": 0x200, "mark": 0x300}


def carried_out(
    *order: OrderStep, stops: list[tuple[int, int]], mask: int = 0
) -> tuple[OrderEnd, FakeDebugger, FakeMachine]:
    """Carry out an order on CPUs that come to these places."""
    machine: Any = FakeMachine()
    debugger: Any = FakeDebugger(stops, mask)
    code: Any = FakeCode(ADDRESSES)
    debugger.memory[0x5010] = (3).to_bytes(4, "big")
    end = asyncio.run(OrderRunner(machine, debugger, code).run(order))
    return end, debugger, machine


def test_parked_cpus_stay_parked() -> None:
    """A parked CPU does not run until a step is about it, or releases it."""
    end, debugger, machine = carried_out(
        Begin(((1, MARK), (2, MARK))),
        Hold("interrupt"),
        Until(0, WORKER),
        Until(1, MARK),
        Release(0),
        Until(2, MARK),
        stops=[(2, 0x300), (1, 0x300), (0, 0x200), (1, 0x300), (2, 0x300)],
    )
    assert end.failed == end.excluded == ""
    assert debugger.resumed == [{0, 1, 2}, {0, 1}, {0}, {1}, {0, 2}]
    assert debugger.is_detached
    assert not debugger.breakpoints
    assert machine.told == ["hold_interrupt", "open_all"]
    assert end.steps[:2] == ("CPU 2 is at its mark", "CPU 1 is at its mark")


def test_another_cpu_that_comes_by_goes_on() -> None:
    """Only the CPU that the step names is parked at its place."""
    end, debugger, _ = carried_out(
        Until(0, IRQ), stops=[(2, 0x100), (1, 0x100), (0, 0x100)]
    )
    assert end.steps == ("CPU 0 is at fsm_irq()",)
    assert debugger.resumed == [{0, 1, 2}] * 3


@pytest.mark.parametrize(
    ("mask", "where"), [(WAITS, "it waits"), (0, "it is in mutex_lock")]
)
def test_a_place_that_is_not_reached(mask: int, where: str) -> None:
    """The order has failed, and says where the CPU is instead."""
    step = Until(0, WORKER, patience=0.01)
    end, debugger, _ = carried_out(step, Attention(), stops=[], mask=mask)
    assert end.failed == f"CPU 0 does not reach worker(): {where}"
    assert end.excluded == ""
    assert debugger.is_detached


def test_an_order_that_the_kernel_excludes() -> None:
    """A step that says why it may not happen ends the order, which has not failed."""
    step = Until(0, WORKER, patience=0.01, why_not="it takes a lock")
    end, _, machine = carried_out(step, Attention(), stops=[], mask=WAITS)
    assert end.failed == ""
    assert end.excluded.endswith("it waits: it takes a lock")
    assert "show_attention" not in machine.told


def test_what_an_order_looks_at() -> None:
    """The driver's state is read where a function of the FSM has it as argument."""
    end, _, _ = carried_out(
        Until(0, IRQ), ReadState(), LookAtHost(), stops=[(0, 0x100)]
    )
    assert end.states == ("state 3",)
    assert [one.scsw.fctl for one in end.schibs] == [0]
    assert end.steps[1] == "private->state is state 3"


def test_a_state_that_is_not_at_hand() -> None:
    """An order that reads the state too early has failed."""
    end, _, _ = carried_out(ReadState(), stops=[])
    assert end.failed == "no place of the order has the driver's state at hand"


def test_the_hosts_side_acts_in_its_turn() -> None:
    """Gates and events come in the order of the steps."""
    end, _, machine = carried_out(
        Hold("data"), Attention(), Injected(), Open("data"), stops=[]
    )
    assert end.failed == ""
    assert machine.told == ["hold_data", "show_attention", "open_data", "open_all"]


def test_steps_name_a_device() -> None:
    """With two devices, each step of the host's side is for the one that it names."""
    machine: Any = FakeMachine(devices=2)
    debugger: Any = FakeDebugger([])
    steps = (Hold("data"), Attention(1), Injected(1), LookAtHost(1))
    runner = OrderRunner(machine, debugger, cast("Any", FakeCode(ADDRESSES)))
    end = asyncio.run(runner.run(steps))
    assert machine.told == ["hold_data", "show_attention 1", "open_all"]
    assert end.steps[:2] == (
        "device 0: data are held",
        "device 1: the device shows attention",
    )
    assert end.steps[2].startswith("device 1: SCSW of the host's subchannel: ")
    assert end.schibs[0].pmcw.devno == 0x191


def test_a_path_that_comes_and_goes() -> None:
    """The host's side reports what the step says."""
    reports = (PathReport(comes=False), PathReport(comes=True))
    end, _, machine = carried_out(*reports, stops=[])
    assert machine.told == ["path of 0 goes", "path of 0 comes", "open_all"]
    assert end.steps[0] == "the channel path goes (a report)"


TASK, STACK = 0x7000, 0x8FF0
"""A task, and its stack, which has two words before its page ends."""


def followed(*, executes: bool) -> OrderEnd:
    """Follow the task of a CPU, and look at it where it then is."""
    machine: Any = FakeMachine()
    debugger: Any = FakeDebugger([(0, 0x200)])
    debugger.memory = {
        0x340: TASK.to_bytes(8, "big"),
        TASK + 0x20: STACK.to_bytes(8, "big"),
        TASK + 0x30: bytes([executes]),
        STACK: bytes(8) + (0x80).to_bytes(8, "big"),
    }
    debugger.unreadable = {0x9000}
    runner = OrderRunner(machine, debugger, cast("Any", FakeCode(ADDRESSES)))
    order = (Until(0, WORKER), Follow(0), Release(0), LookAtTask())
    return asyncio.run(runner.run(order))


@pytest.mark.parametrize(
    ("executes", "calls"), [(False, "vfio_ccw_sch_io_todo"), (True, "mutex_lock")]
)
def test_a_task_that_is_followed(calls: str, *, executes: bool) -> None:
    """What it is in comes from its stack if it sleeps, else from the CPU."""
    end = followed(executes=executes)
    assert end.failed == ""
    assert end.tasks == (calls,)
    how = "executes" if executes else "sleeps"
    assert end.steps[-1] == f"the task that is followed {how}: it is in {calls}"


def test_a_task_that_was_not_followed() -> None:
    """An order that asks for it too early has failed."""
    end, _, _ = carried_out(LookAtTask(), stops=[])
    assert end.failed == "the order remembers no task"


def test_storage_that_cannot_be_read() -> None:
    """The order has failed, and all CPUs run."""
    machine: Any = FakeMachine()
    debugger: Any = FakeDebugger([(0, 0x100)])
    debugger.unreadable = {0x5010}
    runner = OrderRunner(machine, debugger, cast("Any", FakeCode(ADDRESSES)))
    end = asyncio.run(runner.run((Until(0, IRQ, why_not="never"), ReadState())))
    assert end.failed == "cannot read 4 bytes at 0x5010"
    assert (end.excluded, debugger.is_detached) == ("", True)


# -- without a debugger ----------------------------------------------------------------


def delayed(*order: OrderStep) -> tuple[OrderEnd, FakeMachine]:
    """Carry out an order that has delays."""
    machine: Any = FakeMachine()
    plan = Plan(
        invariant="I1", threads=(), harm=lambda _seen: None, order=order, delays=True
    )
    return asyncio.run(wait_and_see(machine, plan)), machine


def test_delays() -> None:
    """Gates are closed when the client begins, and open at the end in any case."""
    order = (Begun(), Hold("data"), Signals(), Pause(0.02), LookAtHost(), Open("data"))
    end, machine = delayed(*order)
    assert end.ran
    assert machine.told == ["hold_data", "open_data", "open_all"]
    assert end.steps[:3] == (
        "data are held",
        "the interruption has come",
        "20 ms pass",
    )
    assert len(end.schibs) == 1


def test_a_kernel_that_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not happen in time ends the order, and the gates open."""
    monkeypatch.setattr(_host_side, "BOOT", 0.01)
    monkeypatch.setattr(_host_side, "_PATIENCE", 0.01)
    for step, has_ended, failed in (
        (Begun(), False, "the client does not begin"),
        (Signals(2), False, "no interruption comes"),
        (Attention(), True, "the client is over before the order is"),
        (Signals(9), False, "the client is over before the order is"),
    ):
        machine: Any = FakeMachine()
        machine.has_begun, machine.has_ended = False, has_ended
        plan = replace(DELAYED_PLANS["mail"], order=(step, Attention()))
        end = asyncio.run(wait_and_see(machine, plan))
        told = [] if has_ended else ["open_all"]
        assert (end.failed, machine.told) == (failed, told)
