"""The recorded runs of real kernels, by the design that each kernel has.

`recording/record.py` has recorded them.

| folder | kernel |
|---|---|
| 2026 | Debian's Linux 6.1.192, 6.12.118 and 7.2.13, which have the fixes of 2026 |
| v6.0 | 6.12.118, with worker, CLOSE and the loss of a device as before the fixes |
| clear-flag | 6.12.118, with START refused until the status of a CLEAR was handled |
"""

from functools import cache
from pathlib import Path

from ccw_actors.kernel.refinement import KernelTrace, read_kernel_trace

__all__ = ["DESIGNS_RUN", "TRACES", "traces_of"]

TRACES = Path(__file__).parent / "traces"
DESIGNS_RUN = ("2026", "v6.0")
"""The designs whose variants are tried."""


@cache
def traces_of(design: str) -> dict[str, KernelTrace]:
    """Return the traces of kernels that have this design, by name."""
    files = sorted((TRACES / design).glob("*.jsonl.gz"))
    return {file.name.partition(".jsonl")[0]: read_kernel_trace(file) for file in files}
