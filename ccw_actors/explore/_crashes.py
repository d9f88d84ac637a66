"""The crashes that are possible, if a scenario allows any."""

from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime.stepping import SIGNAL

__all__ = ["crashes"]


def crashes(worlds: Worlds, state: State, offers: list[Offer]) -> list[Offer]:
    """Return the crashes that are possible where these steps are.

    On each message, and between two messages of each actor that runs.
    """
    left = worlds.left[state[0]]
    on_messages = [
        offer._replace(process=(offer.process[0], -1 - offer.process[1]), crash=True)
        for offer in offers
        if _is_message(worlds, offer)
        and worlds.spent(worlds.compact.path_of[offer.owner], left) >= 0
    ]
    return on_messages + _between(worlds, state, left)


def _is_message(worlds: Worlds, offer: Offer) -> bool:
    """Whether a step handles a message, or one that the actor's timer sends."""
    kind = worlds.compact.envelopes[offer.envelope].kind
    return 0 <= kind < SIGNAL and not offer.arrives


def _between(worlds: Worlds, state: State, left: tuple[int, ...]) -> list[Offer]:
    """Return the crashes of actors that run, between two messages."""
    compact = worlds.compact
    found: list[Offer] = []
    for path, slot in compact.paths.items():
        item = state[slot] if slot < len(state) else 0
        is_there = item and worlds.spent(path, left) >= 0
        if is_there and not compact.get_local(item).cell.life:
            found.append(Offer((slot, -1), slot, slot, 0, crash=True))
    return found
