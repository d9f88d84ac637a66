"""A subchannel passed through to a guest, on the actors that run in production."""

from ccw_actors.scenarios.pass_through.bare import bare_machine as bare_machine
from ccw_actors.scenarios.pass_through.bare import (
    like_one_subchannel as like_one_subchannel,
)
from ccw_actors.scenarios.pass_through.crashes import CRASHES as CRASHES
from ccw_actors.scenarios.pass_through.races import clear_twice as clear_twice
from ccw_actors.scenarios.pass_through.races import halt as halt
from ccw_actors.scenarios.pass_through.races import seed as seed
from ccw_actors.scenarios.pass_through.races import seed_seen as seed_seen
from ccw_actors.scenarios.pass_through.windows import WINDOWS as WINDOWS

__all__ = [
    "CRASHES",
    "WINDOWS",
    "bare_machine",
    "clear_twice",
    "halt",
    "like_one_subchannel",
    "seed",
    "seed_seen",
]
