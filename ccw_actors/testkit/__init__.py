"""What tests of actors are made of: probes, a recorder, and a virtual clock.

The fixtures for pytest are in `ccw_actors.pytest_plugin`.
"""

from ccw_actors.testkit.expectation import ExpectationError as ExpectationError
from ccw_actors.testkit.factory import ProbeFactory as ProbeFactory
from ccw_actors.testkit.loop import VirtualTimeLoop as VirtualTimeLoop
from ccw_actors.testkit.loop import virtual_time_loop as virtual_time_loop
from ccw_actors.testkit.probe import Probe as Probe
from ccw_actors.testkit.recorder import DeadLetter as DeadLetter
from ccw_actors.testkit.recorder import Failed as Failed
from ccw_actors.testkit.recorder import Recorder as Recorder
from ccw_actors.testkit.worlds import SteppingSystem as SteppingSystem
from ccw_actors.testkit.worlds import VirtualSystem as VirtualSystem

__all__ = [
    "DeadLetter",
    "ExpectationError",
    "Failed",
    "Probe",
    "ProbeFactory",
    "Recorder",
    "SteppingSystem",
    "VirtualSystem",
    "VirtualTimeLoop",
    "virtual_time_loop",
]
