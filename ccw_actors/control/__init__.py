"""The control socket, by which other processes of the same user talk to a machine."""

from ccw_actors.control._client import ControlClient as ControlClient
from ccw_actors.control._client import machine_names as machine_names
from ccw_actors.control._name import NAME_RULE as NAME_RULE
from ccw_actors.control._name import is_name as is_name
from ccw_actors.control._name import name_from as name_from
from ccw_actors.control._protocol import DescribeMachine as DescribeMachine
from ccw_actors.control._protocol import DeviceDescription as DeviceDescription
from ccw_actors.control._protocol import DumpActors as DumpActors
from ccw_actors.control._protocol import DumpedActors as DumpedActors
from ccw_actors.control._protocol import GuestDescription as GuestDescription
from ccw_actors.control._protocol import GuestState as GuestState
from ccw_actors.control._protocol import MachineDescription as MachineDescription
from ccw_actors.control._protocol import RequestFailed as RequestFailed
from ccw_actors.control._protocol import StopMachine as StopMachine
from ccw_actors.control._protocol import Stopping as Stopping
from ccw_actors.control._requests import Handler as Handler
from ccw_actors.control._requests import control_actor as control_actor
from ccw_actors.control._server import CONTROL_PATH as CONTROL_PATH
from ccw_actors.control._server import ControlServer as ControlServer
from ccw_actors.control._socket import ControlSocket as ControlSocket

__all__ = [
    "CONTROL_PATH",
    "NAME_RULE",
    "ControlClient",
    "ControlServer",
    "ControlSocket",
    "DescribeMachine",
    "DeviceDescription",
    "DumpActors",
    "DumpedActors",
    "GuestDescription",
    "GuestState",
    "Handler",
    "MachineDescription",
    "RequestFailed",
    "StopMachine",
    "Stopping",
    "control_actor",
    "is_name",
    "machine_names",
    "name_from",
]
