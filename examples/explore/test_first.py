"""A scenario as a test, next to a test on the event loop.

pytest examples/explore/test_first.py
"""

import pytest

from ccw_actors.explore import World
from examples.explore.bank import transfers


@pytest.mark.explore
def test_money_is_not_lost(world: World) -> None:
    """Holds in every schedule."""
    transfers(tellers=3)(world)


@pytest.mark.explore(delivery="mailbox")
@pytest.mark.xfail(reason="two tellers look before either acts", strict=True)
def test_money_is_lost(world: World) -> None:
    """Run with `--runxfail` to see the race, the steps, and the command to replay."""
    transfers(tellers=2, buggy=True)(world)
