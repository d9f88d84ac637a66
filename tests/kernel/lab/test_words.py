"""Steps of the client in words."""

import pytest

from ccw_actors.kernel.lab._plans import PLANS
from ccw_actors.kernel.lab._programs import in_words

STEPS = {
    text
    for plan in PLANS.values()
    for thread in plan.threads
    for _, text in thread
    if text != "mark"
}


@pytest.mark.parametrize("text", sorted(STEPS))
def test_every_step_has_words(text: str) -> None:
    """No record shows a line of the client's script."""
    assert in_words(text) != text
