"""Golden vectors of real systems, run on an emulated host and compared."""

from ccw_actors.machine.conform.compare import Difference as Difference
from ccw_actors.machine.conform.compare import compare as compare
from ccw_actors.machine.conform.judge import Judgement as Judgement
from ccw_actors.machine.conform.judge import Verdict as Verdict
from ccw_actors.machine.conform.judge import judge as judge
from ccw_actors.machine.conform.play import Observation as Observation
from ccw_actors.machine.conform.play import play as play
from ccw_actors.machine.conform.vectors import SIZE_MAX as SIZE_MAX
from ccw_actors.machine.conform.vectors import Case as Case
from ccw_actors.machine.conform.vectors import load as load

__all__ = [
    "SIZE_MAX",
    "Case",
    "Difference",
    "Judgement",
    "Observation",
    "Verdict",
    "compare",
    "judge",
    "load",
    "play",
]
