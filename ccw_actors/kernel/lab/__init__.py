"""Has the scenarios of the table as forced orders, and looks for their harm."""

from ccw_actors.kernel.lab._kernel_files import KernelFileError as KernelFileError
from ccw_actors.kernel.lab._kernel_files import KernelFiles as KernelFiles
from ccw_actors.kernel.lab._laboratory import KERNEL_SCENARIOS as KERNEL_SCENARIOS
from ccw_actors.kernel.lab._laboratory import examine_kernel as examine_kernel

__all__ = ["KERNEL_SCENARIOS", "KernelFileError", "KernelFiles", "examine_kernel"]
