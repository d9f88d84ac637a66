"""Traces of a System: as a file, as readable lines, as counts."""

from ccw_actors.trace._file import TRACE_SIZE as TRACE_SIZE
from ccw_actors.trace._file import TraceTarget as TraceTarget
from ccw_actors.trace._file import open_trace as open_trace
from ccw_actors.trace._merge import TracePart as TracePart
from ccw_actors.trace._merge import merge_traces as merge_traces
from ccw_actors.trace._reader import TraceReader as TraceReader
from ccw_actors.trace._records import DeadLetterRecord as DeadLetterRecord
from ccw_actors.trace._records import EventRecord as EventRecord
from ccw_actors.trace._records import FailureRecord as FailureRecord
from ccw_actors.trace._records import HandledRecord as HandledRecord
from ccw_actors.trace._records import TypeRecord as TypeRecord
from ccw_actors.trace._show import OUTSIDE as OUTSIDE
from ccw_actors.trace._show import Named as Named
from ccw_actors.trace._show import as_json as as_json
from ccw_actors.trace._show import as_line as as_line
from ccw_actors.trace._show import message_of as message_of
from ccw_actors.trace._show import type_name as type_name
from ccw_actors.trace._writer import TraceWriter as TraceWriter

__all__ = [
    "OUTSIDE",
    "TRACE_SIZE",
    "DeadLetterRecord",
    "EventRecord",
    "FailureRecord",
    "HandledRecord",
    "Named",
    "TracePart",
    "TraceReader",
    "TraceTarget",
    "TraceWriter",
    "TypeRecord",
    "as_json",
    "as_line",
    "merge_traces",
    "message_of",
    "open_trace",
    "type_name",
]
