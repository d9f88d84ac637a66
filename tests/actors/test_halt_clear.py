"""HALT and CLEAR, driven into a running channel program at every message."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.actors.protocol import (
    AwaitStatus,
    ClearSubchannel,
    CountPins,
    HaltSubchannel,
    Instruct,
    Instruction,
    StartSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import Fctl, Scsw, Stctl
from ccw_actors.runtime import Choice, SteppingDispatcher, System
from ccw_actors.scenarios import PassThroughMachine
from tests.actors.machine import ENABLE, READ_BOTH, new_machine

Policy = Callable[[Sequence[Choice], int], Choice]

POLICIES: dict[str, Policy] = {
    "oldest first": lambda enabled, _: enabled[0],
    "newest first": lambda enabled, _: enabled[-1],
    "in turn": lambda enabled, step: enabled[step % len(enabled)],
}
GUEST = (
    ENABLE,
    Instruct(0, StartSubchannel(READ_BOTH)),
    AwaitStatus(),
    Instruct(0, TestSubchannel()),
)


class Run(Struct):
    """The state when the instruction came, and its results.

    `before` and `enabled` are the guest's subchannel, `started_before` whether START
    had been accepted; `cc` is the instruction's; `irbs` are all that TSCH returned;
    `pins` counts the pins at the end.
    """

    before: Scsw
    enabled: bool
    started_before: bool
    cc: int
    irbs: list[Scsw]
    pins: int


def drive(machine: PassThroughMachine, policy: Policy, step: int) -> None:
    """Run to the end; check at each message that no program is released early."""
    dispatcher: Any = machine.system.dispatcher
    while enabled := [c for c in dispatcher.enabled() if c.recipient != "cpu1"]:
        dispatcher.step(policy(enabled, step))
        step += 1
        host = machine.host.subchannel.state
        if host.execution is not None or host.work.awaited != "nothing":
            numbers = machine.host.storage.state.pins.get("vfio-ccw", {})
            assert numbers, "a program was released while the subchannel may use it"


def outcomes(machine: PassThroughMachine, cpu: str) -> list[Any]:
    """Return the outcomes of a CPU's program."""
    guest: Any = machine.cpus[cpu]
    return list(guest.state.outcomes)


def interfere(machine: PassThroughMachine, at: int, policy: Policy) -> Run | None:
    """Let "cpu1" issue its instruction after `at` messages; None if too late."""
    dispatcher: Any = machine.system.dispatcher
    for step in range(at):
        enabled = [c for c in dispatcher.enabled() if c.recipient != "cpu1"]
        if not enabled:
            return None
        dispatcher.step(policy(enabled, step))
    schib = machine.guest_subchannel.state.schib
    started = machine.guest_subchannel.state.number > 0
    dispatcher.step(Choice("cpu1", "cpu1"))
    dispatcher.step(Choice("guest-subchannel", "cpu1"))
    dispatcher.step(Choice("cpu1", "guest-subchannel"))
    drive(machine, policy, at)
    irbs = [o.irb.scsw for o in outcomes(machine, "cpu0") if _is_status(o)]
    while True:
        tested = machine.system.ref("guest-subchannel").ask(
            TestSubchannel(), block=True
        )
        if tested.cc:
            break
        irbs.append(tested.irb.scsw)
        drive(machine, policy, at)
    pins = machine.system.ref("storage").ask(CountPins(), block=True)
    return Run(
        schib.scsw,
        schib.pmcw.enabled,
        started,
        outcomes(machine, "cpu1")[0].cc,
        irbs,
        pins.owners,
    )


def _is_status(outcome: object) -> bool:
    return isinstance(outcome, Tested) and outcome.cc == 0


def every_message(instruction: Instruction, policy: str) -> list[Run]:
    """Run once for each message at which the instruction may come."""
    machine = new_machine(
        System(SteppingDispatcher("channel")),
        GUEST,
        (Instruct(0, instruction),),
        ends=False,
    )
    dispatcher: Any = machine.system.dispatcher
    start = dispatcher.snapshot()
    runs: list[Run] = []
    while True:
        dispatcher.restore(start)
        run = interfere(machine, len(runs), POLICIES[policy])
        if run is None:
            return runs
        runs.append(run)


def functions(run: Run) -> list[int]:
    """Return the FC of each status that the guest has taken, in order."""
    return [scsw.fctl for scsw in run.irbs]


@pytest.mark.parametrize("policy", POLICIES)
def test_halt_at_every_message(policy: str) -> None:
    """HALT has the right cc, ends once and with START, and leaves nothing pinned."""
    runs = every_message(HaltSubchannel(), policy)
    for run in runs:
        pending = bool(run.before.stctl & Stctl.PENDING)
        expected = 3 if not run.enabled else 1 if pending else 0
        assert run.cc == expected
        assert run.pins == 0
        if expected:
            assert functions(run) == [Fctl.START]
        elif run.before.fctl & Fctl.START:
            assert functions(run) == [Fctl.START | Fctl.HALT]
        else:
            assert functions(run).count(Fctl.HALT) == 1
            assert functions(run).count(Fctl.START) <= 1
            assert len(run.irbs) <= 2
    assert {run.cc for run in runs} == {0, 1, 3}
    both = Fctl.START | Fctl.HALT
    halted = [run.irbs[0] for run in runs if functions(run) == [both]]
    assert any(scsw.stctl == Stctl.PENDING for scsw in halted), "before the first CCW"
    assert any(scsw.stctl & Stctl.PRIMARY for scsw in halted), "at the device or after"


@pytest.mark.parametrize("policy", POLICIES)
def test_clear_at_every_message(policy: str) -> None:
    """CLEAR has cc 0 or 3, is the last to end, and leaves nothing pinned."""
    runs = every_message(ClearSubchannel(), policy)
    for run in runs:
        assert run.cc == (0 if run.enabled else 3)
        assert run.pins == 0
        if run.cc:
            assert functions(run) == [Fctl.START]
        elif run.started_before:
            assert functions(run)[-1] == Fctl.CLEAR
            assert functions(run).count(Fctl.CLEAR) == 1
            assert run.irbs[-1].stctl == Stctl.PENDING
            tested_before = not run.before.fctl
            assert functions(run).count(Fctl.START) == (1 if tested_before else 0)
        else:
            assert functions(run).count(Fctl.CLEAR) == 1
    assert {run.cc for run in runs} == {0, 3}
    assert any(functions(run) == [Fctl.CLEAR] for run in runs)
