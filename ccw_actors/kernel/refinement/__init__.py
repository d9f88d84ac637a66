"""Decides whether a model allows what a kernel did."""

from ccw_actors.kernel.refinement._probes import PROBES as PROBES
from ccw_actors.kernel.refinement._probes import TRACEPOINTS as TRACEPOINTS
from ccw_actors.kernel.refinement._probes import Probe as Probe
from ccw_actors.kernel.refinement._probes import Probes as Probes
from ccw_actors.kernel.refinement._probes import probes as probes

__all__ = ["PROBES", "TRACEPOINTS", "Probe", "Probes", "probes"]
