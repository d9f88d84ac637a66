"""The hardware of a machine: devices, their subchannels, channel paths, storage."""

from ccw_actors.actors.hardware._channel_path import ChannelPath as ChannelPath
from ccw_actors.actors.hardware._channel_subsystem import (
    ChannelSubsystem as ChannelSubsystem,
)
from ccw_actors.actors.hardware._device import Device as Device
from ccw_actors.actors.hardware._device import DeviceState as DeviceState
from ccw_actors.actors.hardware._interruption_request import (
    InterruptionRequest as InterruptionRequest,
)
from ccw_actors.actors.hardware._pages import PAGE_SIZE as PAGE_SIZE
from ccw_actors.actors.hardware._pages import pages_of as pages_of
from ccw_actors.actors.hardware._regions import Region as Region
from ccw_actors.actors.hardware._storage import Storage as Storage
from ccw_actors.actors.hardware._subchannel import Subchannel as Subchannel
from ccw_actors.actors.hardware._subchannel_pace import PROMPT as PROMPT
from ccw_actors.actors.hardware._subchannel_pace import UNHURRIED as UNHURRIED
from ccw_actors.actors.hardware._subchannel_pace import Pace as Pace
from ccw_actors.actors.hardware._subchannel_set import DEVICE as DEVICE
from ccw_actors.actors.hardware._subchannel_set import (
    SubchannelReferences as SubchannelReferences,
)
from ccw_actors.actors.hardware._subchannel_set import SubchannelSet as SubchannelSet
from ccw_actors.actors.hardware._subchannel_status import (
    SubchannelState as SubchannelState,
)
from ccw_actors.actors.hardware._volume import FileVolume as FileVolume
from ccw_actors.actors.hardware._volume import MemoryVolume as MemoryVolume

__all__ = [
    "DEVICE",
    "PAGE_SIZE",
    "PROMPT",
    "UNHURRIED",
    "ChannelPath",
    "ChannelSubsystem",
    "Device",
    "DeviceState",
    "FileVolume",
    "InterruptionRequest",
    "MemoryVolume",
    "Pace",
    "Region",
    "Storage",
    "Subchannel",
    "SubchannelReferences",
    "SubchannelSet",
    "SubchannelState",
    "pages_of",
]
