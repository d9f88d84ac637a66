"""A small channel for tests: plays format-1 CCW chains on a device model."""

from dataclasses import dataclass, field
from typing import Any

from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices import DeviceModel, NeedTrack

COMMAND_CHAIN, SUPPRESS_LENGTH = 0x40, 0x20
TRANSFER_IN_CHANNEL = 0x08
STATUS_MODIFIER, NORMAL = 0x40, 0x0C
INCORRECT_LENGTH = 0x40


@dataclass
class Ending:
    """Words 1 and 2 of the SCSW."""

    cpa: int
    device_status: int
    subchannel_status: int
    residual: int


@dataclass
class Disk:
    """A model with its state and all the tracks of its volume."""

    model: DeviceModel[Any]
    tracks: dict[int, bytes]
    state: Any = None
    asked: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        """Put the device into its initial state."""
        self.state = self.model.initial()

    def execute(self, command: DeviceCommand) -> CommandEnd:
        """Execute a command, fetching tracks one by one as they are needed."""
        given: dict[int, bytes] = {}
        while True:
            outcome = self.model.execute(self.state, command, given)
            if not isinstance(outcome, NeedTrack):
                break
            assert outcome.number not in given
            given[outcome.number] = self.tracks[outcome.number]
            self.asked.append(outcome.number)
        self.state = outcome.state
        self.tracks.update(outcome.writes)
        return outcome.end

    def run(self, *commands: tuple[int, bytes | int]) -> list[CommandEnd]:
        """Execute a chain: codes with data to write or the number of bytes to read.

        As in a channel, an end that is not normal ends the chain.
        """
        ends: list[CommandEnd] = []
        for number, (code, data) in enumerate(commands, 1):
            count, given = (data, b"") if isinstance(data, int) else (len(data), data)
            command = DeviceCommand(
                code,
                count,
                given,
                chained=bool(ends),
                chaining=number < len(commands),
            )
            ends.append(self.execute(command))
            if ends[-1].status & ~STATUS_MODIFIER != NORMAL:
                break
        return ends


def play(disk: Disk, storage: bytearray, cpa: int) -> Ending:
    """Run the channel program at `cpa` as a subchannel would."""
    chained = False
    while True:
        code, flags = storage[cpa : cpa + 2]
        count = int.from_bytes(storage[cpa + 2 : cpa + 4])
        address = int.from_bytes(storage[cpa + 4 : cpa + 8])
        cpa += 8
        if code == TRANSFER_IN_CHANNEL:
            cpa = address
            continue
        data = bytes(storage[address : address + count]) if code & 1 else b""
        chaining = bool(flags & COMMAND_CHAIN)
        command = DeviceCommand(code, count, data, chained, chaining=chaining)
        end = disk.execute(command)
        storage[address : address + len(end.data)] = end.data
        suppressed = flags & SUPPRESS_LENGTH or end.immediate
        check = 0 if suppressed or end.length == count else INCORRECT_LENGTH
        status = end.status & ~STATUS_MODIFIER
        if not flags & COMMAND_CHAIN or check or status != NORMAL:
            return Ending(cpa, end.status, check, count - end.transferred)
        cpa += 8 if end.status & STATUS_MODIFIER else 0
        chained = True
