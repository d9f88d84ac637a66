"""A scenario as a test, beside a test on the event loop.

pytest examples/explore/test_first.py
"""

import pytest

from ccw_actors.explore import World
from examples.explore.bank import transfers


@pytest.mark.explore
def test_money_is_not_lost(world: World) -> None:
    """Holds in every order in which the messages can be handled."""
    transfers(tellers=3)(world)


@pytest.mark.explore(delivery="mailbox")
@pytest.mark.xfail(reason="two tellers look before either acts", strict=True)
def test_money_is_lost(world: World) -> None:
    """Run with `--runxfail` to see how: the race, the steps, a command to replay."""
    transfers(tellers=2, buggy=True)(world)
