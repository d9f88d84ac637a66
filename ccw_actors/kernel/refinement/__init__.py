"""Decides whether a model allows what a kernel did."""

from ccw_actors.kernel.refinement._check import CONFIGURATIONS_MAX as CONFIGURATIONS_MAX
from ccw_actors.kernel.refinement._check import Answer as Answer
from ccw_actors.kernel.refinement._check import check_kernel_trace as check_kernel_trace
from ccw_actors.kernel.refinement._errors import KernelTraceError as KernelTraceError
from ccw_actors.kernel.refinement._kernel_trace import TRACE_FORMAT as TRACE_FORMAT
from ccw_actors.kernel.refinement._kernel_trace import TRACE_VERSION as TRACE_VERSION
from ccw_actors.kernel.refinement._kernel_trace import Header as Header
from ccw_actors.kernel.refinement._kernel_trace import KernelEvent as KernelEvent
from ccw_actors.kernel.refinement._kernel_trace import KernelTrace as KernelTrace
from ccw_actors.kernel.refinement._kernel_trace import (
    is_kernel_trace as is_kernel_trace,
)
from ccw_actors.kernel.refinement._kernel_trace import (
    read_kernel_trace as read_kernel_trace,
)
from ccw_actors.kernel.refinement._kernel_trace import (
    write_kernel_trace as write_kernel_trace,
)
from ccw_actors.kernel.refinement._own_check import OwnAnswer as OwnAnswer
from ccw_actors.kernel.refinement._own_check import Refusal as Refusal
from ccw_actors.kernel.refinement._own_check import check_own_trace as check_own_trace
from ccw_actors.kernel.refinement._own_check import is_own_trace as is_own_trace
from ccw_actors.kernel.refinement._probes import GROUP as GROUP
from ccw_actors.kernel.refinement._probes import PROBES as PROBES
from ccw_actors.kernel.refinement._probes import TRACEPOINTS as TRACEPOINTS
from ccw_actors.kernel.refinement._probes import KernelProbe as KernelProbe
from ccw_actors.kernel.refinement._probes import Probes as Probes
from ccw_actors.kernel.refinement._probes import probes as probes
from ccw_actors.kernel.refinement._tracefs import EVENTS as EVENTS
from ccw_actors.kernel.refinement._tracefs import read_tracefs as read_tracefs
from ccw_actors.kernel.refinement._visible import INPUTS as INPUTS
from ccw_actors.kernel.refinement._visible import VISIBLE as VISIBLE
from ccw_actors.kernel.refinement._visible import Visible as Visible

__all__ = [
    "CONFIGURATIONS_MAX",
    "EVENTS",
    "GROUP",
    "INPUTS",
    "PROBES",
    "TRACEPOINTS",
    "TRACE_FORMAT",
    "TRACE_VERSION",
    "VISIBLE",
    "Answer",
    "Header",
    "KernelEvent",
    "KernelProbe",
    "KernelTrace",
    "KernelTraceError",
    "OwnAnswer",
    "Probes",
    "Refusal",
    "Visible",
    "check_kernel_trace",
    "check_own_trace",
    "is_kernel_trace",
    "is_own_trace",
    "probes",
    "read_kernel_trace",
    "read_tracefs",
    "write_kernel_trace",
]
