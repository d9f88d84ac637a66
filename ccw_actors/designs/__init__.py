"""Designs of others as actors: Linux vfio-ccw by version, proposals, QEMU's emulator.

They are models, written to have the races that the originals have. What in them stands
for what in the originals is in `STEPS` and in the docstrings.
"""

from ccw_actors.designs._qemu import QemuSubchannel as QemuSubchannel
from ccw_actors.designs._region_driver import RegionDriver as RegionDriver
from ccw_actors.designs._writers import RawReader as RawReader
from ccw_actors.designs._writers import RawWriter as RawWriter
from ccw_actors.designs._writers import Request as Request
from ccw_actors.designs.linux._features import DESIGNS as DESIGNS
from ccw_actors.designs.linux._features import Design as Design
from ccw_actors.designs.linux._features import Features as Features
from ccw_actors.designs.linux._features import v4_with as v4_with
from ccw_actors.designs.linux._hardware import ENDS as ENDS
from ccw_actors.designs.linux._hardware import Attention as Attention
from ccw_actors.designs.linux._hardware import Behaviour as Behaviour
from ccw_actors.designs.linux._hardware import is_solicited as is_solicited
from ccw_actors.designs.linux._hardware import shows_cpa as shows_cpa
from ccw_actors.designs.linux._memory import WRONG as WRONG
from ccw_actors.designs.linux._private import VfioCcwPrivate as VfioCcwPrivate
from ccw_actors.designs.linux._requests import IdawChanged as IdawChanged
from ccw_actors.designs.linux._requests import Program as Program
from ccw_actors.designs.linux._steps import STEPS as STEPS
from ccw_actors.designs.linux._teardown import DeviceLost as DeviceLost
from ccw_actors.designs.linux._teardown import PathReport as PathReport
from ccw_actors.designs.linux._threads import SystemCall as SystemCall
from ccw_actors.designs.linux._threads import WorkQueue as WorkQueue

__all__ = [
    "DESIGNS",
    "ENDS",
    "STEPS",
    "WRONG",
    "Attention",
    "Behaviour",
    "Design",
    "DeviceLost",
    "Features",
    "IdawChanged",
    "PathReport",
    "Program",
    "QemuSubchannel",
    "RawReader",
    "RawWriter",
    "RegionDriver",
    "Request",
    "SystemCall",
    "VfioCcwPrivate",
    "WorkQueue",
    "is_solicited",
    "shows_cpa",
    "v4_with",
]
