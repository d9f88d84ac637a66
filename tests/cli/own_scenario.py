"""A scenario in a module."""

from ccw_actors.explore import World
from examples.explore.published.ping_pong import games


def scenario(world: World) -> None:
    """Four hits."""
    games(4)(world)
