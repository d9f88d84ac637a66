"""A scenario in a module."""

from ccw_actors.explore import World
from ccw_actors.scenarios import ping_pong


def scenario(world: World) -> None:
    """Four hits."""
    ping_pong(4)(world)
