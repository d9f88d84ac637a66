"""Count-key-data disks, from the 2311 to the 3390, behind their control units."""

from ccw_actors.devices.eckd._commands import COMMANDS as COMMANDS
from ccw_actors.devices.eckd._control_units import CONTROL_UNITS as CONTROL_UNITS
from ccw_actors.devices.eckd._disks import DISKS as DISKS
from ccw_actors.devices.eckd._locate import ECKD as ECKD
from ccw_actors.devices.eckd._model import Eckd as Eckd
from ccw_actors.devices.eckd._state import EckdState as EckdState

__all__ = ["COMMANDS", "CONTROL_UNITS", "DISKS", "ECKD", "Eckd", "EckdState"]
