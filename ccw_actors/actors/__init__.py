"""Who takes part: devices, subchannels, the layers between them, guests."""

from ccw_actors.actors.channel_path import ChannelPath as ChannelPath
from ccw_actors.actors.channel_subsystem import ChannelSubsystem as ChannelSubsystem
from ccw_actors.actors.cio import Cio as Cio
from ccw_actors.actors.cpu import BlockingCpu as BlockingCpu
from ccw_actors.actors.cpu import Cpu as Cpu
from ccw_actors.actors.device import Device as Device
from ccw_actors.actors.emulator import Emulator as Emulator
from ccw_actors.actors.guest import Guest as Guest
from ccw_actors.actors.guest import ProgramThread as ProgramThread
from ccw_actors.actors.guest_subchannel import GuestSubchannel as GuestSubchannel
from ccw_actors.actors.regions import Region as Region
from ccw_actors.actors.storage import Storage as Storage
from ccw_actors.actors.subchannel import Subchannel as Subchannel
from ccw_actors.actors.vfio_ccw import VfioCcw as VfioCcw
from ccw_actors.actors.vfio_ccw_regions import VfioCcwRegions as VfioCcwRegions
from ccw_actors.actors.volume import FileVolume as FileVolume
from ccw_actors.actors.volume import MemoryVolume as MemoryVolume

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
    "VfioCcw",
    "VfioCcwRegions",
]
