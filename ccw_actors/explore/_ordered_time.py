"""Ordered time: messages take no time, and timers fire when they are due."""

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._global_state import Offer, State

__all__ = ["later", "soonest"]


def soonest(offers: list[Offer]) -> list[Offer]:
    """Return the possible steps if messages take no time and timers do."""
    messages = [offer for offer in offers if not offer.timer]
    if messages or not offers:
        return messages
    due = min(offer.due for offer in offers)
    return [offer for offer in offers if offer.due == due]


def later(compact: Compact, state: State, seconds: float) -> State:
    """Return the state after so much time without a step."""
    after = list(state)
    for slot in compact.path_of:
        if slot < len(after) and after[slot]:
            after[slot] = compact.later(after[slot], seconds)
    return tuple(after)
