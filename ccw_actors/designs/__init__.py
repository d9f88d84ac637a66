"""Designs of others as actors: Linux vfio-ccw by version, proposals, QEMU's emulator.

They are models, written to have the races of the originals. `STEPS` and the docstrings
say which part of a model stands for which part of its original. Your own design is a
value of `Choices`; `DESIGNS` has the existing ones.
"""

from ccw_actors.designs._qemu import QemuSubchannel as QemuSubchannel
from ccw_actors.designs._region_driver import RegionDriver as RegionDriver
from ccw_actors.designs._region_driver import Request as Request
from ccw_actors.designs._writers import DesignRequest as DesignRequest
from ccw_actors.designs._writers import RawReader as RawReader
from ccw_actors.designs._writers import RawWriter as RawWriter
from ccw_actors.designs._writers import RegionRequest as RegionRequest
from ccw_actors.designs.linux._driver import ENDS as ENDS
from ccw_actors.designs.linux._driver import Behaviour as Behaviour
from ccw_actors.designs.linux._driver import Case as Case
from ccw_actors.designs.linux._driver import Choices as Choices
from ccw_actors.designs.linux._driver import Driver as Driver
from ccw_actors.designs.linux._messages import Attention as Attention
from ccw_actors.designs.linux._messages import DeviceLost as DeviceLost
from ccw_actors.designs.linux._messages import IdawChanged as IdawChanged
from ccw_actors.designs.linux._messages import IoInterruption as IoInterruption
from ccw_actors.designs.linux._messages import PathReport as PathReport
from ccw_actors.designs.linux._messages import ReportAdded as ReportAdded
from ccw_actors.designs.linux._messages import Section as Section
from ccw_actors.designs.linux._messages import WaitExpired as WaitExpired
from ccw_actors.designs.linux._private import VfioCcwPrivate as VfioCcwPrivate
from ccw_actors.designs.linux._programs import COUNTED_LIST as COUNTED_LIST
from ccw_actors.designs.linux._programs import ONE_PROGRAM as ONE_PROGRAM
from ccw_actors.designs.linux._state import WRONG as WRONG
from ccw_actors.designs.linux._state import HostState as HostState
from ccw_actors.designs.linux._steps import STEPS as STEPS
from ccw_actors.designs.linux._steps import Step as Step
from ccw_actors.designs.linux._subchannel import is_solicited as is_solicited
from ccw_actors.designs.linux._subchannel import shows_cpa as shows_cpa
from ccw_actors.designs.linux._teardown import CLOSE_AND_OPEN as CLOSE_AND_OPEN
from ccw_actors.designs.linux._teardown import DISABLE_AND_ENABLE as DISABLE_AND_ENABLE
from ccw_actors.designs.linux._threads import SystemCall as SystemCall
from ccw_actors.designs.linux._threads import WorkQueue as WorkQueue
from ccw_actors.designs.linux._versions import DESIGNS as DESIGNS
from ccw_actors.designs.linux._versions import Design as Design
from ccw_actors.designs.linux._versions import v4_with as v4_with

__all__ = [
    "CLOSE_AND_OPEN",
    "COUNTED_LIST",
    "DESIGNS",
    "DISABLE_AND_ENABLE",
    "ENDS",
    "ONE_PROGRAM",
    "STEPS",
    "WRONG",
    "Attention",
    "Behaviour",
    "Case",
    "Choices",
    "Design",
    "DesignRequest",
    "DeviceLost",
    "Driver",
    "HostState",
    "IdawChanged",
    "IoInterruption",
    "PathReport",
    "QemuSubchannel",
    "RawReader",
    "RawWriter",
    "RegionDriver",
    "RegionRequest",
    "ReportAdded",
    "Request",
    "Section",
    "Step",
    "SystemCall",
    "VfioCcwPrivate",
    "WaitExpired",
    "WorkQueue",
    "is_solicited",
    "shows_cpa",
    "v4_with",
]
