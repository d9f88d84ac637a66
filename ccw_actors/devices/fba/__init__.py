"""Fixed-block disks, such as 3370, 0671 and 9336."""

from ccw_actors.devices.fba._hardware import HARDWARE as HARDWARE
from ccw_actors.devices.fba._model import COMMANDS as COMMANDS
from ccw_actors.devices.fba._model import Fba as Fba

__all__ = ["COMMANDS", "HARDWARE", "Fba"]
