"""A count-key-data disk as a device model: one command, from its code to its end."""

from collections.abc import Mapping

from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices._model import DeviceConfiguration, Failure, NeedTrack, Outcome
from ccw_actors.devices.eckd._access import Access, MissingDataError, MissingTrackError
from ccw_actors.devices.eckd._commands import COMMANDS, Command
from ccw_actors.devices.eckd._ending import NORMAL
from ccw_actors.devices.eckd._hardware import hardware_of
from ccw_actors.devices.eckd._sense import (
    COMMAND_REJECT,
    EQUIPMENT_CHECK,
    INCOMPLETE_DOMAIN,
    INTERVENTION_REQUIRED,
    WRITE_INHIBITED,
    Message,
    UnitCheckError,
    rejected,
    sense_data,
)
from ccw_actors.devices.eckd._state import Chain, Domain, EckdState
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = ["Eckd"]

_FAILURES = {
    Failure.EQUIPMENT: EQUIPMENT_CHECK,
    Failure.INTERVENTION: INTERVENTION_REQUIRED,
}


_READ_COUNTS = frozenset({0x12, 0x92})
_BEGIN_DOMAIN = frozenset({0x02, 0x47, 0x4B, 0xE7, 0xEA})
_READ_SUBSYSTEM_DATA = 0x3E


class Eckd:
    """A disk, 2305 to 9345, with the volume it was configured with.

    The option `control_unit` of its configuration names its control unit. The default
    of a 3390 is "3990-2", as in Hercules. A "3990-6" also knows whole tracks (LOCATE
    RECORD EXTENDED, WRITE FULL TRACK). A "2107" also knows PREFIX and the data of
    whole tracks (READ and WRITE TRACK DATA), and describes its volumes. A 3380 is
    behind a "3880" by default, and can be behind those of a 3390. The control units of
    disks before the 3375 know neither DEFINE EXTENT and LOCATE RECORD nor path groups.

    With the option `track_room` "image" a track takes the records that its image has
    room for, as on Hercules; without it those of a real track.

    Raises:
        ImageError: The device has no volume, or one of another device type or with
            tracks of a size that this type has not.
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
        options, address = dict(configuration.options), configuration.devno & 0xFF
        self._hardware = hardware_of(geometry, options, address)

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
            if access.chain.index_points and not entry.keeps_index_count:
                access.chain = replace(access.chain, index_points=0)
            end = entry.handler(access)
        except MissingTrackError as missing:
            return NeedTrack(missing.number)
        except MissingDataError as missing:
            end = CommandEnd(NORMAL, transferred=missing.taken, length=missing.wanted)
            return Outcome(self._state(access, access.chain), end)
        except UnitCheckError as check:
            return self._checked(access, _incomplete_domain(access) or check)
        incomplete = _incomplete_domain(access)
        if incomplete is not None:
            state = self._checked(access, incomplete).state
            end = replace(end, status=NORMAL | Dstat.UNIT_CHECK)
            return Outcome(state, end, access.writes)
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
        """State after the clear signal: the chain has ended.

        Sense data remain, as on Hercules 3.13, and so do the place of the access
        mechanism, path group and reservation.
        """
        return self.halted(state)

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
        code = access.command.code
        if access.chain.prepared and code != _READ_SUBSYSTEM_DATA:
            raise rejected(Message.INVALID_SEQUENCE)
        if entry is None or not self._hardware.knows(code, special=entry.special):
            raise rejected(Message.INVALID_COMMAND)
        if entry.needs_track:
            access.check_place()
        domain = access.chain.domain
        if (
            domain is not None
            and not entry.anywhere
            and domain.operation not in entry.operations
            and not _is_suffix(code, domain)
        ):
            raise rejected(Message.INVALID_SEQUENCE)
        if entry.writes and self.configuration.read_only:
            raise UnitCheckError(COMMAND_REJECT | WRITE_INHIBITED)
        return entry

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


def _is_suffix(code: int, domain: Domain) -> bool:
    """Return whether a command is the READ COUNT that may end a domain of updates."""
    return domain.suffixed and domain.remaining == 1 and code in _READ_COUNTS


def _chain_after(entry: Command, chain: Chain) -> Chain:
    domain = chain.domain
    if domain is not None and entry.operations:
        remaining = domain.remaining - 1
        domain = replace(domain, remaining=remaining) if remaining else None
    return replace(chain, domain=domain)


def _incomplete_domain(access: Access) -> UnitCheckError | None:
    """Return the unit check of a chain that ends before its domain does.

    That is a command reject with sense byte 0 bit 7 (SA22-1025), whatever else the
    command ends with. A command that enters a domain does not count as one of it.
    """
    domain = access.chain.domain
    goes_on = access.command.chaining or access.command.code in _BEGIN_DOMAIN
    if domain is None or domain.remaining == 1 or goes_on:
        return None
    return UnitCheckError(COMMAND_REJECT | INCOMPLETE_DOMAIN)
