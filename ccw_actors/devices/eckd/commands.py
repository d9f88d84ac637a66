"""Which commands a disk knows: the table of command codes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from ccw_actors.channel.command import CommandEnd
from ccw_actors.devices.eckd import control, data
from ccw_actors.devices.eckd.access import Access
from ccw_actors.devices.eckd.state import Operation

__all__ = ["COMMANDS", "Command"]

Handler = Callable[[Access], CommandEnd]


class Command(Struct, frozen=True):
    """One command code.

    `operations` are the LOCATE RECORD operations whose domain it belongs to; within a
    domain any other command is out of sequence, unless it may come `anywhere`.
    `writes` needs a volume that is not write inhibited. `keeps_index_count`: the
    command does not restart the count of index points that ends a search.
    """

    name: str
    handler: Handler
    operations: frozenset[Operation] = frozenset()
    anywhere: bool = False
    writes: bool = False
    keeps_index_count: bool = False


_READS = frozenset({Operation.READ_DATA, Operation.READ})
_UPDATES = frozenset({Operation.WRITE_DATA})

_READ_COUNT = Command("read count", data.read_count, _READS, keeps_index_count=True)
_READ_DATA = Command("read data", data.read_data, _READS)
_READ_R0 = Command("read record zero", data.read_record_zero)
_SEARCH_ID = Command("search ID equal", data.search_id_equal, keeps_index_count=True)
_WRITE_DATA = Command("write data", data.write_data, _UPDATES, writes=True)

COMMANDS: Mapping[int, Command] = MappingProxyType(
    {
        0x02: Command("read IPL", data.read_initial_program),
        0x03: Command("no operation", control.no_operation),
        0x04: Command("sense", control.sense, anywhere=True),
        0x05: _WRITE_DATA,
        0x06: _READ_DATA,
        0x07: Command("seek", control.seek),
        0x0B: Command("seek cylinder", control.seek_cylinder),
        0x12: _READ_COUNT,
        0x16: _READ_R0,
        0x1B: Command("seek head", control.seek_head),
        0x1F: Command("set file mask", control.set_file_mask),
        0x31: _SEARCH_ID,
        0x47: Command("locate record", control.locate_record),
        0x63: Command("define extent", control.define_extent),
        0x64: Command(
            "read device characteristics", control.read_device_characteristics
        ),
        0x85: _WRITE_DATA,
        0x86: _READ_DATA,
        0x92: _READ_COUNT,
        0x96: _READ_R0,
        0xB1: _SEARCH_ID,
        0xE4: Command("sense ID", control.sense_id),
    }
)
