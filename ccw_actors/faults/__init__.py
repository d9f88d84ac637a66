"""Faults on demand: unit checks, stalls, lost interruptions, paths that go and come."""

from ccw_actors.faults._device import FaultyDevice as FaultyDevice
from ccw_actors.faults._device import FaultyDeviceState as FaultyDeviceState
from ccw_actors.faults._fault import EFFECTS as EFFECTS
from ccw_actors.faults._fault import FAULT_EXPECTED as FAULT_EXPECTED
from ccw_actors.faults._fault import STATUSES as STATUSES
from ccw_actors.faults._fault import Fault as Fault
from ccw_actors.faults._fault import FaultProblem as FaultProblem
from ccw_actors.faults._fault import check_fault as check_fault
from ccw_actors.faults._fault import fault_problems as fault_problems
from ccw_actors.faults._messages import DropFaults as DropFaults
from ccw_actors.faults._messages import FaultMessage as FaultMessage
from ccw_actors.faults._messages import FaultPlanned as FaultPlanned
from ccw_actors.faults._messages import FaultsDropped as FaultsDropped
from ccw_actors.faults._messages import FaultsReported as FaultsReported
from ccw_actors.faults._messages import PlanFault as PlanFault
from ccw_actors.faults._messages import ReportFaults as ReportFaults
from ccw_actors.faults._model import FaultyModel as FaultyModel
from ccw_actors.faults._model import FaultyState as FaultyState
from ccw_actors.faults._plan import PlannedFault as PlannedFault
from ccw_actors.faults._sense import SENSE_NAMES as SENSE_NAMES

__all__ = [
    "EFFECTS",
    "FAULT_EXPECTED",
    "SENSE_NAMES",
    "STATUSES",
    "DropFaults",
    "Fault",
    "FaultMessage",
    "FaultPlanned",
    "FaultProblem",
    "FaultsDropped",
    "FaultsReported",
    "FaultyDevice",
    "FaultyDeviceState",
    "FaultyModel",
    "FaultyState",
    "PlanFault",
    "PlannedFault",
    "ReportFaults",
    "check_fault",
    "fault_problems",
]
