"""Records of what was executed on real kernels and real QEMUs."""

from ccw_actors.kernel.records._files import RecordError as RecordError
from ccw_actors.kernel.records._files import junit_of as junit_of
from ccw_actors.kernel.records._files import load_records as load_records
from ccw_actors.kernel.records._files import save_record as save_record
from ccw_actors.kernel.records._record import FORMAT as FORMAT
from ccw_actors.kernel.records._record import ExecutionOutcome as ExecutionOutcome
from ccw_actors.kernel.records._record import ExecutionRecord as ExecutionRecord
from ccw_actors.kernel.records._record import Target as Target
from ccw_actors.kernel.records._record import Window as Window

__all__ = [
    "FORMAT",
    "ExecutionOutcome",
    "ExecutionRecord",
    "RecordError",
    "Target",
    "Window",
    "junit_of",
    "load_records",
    "save_record",
]
