"""A 3270 terminal to which nobody is connected.

| code | command | end |
|---|---|---|
| 01, 05, 0D, 11 | write, erase/write (alternate), write structured field | intervention required |
| 02, 06 | read buffer, read modified | no data |
| 03 | no operation | normal |
| 04 | sense | 32 bytes |
| E4 | sense ID | control unit 3270 |

Source: QEMU hw/s390x/3270-ccw.c, hw/char/terminal3270.c.
"""  # noqa: E501

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ccw_actors.channel.ccw import SENSE_LENGTH, Command
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import DeviceConfiguration, Outcome
from ccw_actors.devices._sense import Sense
from ccw_actors.devices.virtual._common import (
    NoVolume,
    all_taken,
    given,
    sense_id,
    unit_check,
)

__all__ = ["COMMANDS", "Terminal", "TerminalState"]

_TYPE: Final = 0x3270
_WRITES: Final = {
    0x01: "write",
    0x05: "erase/write",
    0x0D: "erase/write alternate",
    0x11: "write structured field",
}
_READS: Final = {0x02: "read buffer", 0x06: "read modified"}
COMMANDS: Final = {
    **_WRITES,
    **_READS,
    Command.NOOP: "no operation",
    Command.BASIC_SENSE: "sense",
    Command.SENSE_ID: "sense ID",
}


class TerminalState(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The pending sense byte 0."""

    condition: int = 0


class Terminal(NoVolume):
    """A 3270 as a device model."""

    state_type = TerminalState

    def __init__(self, configuration: DeviceConfiguration) -> None:
        self.configuration = configuration

    def initial(self) -> TerminalState:
        """State after power on."""
        return TerminalState()

    def execute(
        self, state: TerminalState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[TerminalState]:
        """Execute one command; there are no tracks."""
        del tracks
        end, condition = self._ended(state, command)
        return Outcome(TerminalState(condition), end)

    def _ended(
        self, state: TerminalState, command: DeviceCommand
    ) -> tuple[CommandEnd, int]:
        """Return how a command ends, and sense byte 0 afterwards."""
        code = command.code
        if code == Command.BASIC_SENSE:
            return given(command, self.sense(state)), 0
        if code == Command.SENSE_ID:
            return sense_id(command, _TYPE, 0), 0
        if code == Command.NOOP:
            return all_taken(command), 0
        if code in _READS:
            return given(command, b""), 0
        reason = (
            Sense.INTERVENTION_REQUIRED if code in _WRITES else Sense.COMMAND_REJECT
        )
        return unit_check(command), reason

    def halted(self, state: TerminalState) -> TerminalState:
        """State after the halt signal."""
        return state

    def reset(self, state: TerminalState) -> TerminalState:
        """State after the clear signal."""
        del state
        return TerminalState()

    def sense(self, state: TerminalState) -> bytes:
        """Return the 32 bytes of sense data."""
        return bytes([state.condition]).ljust(SENSE_LENGTH, b"\0")
