"""The scope of a result in words: which schedules, and which are left out."""

from collections.abc import Callable
from typing import Any

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._result import Noops, Time

__all__ = ["covers", "leaves_out"]

_TIMERS: dict[Time, str] = {
    "untimed": "timers firing at any time after they are set",
    "ordered": "messages taking no time and timers firing in the order of their times",
}
_NOOPS: dict[Noops, str] = {
    "consumed": "a message that changes nothing being handled like any other",
    "kept": "a message that changes nothing staying in the network",
}


def covers(model: ActorModel, noops: Noops) -> str:
    """Return the schedules of a scenario in words."""
    crashes = "".join(
        f", with at most {budget} crash{'es' * (budget > 1)} of"
        f" {' or '.join(sorted(paths))}"
        for paths, budget in model.world.properties.crashes
    )
    count = len(model.compact.paths)
    who = "one actor" if count == 1 else f"{count} actors"
    kept = f", {_NOOPS[noops]}" if model.world.delivery == "unordered" else ""
    return (
        f"schedules of {who} under {model.world.delivery} delivery{kept}{crashes},"
        f" one handler at a time, {_TIMERS[model.time]}, handlers being functions of"
        " state and message"
    )


def leaves_out(within: Callable[[Any], object] | None, capacity: int) -> str:
    """Return what options leave out, in words."""
    parts: list[str] = []
    if within is not None:
        name = getattr(within, "__name__", "")
        named = "" if name in ("", "<lambda>") else f" of {name.replace('_', ' ')}"
        parts.append(f", only as far as within the constraint{named}")
    if capacity:
        parts.append(f", no channel holding more than {capacity} messages")
    return "".join(parts)
