"""Tools for tests of actors: probes, a recorder and a virtual clock.

The fixtures for pytest are in `ccw_actors.pytest_plugin`.
"""

from ccw_actors.testkit._expectation import ExpectationError as ExpectationError
from ccw_actors.testkit._factory import ProbeFactory as ProbeFactory
from ccw_actors.testkit._loop import VirtualTimeLoop as VirtualTimeLoop
from ccw_actors.testkit._loop import virtual_time_loop as virtual_time_loop
from ccw_actors.testkit._probe import Probe as Probe
from ccw_actors.testkit._recorder import DeadLetter as DeadLetter
from ccw_actors.testkit._recorder import Failed as Failed
from ccw_actors.testkit._recorder import Recorder as Recorder
from ccw_actors.testkit._verdict import end as end
from ccw_actors.testkit._verdict import end_without_loop as end_without_loop
from ccw_actors.testkit._worlds import SteppingSystem as SteppingSystem
from ccw_actors.testkit._worlds import VirtualSystem as VirtualSystem

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
    "end",
    "end_without_loop",
    "virtual_time_loop",
]
