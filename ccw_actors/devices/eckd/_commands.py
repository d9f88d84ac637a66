"""The table of command codes that a disk knows."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd import _control as control
from ccw_actors.devices.eckd import _extended as extended
from ccw_actors.devices.eckd import _paths as paths
from ccw_actors.devices.eckd import _reads as reads
from ccw_actors.devices.eckd import _search as search
from ccw_actors.devices.eckd import _subsystem as subsystem
from ccw_actors.devices.eckd import _track_data as track_data
from ccw_actors.devices.eckd import _writes as writes
from ccw_actors.devices.eckd._access import Access
from ccw_actors.devices.eckd._state import Operation

__all__ = ["COMMANDS", "Command"]

Handler = Callable[[Access], CommandEnd]


class Command(Struct, frozen=True):
    """One command code.

    `operations` are the LOCATE RECORD operations whose domain takes the command. Within
    a domain any other command is out of sequence, unless it may come `anywhere`. A
    command that `writes` needs a volume that is not write inhibited. With
    `keeps_index_count` it does not restart the count of index points that ends a
    search. One that `needs_track` has to come behind a command of its chain that has
    selected one: a seek, LOCATE RECORD or READ IPL. Control units from the 3990 on
    check that (SA22-1025). Only some control units
    know a `special` command.
    """

    name: str
    handler: Handler
    operations: frozenset[Operation] = frozenset()
    anywhere: bool = False
    writes: bool = False
    keeps_index_count: bool = False
    needs_track: bool = False
    special: bool = False


_NEED_TRACK = frozenset(
    {0x06, 0x0E, 0x12, 0x16, 0x1A, 0x1B, 0x1E, 0x23, 0x29, 0x31, 0x39, 0x49, 0x51}
    | {0x5E, 0x69, 0x71, 0x92}
)

_READS = frozenset({Operation.READ_DATA, Operation.READ})
_LOADS = frozenset({Operation.READ_DATA})
_UPDATES = frozenset({Operation.WRITE_DATA})
_WRITES = _UPDATES | {Operation.WRITE_TRACK}
_WRITE_TRACK = frozenset({Operation.WRITE_TRACK})
_FORMATS = frozenset({Operation.FORMAT_WRITE})
_TRACKS = frozenset({Operation.READ_TRACKS})
_FULL_TRACKS = frozenset({Operation.WRITE_FULL_TRACK})
_TRACK_DATA = frozenset({Operation.WRITE_TRACK_DATA})


def _command(
    name: str,
    handler: Handler,
    code: int,
    operations: frozenset[Operation] = frozenset(),
    *,
    multitrack: bool = False,
    writes: bool = False,
    searches: bool = False,
    special: bool = False,
) -> dict[int, Command]:
    """Return a command by its code, and by its multitrack code if it has one.

    A command that `searches` does not restart the count of index points.
    """
    entry = Command(
        name,
        handler,
        operations,
        writes=writes,
        keeps_index_count=searches,
        needs_track=code in _NEED_TRACK,
        special=special,
    )
    return {code: entry} | ({code | 0x80: entry} if multitrack else {})


COMMANDS: Mapping[int, Command] = MappingProxyType(
    _command("sense", control.sense, 0x04)
    | _command(
        "write special count, key and data",
        writes.write_special_count_key_data,
        0x01,
        writes=True,
    )
    | _command("read IPL", reads.read_initial_program, 0x02, _LOADS)
    | {0x03: Command("no operation", control.no_operation, _LOADS, anywhere=True)}
    | _command("write data", writes.write_data, 0x05, _WRITES, writes=True)
    | _command("write update data", writes.write_data, 0x85, _UPDATES, writes=True)
    | _command("read data", reads.read_data, 0x06, _READS, multitrack=True)
    | _command("seek", control.seek, 0x07)
    | _command("seek cylinder", control.seek_cylinder, 0x0B)
    | _command("write key and data", writes.write_key_data, 0x0D, _WRITES, writes=True)
    | _command(
        "write update key and data",
        writes.write_key_data,
        0x8D,
        _UPDATES,
        writes=True,
    )
    | _command("read key and data", reads.read_key_data, 0x0E, _READS, multitrack=True)
    | _command("erase", writes.erase, 0x11, _WRITE_TRACK, writes=True)
    | _command("read count", reads.read_count, 0x12, _READS, searches=True)
    | _command("read count", reads.read_count, 0x92, _READS)
    | _command("unconditional reserve", paths.reserve, 0x14)
    | _command("write R0", writes.write_record_zero, 0x15, _FORMATS, writes=True)
    | _command("recalibrate", control.recalibrate, 0x13)
    | _command("restore", control.restore, 0x17)
    | _command("read R0", reads.read_record_zero, 0x16, _READS, multitrack=True)
    | _command("write home address", writes.write_home_address, 0x19, writes=True)
    | _command(
        "read home address", reads.read_home_address, 0x1A, _READS, multitrack=True
    )
    | _command("seek head", control.seek_head, 0x1B)
    | _command(
        "write count, key and data",
        writes.write_count_key_data,
        0x1D,
        _FORMATS | _WRITE_TRACK,
        writes=True,
    )
    | _command(
        "write count, key and data next track",
        writes.write_count_key_data_next_track,
        0x9D,
        _FORMATS,
        writes=True,
    )
    | _command(
        "read count, key and data",
        reads.read_count_key_data,
        0x1E,
        _READS,
        multitrack=True,
    )
    | _command("set file mask", control.set_file_mask, 0x1F)
    | _command("read sector", control.read_sector, 0x22)
    | _command("set sector", control.set_sector, 0x23)
    | _command("perform subsystem function", subsystem.perform_subsystem_function, 0x27)
    | _command(
        "search key equal",
        search.search_key_equal,
        0x29,
        multitrack=True,
        searches=True,
    )
    | _command(
        "search ID equal", search.search_id_equal, 0x31, multitrack=True, searches=True
    )
    | _command("sense path group ID", paths.sense_path_group_id, 0x34)
    | _command(
        "search home address equal",
        search.search_home_address_equal,
        0x39,
        multitrack=True,
        searches=True,
    )
    | _command("read subsystem data", subsystem.read_subsystem_data, 0x3E)
    | {0x47: Command("locate record", control.locate_record, anywhere=True)}
    | _command(
        "locate record extended",
        extended.locate_record_extended,
        0x4B,
        special=True,
    )
    | _command(
        "search key high", search.search_key_high, 0x49, multitrack=True, searches=True
    )
    | _command(
        "search ID high", search.search_id_high, 0x51, multitrack=True, searches=True
    )
    | _command("sense subsystem status", subsystem.sense_subsystem_status, 0x54)
    | _command(
        "suspend multipath reconnection",
        paths.suspend_multipath_reconnection,
        paths.SUSPEND_MULTIPATH_RECONNECTION,
    )
    | _command(
        "read multiple count, key and data",
        reads.read_multiple_count_key_data,
        0x5E,
    )
    | {0x63: Command("define extent", control.define_extent, anywhere=True)}
    | _command("read device characteristics", control.read_device_characteristics, 0x64)
    | _command(
        "search key equal or high",
        search.search_key_equal_or_high,
        0x69,
        multitrack=True,
        searches=True,
    )
    | _command(
        "search ID equal or high",
        search.search_id_equal_or_high,
        0x71,
        multitrack=True,
        searches=True,
    )
    | _command("set subsystem mode", subsystem.set_subsystem_mode, 0x87)
    | _command("release", paths.release, 0x94)
    | _command(
        "write full track",
        writes.write_full_track,
        0x95,
        _FULL_TRACKS,
        writes=True,
        special=True,
    )
    | _command("read and reset buffered log", subsystem.read_buffered_log, 0xA4)
    | _command(
        "write track data",
        track_data.write_track_data,
        0xA5,
        _TRACK_DATA,
        writes=True,
        special=True,
    )
    | _command(
        "read track data", track_data.read_track_data, 0xA6, _TRACKS, special=True
    )
    | _command("set path group ID", paths.set_path_group_id, 0xAF)
    | _command("reserve", paths.reserve, 0xB4)
    | _command("read track", reads.read_track, 0xDE, _TRACKS)
    | _command("sense ID", control.sense_id, 0xE4)
    | _command("prefix", extended.prefix, 0xE7, special=True)
    | _command("prefix for reads", extended.prefix_for_reads, 0xEA, special=True)
    | {
        0xF3: Command("diagnostic control", control.diagnostic_control, anywhere=True),
    }
    | _command("read configuration data", subsystem.read_configuration_data, 0xFA)
)
