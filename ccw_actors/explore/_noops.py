"""Networks that keep messages which would change nothing: what can be checked."""

from ccw_actors.explore._errors import UnsoundError
from ccw_actors.explore._global_state import Offer, State, trimmed
from ccw_actors.explore._result import Network
from ccw_actors.explore._world import Properties

__all__ = ["check_noops", "without"]


def check_noops(properties: Properties, delivery: Network) -> None:
    """Raise `UnsoundError` for properties that need every message to be handled."""
    names = [name for name, _ in properties.finals]
    monitor = properties.monitor
    if monitor is not None and not monitor.only_changes:
        names.append("the monitor")
    if delivery != "unordered":
        names.append("anything")
    if names:
        raise UnsoundError(
            "states",
            tuple(names),
            "with noops 'kept' a message that changes nothing is never handled, so"
            " that no state is the last; that is for an unordered network, invariants,"
            " and a monitor with `only_changes`",
        )


def without(state: State, offer: Offer) -> State | None:
    """Return a state without a message; None for a step without a message."""
    if offer.timer or offer.crash:
        return None
    rest = list(state)
    rest[offer.slot] = offer.rest
    return trimmed(rest)
