"""Stepping through a System: its choices and its snapshots.

This is for code that takes the place of a dispatcher, like the explorer. Most users
need only the names in `ccw_actors.runtime`.
"""

from ccw_actors.runtime._cell.cell import Cell as Cell
from ccw_actors.runtime._cell.lifecycle import State as State
from ccw_actors.runtime._values.address import address_of as address_of
from ccw_actors.runtime._values.address import path_of as path_of
from ccw_actors.runtime._values.address import split as split
from ccw_actors.runtime._values.envelope import CHILD_ENDED as CHILD_ENDED
from ccw_actors.runtime._values.envelope import ESCALATED as ESCALATED
from ccw_actors.runtime._values.envelope import RESTART as RESTART
from ccw_actors.runtime._values.envelope import SIGNAL as SIGNAL
from ccw_actors.runtime._values.envelope import STOP as STOP
from ccw_actors.runtime._values.envelope import STOP_NOW as STOP_NOW
from ccw_actors.runtime._values.envelope import TICK as TICK
from ccw_actors.runtime._values.envelope import UNBOUNDED as UNBOUNDED
from ccw_actors.runtime._values.envelope import UNWATCH as UNWATCH
from ccw_actors.runtime._values.envelope import WATCH as WATCH
from ccw_actors.runtime._values.envelope import Envelope as Envelope
from ccw_actors.runtime._values.timer import EXPIRY as EXPIRY
from ccw_actors.runtime._values.timer import SLEEP as SLEEP
from ccw_actors.runtime._values.timer import Timer as Timer
from ccw_actors.runtime.stepping._alone import Alone as Alone
from ccw_actors.runtime.stepping._alone import is_plain as is_plain
from ccw_actors.runtime.stepping._choices import Choice as Choice
from ccw_actors.runtime.stepping._choices import Delivery as Delivery
from ccw_actors.runtime.stepping._dispatcher import (
    SteppingDispatcher as SteppingDispatcher,
)
from ccw_actors.runtime.stepping._incarnations import NO_PAST as NO_PAST
from ccw_actors.runtime.stepping._incarnations import Past as Past
from ccw_actors.runtime.stepping._mentions import Mentions as Mentions
from ccw_actors.runtime.stepping._snapshot import CellSnapshot as CellSnapshot
from ccw_actors.runtime.stepping._snapshot import Snapshot as Snapshot

__all__ = [
    "CHILD_ENDED",
    "ESCALATED",
    "EXPIRY",
    "NO_PAST",
    "RESTART",
    "SIGNAL",
    "SLEEP",
    "STOP",
    "STOP_NOW",
    "TICK",
    "UNBOUNDED",
    "UNWATCH",
    "WATCH",
    "Alone",
    "Cell",
    "CellSnapshot",
    "Choice",
    "Delivery",
    "Envelope",
    "Mentions",
    "Past",
    "Snapshot",
    "State",
    "SteppingDispatcher",
    "Timer",
    "address_of",
    "is_plain",
    "path_of",
    "split",
]
