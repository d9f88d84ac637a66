"""Designs of others as actors: Linux vfio-ccw by version, proposals, QEMU's emulator.

They are models, written to have the races that the originals have. What in them stands
for what in the originals is in `linux.steps` and in the docstrings.
"""

from ccw_actors.designs.linux.features import DESIGNS as DESIGNS
from ccw_actors.designs.linux.features import Design as Design
from ccw_actors.designs.linux.features import Features as Features
from ccw_actors.designs.linux.features import v4_with as v4_with
from ccw_actors.designs.linux.hardware import ENDS as ENDS
from ccw_actors.designs.linux.hardware import Attention as Attention
from ccw_actors.designs.linux.hardware import Behaviour as Behaviour
from ccw_actors.designs.linux.memory import WRONG as WRONG
from ccw_actors.designs.linux.private import VfioCcwPrivate as VfioCcwPrivate
from ccw_actors.designs.linux.requests import IdawChanged as IdawChanged
from ccw_actors.designs.linux.requests import Program as Program
from ccw_actors.designs.linux.teardown import DeviceLost as DeviceLost
from ccw_actors.designs.linux.teardown import PathReport as PathReport
from ccw_actors.designs.linux.threads import SystemCall as SystemCall
from ccw_actors.designs.linux.threads import WorkQueue as WorkQueue
from ccw_actors.designs.qemu import QemuSubchannel as QemuSubchannel
from ccw_actors.designs.region_driver import RegionDriver as RegionDriver

__all__ = [
    "DESIGNS",
    "ENDS",
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
    "RegionDriver",
    "SystemCall",
    "VfioCcwPrivate",
    "WorkQueue",
    "v4_with",
]
