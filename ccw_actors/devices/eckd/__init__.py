"""Count-key-data disks: the 3390 behind a 3990, and the 3380 behind a 3880."""

from ccw_actors.devices.eckd._commands import COMMANDS as COMMANDS
from ccw_actors.devices.eckd._locate import ECKD as ECKD
from ccw_actors.devices.eckd._model import Eckd as Eckd
from ccw_actors.devices.eckd._state import EckdState as EckdState

__all__ = ["COMMANDS", "ECKD", "Eckd", "EckdState"]
