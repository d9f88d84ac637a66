"""Explores every schedule: every order in which actors can handle their messages.

```python
def scenario(world: World) -> None:
    ref = world.spawn(Account(), "account")
    world.inject(ref, Deposit(5), source="alice")
    world.inject(ref, Withdraw(3), source="bob")
    world.invariant(ref, "never overdrawn", lambda state: state.balance >= 0)

result = explore(scenario)
assert result.verdict == "verified", str(result)
```
"""

from ccw_actors.explore._census import Census as Census
from ccw_actors.explore._census import Rate as Rate
from ccw_actors.explore._census import census as census
from ccw_actors.explore._census import sample_rate as sample_rate
from ccw_actors.explore._counterexample import Counterexample as Counterexample
from ccw_actors.explore._counterexample import assert_fixed as assert_fixed
from ccw_actors.explore._coverage import Combination as Combination
from ccw_actors.explore._coverage import Coverage as Coverage
from ccw_actors.explore._entry import explore as explore
from ccw_actors.explore._errors import ClockError as ClockError
from ccw_actors.explore._errors import CounterexampleError as CounterexampleError
from ccw_actors.explore._errors import EventLoopError as EventLoopError
from ccw_actors.explore._errors import ExploreError as ExploreError
from ccw_actors.explore._errors import HiddenStateError as HiddenStateError
from ccw_actors.explore._errors import PropertyError as PropertyError
from ccw_actors.explore._errors import ReplayError as ReplayError
from ccw_actors.explore._errors import UnsoundError as UnsoundError
from ccw_actors.explore._explain import explain as explain
from ccw_actors.explore._explanation import Explanation as Explanation
from ccw_actors.explore._explanation import Overtaking as Overtaking
from ccw_actors.explore._graph import GRAPH_STATES_MAX as GRAPH_STATES_MAX
from ccw_actors.explore._graph import GraphState as GraphState
from ccw_actors.explore._graph import GraphStep as GraphStep
from ccw_actors.explore._graph import StateGraph as StateGraph
from ccw_actors.explore._graph import state_graph as state_graph
from ccw_actors.explore._jobs import InlineExecutor as InlineExecutor
from ccw_actors.explore._jobs import executor_of as executor_of
from ccw_actors.explore._jobs import process_pool as process_pool
from ccw_actors.explore._jobs import stop_now as stop_now
from ccw_actors.explore._marked import failure as failure
from ccw_actors.explore._pieces import EngineInPieces as EngineInPieces
from ccw_actors.explore._pieces import FoundPiece as FoundPiece
from ccw_actors.explore._pieces import Piece as Piece
from ccw_actors.explore._pieces import explore_piece as explore_piece
from ccw_actors.explore._pieces import merge_pieces as merge_pieces
from ccw_actors.explore._plain import TransitionSystem as TransitionSystem
from ccw_actors.explore._refinement import Reference as Reference
from ccw_actors.explore._refinement import refines as refines
from ccw_actors.explore._replay import Replayed as Replayed
from ccw_actors.explore._replay import replay as replay
from ccw_actors.explore._result import DeadLetter as DeadLetter
from ccw_actors.explore._result import Engine as Engine
from ccw_actors.explore._result import Limits as Limits
from ccw_actors.explore._result import Network as Network
from ccw_actors.explore._result import Noops as Noops
from ccw_actors.explore._result import Progress as Progress
from ccw_actors.explore._result import Result as Result
from ccw_actors.explore._result import Step as Step
from ccw_actors.explore._result import Tick as Tick
from ccw_actors.explore._result import Time as Time
from ccw_actors.explore._result import Verdict as Verdict
from ccw_actors.explore._view import View as View
from ccw_actors.explore._world import Event as Event
from ccw_actors.explore._world import Scenario as Scenario
from ccw_actors.explore._world import World as World

__all__ = [
    "GRAPH_STATES_MAX",
    "Census",
    "ClockError",
    "Combination",
    "Counterexample",
    "CounterexampleError",
    "Coverage",
    "DeadLetter",
    "Engine",
    "EngineInPieces",
    "Event",
    "EventLoopError",
    "Explanation",
    "ExploreError",
    "FoundPiece",
    "GraphState",
    "GraphStep",
    "HiddenStateError",
    "InlineExecutor",
    "Limits",
    "Network",
    "Noops",
    "Overtaking",
    "Piece",
    "Progress",
    "PropertyError",
    "Rate",
    "Reference",
    "ReplayError",
    "Replayed",
    "Result",
    "Scenario",
    "StateGraph",
    "Step",
    "Tick",
    "Time",
    "TransitionSystem",
    "UnsoundError",
    "Verdict",
    "View",
    "World",
    "assert_fixed",
    "census",
    "executor_of",
    "explain",
    "explore",
    "explore_piece",
    "failure",
    "merge_pieces",
    "process_pool",
    "refines",
    "replay",
    "sample_rate",
    "state_graph",
    "stop_now",
]
