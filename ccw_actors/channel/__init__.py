"""The architecture as values and pure functions, without I/O and without actors.

This package re-exports the structures of the channel subsystem (ORB, CCW, SCSW, SCHIB,
IRB, ids, interruption codes) with their bytes. `lifecycle` is the life cycle of the
start, halt and clear functions, `program` the channel-program interpreter with its
`begin` and `answered`. Import these two as modules.
"""

from ccw_actors.channel._condition_code import Cc as Cc
from ccw_actors.channel._irb import Irb as Irb
from ccw_actors.channel._model_dependent import ModelDependent as ModelDependent
from ccw_actors.channel._orb import Orb as Orb
from ccw_actors.channel._schib import PATH_0 as PATH_0
from ccw_actors.channel._schib import SCHIB_LENGTH as SCHIB_LENGTH
from ccw_actors.channel._schib import Pmcw as Pmcw
from ccw_actors.channel._schib import Schib as Schib
from ccw_actors.channel._schib import modified as modified
from ccw_actors.channel._schid import SubchannelId as SubchannelId
from ccw_actors.channel._schid import bus_id as bus_id
from ccw_actors.channel._schid import parse_device_number as parse_device_number
from ccw_actors.channel._scsw import SCSW_LENGTH as SCSW_LENGTH
from ccw_actors.channel._scsw import Actl as Actl
from ccw_actors.channel._scsw import Cstat as Cstat
from ccw_actors.channel._scsw import Dstat as Dstat
from ccw_actors.channel._scsw import Fctl as Fctl
from ccw_actors.channel._scsw import Scsw as Scsw
from ccw_actors.channel._scsw import Stctl as Stctl
from ccw_actors.channel.actions import Action as Action
from ccw_actors.channel.actions import Answer as Answer
from ccw_actors.channel.actions import Continue as Continue
from ccw_actors.channel.actions import End as End
from ccw_actors.channel.actions import FetchData as FetchData
from ccw_actors.channel.actions import Fetched as Fetched
from ccw_actors.channel.actions import FetchWords as FetchWords
from ccw_actors.channel.actions import Interrupt as Interrupt
from ccw_actors.channel.actions import Perform as Perform
from ccw_actors.channel.actions import StorageCheck as StorageCheck
from ccw_actors.channel.actions import Stored as Stored
from ccw_actors.channel.actions import StoreData as StoreData
from ccw_actors.channel.actions import Suspend as Suspend
from ccw_actors.channel.ccw import Ccw as Ccw
from ccw_actors.channel.ccw import Command as Command
from ccw_actors.channel.command import CommandEnd as CommandEnd
from ccw_actors.channel.command import DeviceCommand as DeviceCommand
from ccw_actors.channel.crw import Crw as Crw
from ccw_actors.channel.crw import Erc as Erc
from ccw_actors.channel.crw import Rsc as Rsc
from ccw_actors.channel.execution import Execution as Execution
from ccw_actors.channel.execution import Rules as Rules
from ccw_actors.channel.interruption import InterruptionCode as InterruptionCode
from ccw_actors.channel.interruption import ProgramException as ProgramException
