"""Golden vectors of real systems, run on an emulated host and compared."""

from ccw_actors.conformance._compare import Difference as Difference
from ccw_actors.conformance._compare import compare as compare
from ccw_actors.conformance._judgement import Judgement as Judgement
from ccw_actors.conformance._judgement import Verdict as Verdict
from ccw_actors.conformance._judgement import run_case as run_case
from ccw_actors.conformance._play import Observation as Observation
from ccw_actors.conformance._play import play as play
from ccw_actors.conformance._setup import HERCULES as HERCULES
from ccw_actors.conformance._setup import devices_of as devices_of
from ccw_actors.conformance._vector_machine import VectorMachine as VectorMachine
from ccw_actors.conformance._vectors import VECTORS_SIZE_MAX as VECTORS_SIZE_MAX
from ccw_actors.conformance._vectors import Case as Case
from ccw_actors.conformance._vectors import Entry as Entry
from ccw_actors.conformance._vectors import Instruction as Instruction
from ccw_actors.conformance._vectors import Script as Script
from ccw_actors.conformance._vectors import load as load

__all__ = [
    "HERCULES",
    "VECTORS_SIZE_MAX",
    "Case",
    "Difference",
    "Entry",
    "Instruction",
    "Judgement",
    "Observation",
    "Script",
    "VectorMachine",
    "Verdict",
    "compare",
    "devices_of",
    "load",
    "play",
    "run_case",
]
