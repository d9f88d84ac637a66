"""A count-key-data disk as a device model: one command, from its code to its end."""

from collections.abc import Mapping

from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import DeviceConfiguration, Failure, NeedTrack, Outcome
from ccw_actors.devices.eckd._access import Access, MissingDataError, MissingTrackError
from ccw_actors.devices.eckd._commands import COMMANDS, Command
from ccw_actors.devices.eckd._ending import NORMAL
from ccw_actors.devices.eckd._hardware import DISKS, hardware_of
from ccw_actors.devices.eckd._sense import (
    COMMAND_REJECT,
    EQUIPMENT_CHECK,
    INTERVENTION_REQUIRED,
    WRITE_INHIBITED,
    Message,
    UnitCheckError,
    rejected,
    sense_data,
)
from ccw_actors.devices.eckd._state import Chain, EckdState
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError, UnknownControlUnitError

__all__ = ["Eckd"]

_FAILURES = {
    Failure.EQUIPMENT: EQUIPMENT_CHECK,
    Failure.INTERVENTION: INTERVENTION_REQUIRED,
}


class Eckd:
    """A 3390 or 3380 with the volume it was configured with.

    The option `control_unit` of its configuration names its control unit. The default
    of a 3390 is "3990-2", as in Hercules. A "3990-6" also knows whole tracks (LOCATE
    RECORD EXTENDED, WRITE FULL TRACK). A "2107" also knows PREFIX, and describes its
    volumes.

    Raises:
        ImageError: The device has no volume, or one of another device type.
        UnknownControlUnitError: The disk cannot be behind that control unit.
    """

    def __init__(self, configuration: DeviceConfiguration) -> None:
        device_type, geometry = configuration.device_type, configuration.geometry
        if not isinstance(geometry, Geometry):
            found = "none" if geometry is None else "one of blocks"
            raise ImageError(
                f"a {device_type} needs a volume of tracks, but {found} is configured"
            )
        if geometry.device_type != device_type:
            raise ImageError(
                f"the volume is that of a {geometry.device_type},"
                f" expected a {device_type}"
            )
        self.configuration = configuration
        self._geometry = geometry
        control_unit = dict(configuration.options).get("control_unit", "")
        hardware = hardware_of(device_type, control_unit)
        if hardware is None:
            known = DISKS[device_type].control_units
            raise UnknownControlUnitError(device_type, control_unit, known)
        self._hardware = hardware

    @property
    def state_type(self) -> type[EckdState]:
        """Type of the state, to decode it with."""
        return EckdState

    def initial(self) -> EckdState:
        """State after power on: on the first track, no sense data."""
        return EckdState()

    def execute(
        self, state: EckdState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[EckdState] | NeedTrack:
        """Execute one command, given the images of the tracks it needs by number."""
        access = self._access(state, command, tracks)
        try:
            entry = self._admitted(access)
            end = entry.handler(access)
        except MissingTrackError as missing:
            return NeedTrack(missing.number)
        except MissingDataError as missing:
            end = CommandEnd(NORMAL, transferred=missing.taken, length=missing.wanted)
            return Outcome(self._state(access, access.chain), end)
        except UnitCheckError as check:
            return self._checked(access, check)
        chain = _chain_after(entry, access.chain)
        return Outcome(self._state(access, chain), end, access.writes)

    def failed(
        self,
        state: EckdState,
        command: DeviceCommand,
        failure: Failure,
    ) -> Outcome[EckdState]:
        """End a command whose track could not be read or written: unit check."""
        access = self._access(state, command, {})
        return self._checked(access, UnitCheckError(_FAILURES[failure]))

    def halted(self, state: EckdState) -> EckdState:
        """State after the halt signal: the chain has ended, sense data remain."""
        return replace(state, chain=Chain())

    def reset(self, state: EckdState) -> EckdState:
        """State after the clear signal: sense data and chain are gone.

        The place of the access mechanism, path group and reservation remain.
        """
        return replace(state, sense=b"", chain=Chain())

    def sense(self, state: EckdState) -> bytes:
        """Return 32 bytes of sense data, as SENSE would read them, and keep them."""
        return state.sense or sense_data(self._hardware, state.cylinder, state.head)

    def _access(
        self, state: EckdState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Access:
        devno = self.configuration.devno
        return Access(
            self._geometry, self._hardware, state, command, tracks, devno=devno
        )

    def _state(self, access: Access, chain: Chain) -> EckdState:
        return EckdState(
            access.cylinder,
            access.head,
            access.sense,
            chain,
            access.path_group,
            access.reserved,
        )

    def _admitted(self, access: Access) -> Command:
        entry = COMMANDS.get(access.command.code)
        if entry is None or not self._knows(entry, access.command.code):
            raise rejected(Message.INVALID_COMMAND)
        domain = access.chain.domain
        if (
            domain is not None
            and not entry.anywhere
            and domain.operation not in entry.operations
        ):
            raise rejected(Message.INVALID_SEQUENCE)
        if entry.writes and self.configuration.read_only:
            raise UnitCheckError(COMMAND_REJECT | WRITE_INHIBITED)
        return entry

    def _knows(self, entry: Command, code: int) -> bool:
        return not entry.special or code in self._hardware.unit.commands

    def _checked(self, access: Access, check: UnitCheckError) -> Outcome[EckdState]:
        sense = sense_data(
            self._hardware,
            access.cylinder,
            access.head,
            check.conditions,
            check.message,
        )
        end = CommandEnd(
            NORMAL | Dstat.UNIT_CHECK, transferred=access.taken, length=access.wanted
        )
        access.sense = sense
        return Outcome(self._state(access, Chain()), end)


def _chain_after(entry: Command, chain: Chain) -> Chain:
    domain = chain.domain
    if domain is not None and entry.operations:
        remaining = domain.remaining - 1
        domain = replace(domain, remaining=remaining) if remaining else None
    index_points = chain.index_points if entry.keeps_index_count else 0
    return replace(chain, domain=domain, index_points=index_points)
