"""The actors of channel I/O: devices, subchannels, the layers between them, guests."""

from ccw_actors.actors.emulator import Emulator as Emulator
from ccw_actors.actors.emulator import GuestSubchannel as GuestSubchannel
from ccw_actors.actors.guest import BlockingCpu as BlockingCpu
from ccw_actors.actors.guest import Cpu as Cpu
from ccw_actors.actors.guest import Guest as Guest
from ccw_actors.actors.guest import ProgramThread as ProgramThread
from ccw_actors.actors.hardware import ChannelPath as ChannelPath
from ccw_actors.actors.hardware import ChannelSubsystem as ChannelSubsystem
from ccw_actors.actors.hardware import Device as Device
from ccw_actors.actors.hardware import FileVolume as FileVolume
from ccw_actors.actors.hardware import MemoryVolume as MemoryVolume
from ccw_actors.actors.hardware import Region as Region
from ccw_actors.actors.hardware import Storage as Storage
from ccw_actors.actors.hardware import Subchannel as Subchannel
from ccw_actors.actors.hardware import SubchannelSet as SubchannelSet
from ccw_actors.actors.host import Cio as Cio
from ccw_actors.actors.host import VfioCcw as VfioCcw
from ccw_actors.actors.host import VfioCcwRegions as VfioCcwRegions

__all__ = [
    "BlockingCpu",
    "ChannelPath",
    "ChannelSubsystem",
    "Cio",
    "Cpu",
    "Device",
    "Emulator",
    "FileVolume",
    "Guest",
    "GuestSubchannel",
    "MemoryVolume",
    "ProgramThread",
    "Region",
    "Storage",
    "Subchannel",
    "SubchannelSet",
    "VfioCcw",
    "VfioCcwRegions",
]
