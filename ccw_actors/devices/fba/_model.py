"""A fixed-block disk as a device model.

| code | command |
|---|---|
| 02 | read IPL |
| 03 | no operation |
| 04 | sense |
| 14, 94, B4 | unconditional reserve, release, reserve |
| 41, 42 | write, read |
| 43 | locate |
| 63 | define extent |
| 64 | read device characteristics |
| A4 | read and reset buffered log |
| E4 | sense ID |

Blocks of 512 bytes are read and written in groups: see `BlockGeometry`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import DeviceConfiguration, Failure, NeedTrack, Outcome
from ccw_actors.devices._sense import Sense
from ccw_actors.devices.fba._extent import (
    ARGUMENT_SIZE,
    LOCATE_SIZE,
    READS,
    WRITES,
    Domain,
    Extent,
    Operation,
    define_extent,
    locate,
)
from ccw_actors.devices.fba._hardware import hardware_of
from ccw_actors.devices.fba._work import (
    Chain,
    FbaState,
    MissingGroupError,
    RejectedError,
    Work,
)
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry
from ccw_actors.errors import ImageError

__all__ = ["Fba", "FbaState"]

_READ_IPL, _LOCATE = 0x02, 0x43
_SENSE_SIZE = 24
_FAILURES = {Failure.EQUIPMENT: 0x10, Failure.INTERVENTION: 0x40}


def _read_ipl(work: Work) -> CommandEnd:
    """Read the first block, as the first command of a chain or after another one.

    It defines the whole volume as an extent that permits all but FORMAT; a READ behind
    it has nothing left to read.
    """
    if work.command.chained and work.chain.previous != _READ_IPL:
        raise RejectedError
    extent = Extent(0, 0, 0, work.geometry.blocks - 1)
    work.chain = Chain(extent, Domain(Operation.READ, 0, 0))
    return work.give(work.blocks(0, 1))


def _no_operation(_work: Work) -> CommandEnd:
    return CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, immediate=True)


def _sense(work: Work) -> CommandEnd:
    data = _sense_data(work.condition)
    work.condition = 0
    return work.give(data)


def _reserve(work: Work) -> CommandEnd:
    """Reserve the device, and sense: with one path, there is no contender."""
    if work.command.chained:
        raise RejectedError
    return _sense(work)


def _release(work: Work) -> CommandEnd:
    """Release the device, and sense; Linux chains it to UNCONDITIONAL RESERVE."""
    if work.chain.extent is not None:
        raise RejectedError
    return _sense(work)


def _define_extent(work: Work) -> CommandEnd:
    argument = work.argument(ARGUMENT_SIZE)
    extent = define_extent(argument, work.geometry.blocks)
    if extent is None or work.chain.extent is not None:
        raise RejectedError(ARGUMENT_SIZE)
    work.chain = Chain(extent)
    return CommandEnd(
        Dstat.CHANNEL_AND_DEVICE_END, transferred=ARGUMENT_SIZE, length=ARGUMENT_SIZE
    )


def _locate(work: Work) -> CommandEnd:
    argument, extent = work.argument(LOCATE_SIZE), work.chain.extent
    domain = None if extent is None else locate(argument, extent)
    if domain is None:
        raise RejectedError(LOCATE_SIZE)
    work.chain = replace(work.chain, domain=domain)
    return CommandEnd(
        Dstat.CHANNEL_AND_DEVICE_END, transferred=LOCATE_SIZE, length=LOCATE_SIZE
    )


def _read(work: Work) -> CommandEnd:
    domain = work.take_domain(_LOCATE, _READ_IPL)
    if domain.operation not in READS:
        raise RejectedError
    size = domain.count * BLOCK_SIZE
    wanted = -(-min(size, work.command.count) // BLOCK_SIZE)
    given = work.blocks(domain.block, wanted)[: work.command.count]
    return CommandEnd(
        Dstat.CHANNEL_AND_DEVICE_END, given, transferred=len(given), length=size
    )


def _write(work: Work) -> CommandEnd:
    """Write the located blocks; zeros stand for bytes beyond the count."""
    domain = work.take_domain(_LOCATE)
    if domain.operation not in WRITES:
        raise RejectedError
    size = domain.count * BLOCK_SIZE
    wanted = min(size, work.command.count)
    data = work.command.data[:size]
    if len(data) == wanted:
        work.put(domain.block, data.ljust(size, b"\0"))
    return CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, transferred=len(data), length=size)


def _characteristics(work: Work) -> CommandEnd:
    return work.give(work.hardware.characteristics(work.geometry.blocks))


def _buffered_log(work: Work) -> CommandEnd:
    return work.give(bytes(_SENSE_SIZE))


def _sense_id(work: Work) -> CommandEnd:
    return work.give(work.hardware.sense_id(work.geometry.device_type))


COMMANDS: Mapping[int, tuple[str, Callable[[Work], CommandEnd]]] = MappingProxyType(
    {
        0x02: ("read IPL", _read_ipl),
        0x03: ("no operation", _no_operation),
        0x04: ("sense", _sense),
        0x14: ("unconditional reserve", _reserve),
        0x41: ("write", _write),
        0x42: ("read", _read),
        0x43: ("locate", _locate),
        0x63: ("define extent", _define_extent),
        0x64: ("read device characteristics", _characteristics),
        0x94: ("release", _release),
        0xA4: ("read and reset buffered log", _buffered_log),
        0xB4: ("reserve", _reserve),
        0xE4: ("sense ID", _sense_id),
    }
)
_WRITE = 0x41


class Fba:
    """A fixed-block disk with the volume it was configured with.

    Raises:
        ImageError: The device has no volume, or one of another device type.
    """

    def __init__(self, configuration: DeviceConfiguration) -> None:
        device_type, geometry = configuration.device_type, configuration.geometry
        if not isinstance(geometry, BlockGeometry):
            found = "none" if geometry is None else "one of tracks"
            raise ImageError(
                f"a {device_type} needs a volume of blocks, but {found} is configured"
            )
        if geometry.device_type != device_type:
            raise ImageError(
                f"the volume is that of a {geometry.device_type},"
                f" expected a {device_type}"
            )
        self.configuration = configuration
        self.geometry = geometry
        self.hardware = hardware_of(geometry)

    @property
    def state_type(self) -> type[FbaState]:
        """Type of the state, to decode it with."""
        return FbaState

    def initial(self) -> FbaState:
        """State after power on."""
        return FbaState()

    def execute(
        self, state: FbaState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[FbaState] | NeedTrack:
        """Execute one command, given the groups of blocks it needs by number."""
        work = Work(self.geometry, self.hardware, state, command, tracks)
        entry = COMMANDS.get(command.code)
        if entry is None or (command.code == _WRITE and self.configuration.read_only):
            return _checked(Sense.COMMAND_REJECT)
        try:
            end = entry[1](work)
        except MissingGroupError as missing:
            return NeedTrack(missing.number)
        except RejectedError as rejected:
            return _checked(Sense.COMMAND_REJECT, rejected.taken)
        chain = replace(work.chain, previous=command.code)
        return Outcome(FbaState(work.condition, chain), end, work.writes)

    def failed(
        self, state: FbaState, command: DeviceCommand, failure: Failure
    ) -> Outcome[FbaState]:
        """End a command whose blocks could not be read or written: unit check."""
        del state, command
        return _checked(_FAILURES[failure])

    def halted(self, state: FbaState) -> FbaState:
        """State after the halt signal: the chain has ended, sense data remain."""
        return FbaState(state.condition)

    def reset(self, state: FbaState) -> FbaState:
        """State after the clear signal: the chain has ended, sense data remain."""
        return self.halted(state)

    def sense(self, state: FbaState) -> bytes:
        """Return the 32 bytes of sense data, of which SENSE transfers 24."""
        return _sense_data(state.condition).ljust(32, b"\0")


def _sense_data(condition: int) -> bytes:
    return bytes([condition]).ljust(_SENSE_SIZE, b"\0")


def _checked(condition: int, taken: int = 0) -> Outcome[FbaState]:
    end = CommandEnd(
        Dstat.CHANNEL_AND_DEVICE_END | Dstat.UNIT_CHECK, transferred=taken, length=taken
    )
    return Outcome(FbaState(condition), end)
