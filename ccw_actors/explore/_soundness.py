"""What the engine that takes one schedule of each class cannot check."""

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._errors import UnsoundError

__all__ = ["check_classes", "check_sound"]


def check_classes(model: ActorModel, instead: str) -> None:
    """Raise `UnsoundError` if schedules of one class need not be alike."""
    reason = ""
    if model.world.delivery == "unordered":
        reason = "nothing stays in order on an unordered network"
    elif model.is_cut:
        reason = "a state that is left out would be left out of some schedules only"
    elif model.time == "ordered":
        reason = "which timer fires depends on all actors"
    if reason:
        raise UnsoundError("orders", ("anything",), f"{reason}; {instead}")


def check_sound(model: ActorModel) -> None:
    """Raise `UnsoundError` for properties that this engine cannot check."""
    check_classes(model, "use engine='states'")
    names = model.world.properties.over_several()
    if names:
        raise UnsoundError(
            "orders",
            names,
            "it takes one schedule of each class, and only some schedules of a class"
            " go through the states in which several actors are wrong together; use"
            " engine='states', or state it for one actor",
        )
