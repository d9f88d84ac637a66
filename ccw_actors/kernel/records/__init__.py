"""Records of what was executed on real kernels and real QEMUs."""

from ccw_actors.kernel.records._record import FORMAT as FORMAT
from ccw_actors.kernel.records._record import Outcome as Outcome
from ccw_actors.kernel.records._record import Record as Record
from ccw_actors.kernel.records._record import Target as Target
from ccw_actors.kernel.records._record import Window as Window

__all__ = ["FORMAT", "Outcome", "Record", "Target", "Window"]
