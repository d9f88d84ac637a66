"""Cross-builds a kernel with vfio_ccw, with changes under test.

`build` writes the folder of a kernel, and `read_build` reads what is in one. A change
is an edit script: `changes` has those of this package.
"""

from ccw_actors.kernel.build._build import Build as Build
from ccw_actors.kernel.build._build import build as build
from ccw_actors.kernel.build._build import read_build as read_build
from ccw_actors.kernel.build._change import Change as Change
from ccw_actors.kernel.build._change import Edit as Edit
from ccw_actors.kernel.build._change import edited as edited
from ccw_actors.kernel.build._change import read_change as read_change
from ccw_actors.kernel.build._change import shipped_changes as shipped_changes
from ccw_actors.kernel.build._configuration import ADDITIONS as ADDITIONS
from ccw_actors.kernel.build._errors import BuildFailedError as BuildFailedError
from ccw_actors.kernel.build._errors import ChangeError as ChangeError
from ccw_actors.kernel.build._errors import KernelSourceError as KernelSourceError
from ccw_actors.kernel.build._errors import ToolMissingError as ToolMissingError
from ccw_actors.kernel.build._sources import Source as Source
from ccw_actors.kernel.build._sources import default_cache as default_cache
from ccw_actors.kernel.build._sources import find_source as find_source

__all__ = [
    "ADDITIONS",
    "Build",
    "BuildFailedError",
    "Change",
    "ChangeError",
    "Edit",
    "KernelSourceError",
    "Source",
    "ToolMissingError",
    "build",
    "default_cache",
    "edited",
    "find_source",
    "read_build",
    "read_change",
    "shipped_changes",
]
