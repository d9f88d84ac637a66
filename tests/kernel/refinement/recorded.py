"""The recorded runs of real kernels, by the design that each kernel has.

`recording/record.py` has recorded them. traces/2026 are of Debian's Linux 6.12.118.
traces/v6.0 are of the same one with a change that takes back what the fixes of 2026
did to its worker, its CLOSE and the loss of a device.
"""

from functools import cache
from pathlib import Path

from ccw_actors.kernel.refinement import KernelTrace, read_kernel_trace

__all__ = ["DESIGNS_RUN", "TRACES", "traces_of"]

TRACES = Path(__file__).parent / "traces"
DESIGNS_RUN = ("2026", "v6.0")


@cache
def traces_of(design: str) -> dict[str, KernelTrace]:
    """Return the traces of kernels that have this design, by name."""
    files = sorted((TRACES / design).glob("*.jsonl.gz"))
    return {file.name.partition(".jsonl")[0]: read_kernel_trace(file) for file in files}
