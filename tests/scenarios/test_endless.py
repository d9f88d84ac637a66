"""CLEAR and HALT end a program that would never end."""

from typing import Any

import pytest

from ccw_actors.actors import Device
from ccw_actors.actors.protocol import (
    AwaitStatus,
    ClearSubchannel,
    ExecuteCommand,
    HaltSubchannel,
    Instruct,
    StartSubchannel,
    Tested,
)
from ccw_actors.actors.protocol import TestSubchannel as Test
from ccw_actors.channel import Ccw, Fctl
from ccw_actors.machine import Layers
from ccw_actors.runtime import SteppingDispatcher, System, receive
from ccw_actors.scenarios import PROGRAM, PassThroughMachine, read_orb

ENDLESS = Ccw(0x03, Ccw.chain_command.mask | Ccw.suppress_length.mask, 1).to_bytes(
    1
) + Ccw(0x08, address=PROGRAM).to_bytes(1)
STEPS_MAX = 5000


class Silent(Device):
    """A device that never ends a command."""

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Leave the command unanswered."""
        del message


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    ("instruction", "functions"),
    [(ClearSubchannel(), Fctl.CLEAR), (HaltSubchannel(), Fctl.START | Fctl.HALT)],
    ids=["clear", "halt"],
)
def test_endless_program(
    seed: int, instruction: ClearSubchannel | HaltSubchannel, functions: int
) -> None:
    """Every fair schedule ends the program, whenever the instruction comes."""
    ended(seed, instruction, functions, Device)


@pytest.mark.parametrize("seed", range(40))
def test_device_that_never_ends(seed: int) -> None:
    """CLEAR ends a command that the device never ends."""
    ended(seed, ClearSubchannel(), Fctl.CLEAR, Silent)


def ended(
    seed: int,
    instruction: ClearSubchannel | HaltSubchannel,
    functions: int,
    device: type[Device],
) -> None:
    """Run the program, and the instruction at some time; return how it has ended."""
    dispatcher = SteppingDispatcher("channel")
    machine = PassThroughMachine(
        System(dispatcher),
        (Instruct(0, StartSubchannel(read_orb(1))), AwaitStatus(), Instruct(0, Test())),
        (Instruct(0, instruction),),
        content=ENDLESS,
        layers=Layers(device=device),
    )
    for step in range(STEPS_MAX):
        cpu: Any = machine.cpus["cpu0"].state
        enabled = [
            choice
            for choice in dispatcher.enabled()
            if choice.recipient != "cpu1" or cpu.outcomes
        ]
        if not enabled:
            break
        dispatcher.step(enabled[(step * seed + step // 7) % len(enabled)])
    else:
        pytest.fail("it does not end")
    tested = machine.cpus["cpu0"].state.outcomes[-1]
    assert isinstance(tested, Tested)
    assert tested.irb.scsw.fctl == functions
    assert not machine.host.storage.state.pins
