"""A device that holds data until the end of a chain is told when no command ends it."""

import pytest

from ccw_actors.channel import Cstat, Dstat, Orb
from ccw_actors.channel.actions import Action, End, Perform, Suspend, WriteHeld
from ccw_actors.channel.ccw import Ccw
from ccw_actors.channel.command import CommandEnd
from ccw_actors.channel.program import answered, begin
from tests.channel.driver import FakeStorage, step

CD = Ccw.chain_data.mask
CC = Ccw.chain_command.mask
S = Ccw.suspend.mask
CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END
WRITE, READ, BAD = 0x01, 0x02, 0x00
CPA = 0x1000


class Holds:
    """A device that holds what it is given as long as another command is to follow."""

    def __init__(self, *, status: int = CE_DE, length: int = 8) -> None:
        self.chaining: list[bool] = []
        self._status = status
        self._length = length

    def __call__(self, command: Perform) -> CommandEnd:
        """Take eight bytes."""
        chaining = command.command.chaining and not command.command.suspendable
        self.chaining.append(chaining)
        return CommandEnd(
            self._status, transferred=8, length=self._length, holds=chaining
        )


def actions(
    *ccws: Ccw, orb: Orb | None = None, device: Holds | None = None, status: int = CE_DE
) -> tuple[list[Action], list[bool]]:
    """Run a program until it is suspended or has ended.

    Return its actions after the last command, and which commands others were to follow.
    A device that is asked to write what it holds ends with `status`.
    """
    storage = FakeStorage(0x10000)
    storage.write(CPA, b"".join(ccw.to_bytes(1) for ccw in ccws))
    device = device or Holds()
    execution = begin(orb or Orb.command(CPA))
    seen: list[Action] = []
    while not isinstance(execution.action, End | Suspend):
        if isinstance(execution.action, WriteHeld):
            seen.append(execution.action)
            execution = answered(execution, CommandEnd(status))
        elif isinstance(execution.action, Perform):
            seen.clear()
            execution = answered(execution, device(execution.action))
        else:
            execution = step(execution, storage, lambda _: pytest.fail("no command"))
    return [*seen, execution.action], device.chaining


def test_a_command_ends_the_chain() -> None:
    """The last command has no other behind it, and the program ends at once."""
    first, last = Ccw(WRITE, CC, 8, 0x8000), Ccw(WRITE, 0, 8, 0x8000)
    seen, chaining = actions(first, first, last)
    assert seen == [End(CE_DE, 0, 0, CPA + 24, selected=True)]
    assert chaining == [True, True, False]


def test_a_bad_ccw_ends_the_chain() -> None:
    """The device is asked to write before the program check ends the program."""
    seen, _ = actions(Ccw(WRITE, CC, 8, 0x8000), Ccw(BAD, 0, 1, 0x8000))
    end = End(0, Cstat.PROGRAM_CHECK, 1, CPA + 16, selected=True)
    assert seen == [WriteHeld(end), end]


def test_an_incorrect_length_ends_the_chain() -> None:
    """The device took another command to follow, and the length says otherwise."""
    device = Holds(length=9)
    seen, _ = actions(Ccw(WRITE, CC, 8, 0x8000), Ccw(WRITE), device=device)
    end = End(CE_DE, Cstat.INCORRECT_LENGTH, 0, CPA + 8, selected=True)
    assert seen == [WriteHeld(end), end]


def test_a_failed_write_comes_with_the_end() -> None:
    """The unit check of a device that cannot write joins the program check."""
    failed = CE_DE | Dstat.UNIT_CHECK
    program = (Ccw(WRITE, CC, 8, 0x8000), Ccw(BAD, 0, 1, 0x8000))
    seen, _ = actions(*program, status=failed)
    end = End(0, Cstat.PROGRAM_CHECK, 1, CPA + 16, selected=True)
    unit_check = End(failed, Cstat.PROGRAM_CHECK, 1, CPA + 16, selected=True)
    assert seen == [WriteHeld(end), unit_check]


def test_data_chaining_counts_with_its_last_ccw() -> None:
    """The flags of the last CCW of the data say whether a command follows."""
    four = Ccw(WRITE, CD, 4, 0x8000), Ccw(WRITE, CC, 4, 0x8004)
    _, chaining = actions(*four, Ccw(WRITE, 0, 8, 0x8000))
    assert chaining == [True, False]


def test_nothing_is_held_where_a_program_can_be_suspended() -> None:
    """The status of a suspension shows the commands before it."""
    orb = Orb.command(CPA, suspend=True)
    program = Ccw(WRITE, CC, 8, 0x8000), Ccw(WRITE, S, 8, 0x8000)
    seen, chaining = actions(*program, orb=orb)
    assert seen == [Suspend(CPA + 16, 8)]
    assert chaining == [False]
