"""One state space in several shares, each of which fits where the whole does not.

A share is a part of the states: those whose marks fall to it. It knows nothing of
processes or messages; `ccw_actors.cluster` lets shares talk to each other.
"""

from ccw_actors.explore._garbage import rare_collections as rare_collections
from ccw_actors.explore.shares._entries import Numbering as Numbering
from ccw_actors.explore.shares._entries import StepName as StepName
from ccw_actors.explore.shares._entries import TakenStep as TakenStep
from ccw_actors.explore.shares._exchange import Exchange as Exchange
from ccw_actors.explore.shares._outcome import SharePart as SharePart
from ccw_actors.explore.shares._outcome import Total as Total
from ccw_actors.explore.shares._outcome import outcome as outcome
from ccw_actors.explore.shares._outcome import part_of as part_of
from ccw_actors.explore.shares._outcome import way_to as way_to
from ccw_actors.explore.shares._setting import Base as Base
from ccw_actors.explore.shares._setting import Setting as Setting
from ccw_actors.explore.shares._share import NOWHERE as NOWHERE
from ccw_actors.explore.shares._share import Share as Share
from ccw_actors.explore.shares._share import ShareFault as ShareFault
from ccw_actors.explore.shares._share import share_of as share_of

__all__ = [
    "NOWHERE",
    "Base",
    "Exchange",
    "Numbering",
    "Setting",
    "Share",
    "ShareFault",
    "SharePart",
    "StepName",
    "TakenStep",
    "Total",
    "outcome",
    "part_of",
    "rare_collections",
    "share_of",
    "way_to",
]
