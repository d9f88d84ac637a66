"""The host's operating system: the cio layer, and vfio-ccw on top of it."""

from ccw_actors.actors.host._cio import Cio as Cio
from ccw_actors.actors.host._cio_state import CioState as CioState
from ccw_actors.actors.host._driver import Driver as Driver
from ccw_actors.actors.host._driver_state import DriverState as DriverState
from ccw_actors.actors.host._vfio_ccw import VfioCcw as VfioCcw
from ccw_actors.actors.host._vfio_ccw_regions import VfioCcwRegions as VfioCcwRegions

__all__ = ["Cio", "CioState", "Driver", "DriverState", "VfioCcw", "VfioCcwRegions"]
