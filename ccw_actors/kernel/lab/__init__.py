"""Has the scenarios of the table as forced orders, and looks for their harm."""

from ccw_actors.kernel.lab._delayed import DELAYED_PLANS as DELAYED_PLANS
from ccw_actors.kernel.lab._kernel_files import KernelFileError as KernelFileError
from ccw_actors.kernel.lab._kernel_files import KernelFiles as KernelFiles
from ccw_actors.kernel.lab._laboratory import KERNEL_SCENARIOS as KERNEL_SCENARIOS
from ccw_actors.kernel.lab._laboratory import examine_kernel as examine_kernel
from ccw_actors.kernel.lab._plan import Plan as Plan
from ccw_actors.kernel.lab._plans import PLANS as PLANS

__all__ = [
    "DELAYED_PLANS",
    "KERNEL_SCENARIOS",
    "PLANS",
    "KernelFileError",
    "KernelFiles",
    "Plan",
    "examine_kernel",
]
