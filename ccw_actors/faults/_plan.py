"""The faults that a device has, and which of them a command meets."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import DeviceCommand
from ccw_actors.channel.ccw import Command
from ccw_actors.faults._fault import OF_THE_PROGRAM, Fault
from ccw_actors.faults._place import Place

__all__ = ["Plan", "PlannedFault", "met", "needs_place", "planned"]

_WORD_MAX: Final = (1 << 64) - 1


class PlannedFault(Struct, frozen=True):
    """A fault of a device, by its `number` there.

    `seen` counts the commands that could meet it, `happened` those that did. `random`
    is the state of its generator.
    """

    number: int
    fault: Fault
    seen: int = 0
    happened: int = 0
    random: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has happened as often as it may."""
        times = self.fault.times
        return times != "always" and self.happened >= times


Plan = tuple[PlannedFault, ...]


def planned(number: int, fault: Fault) -> PlannedFault:
    """Return a fault that has not happened yet."""
    return PlannedFault(number, fault, random=fault.seed)


def needs_place(plan: Plan, command: DeviceCommand) -> bool:
    """Whether the place of a command decides about a fault."""
    return any(one.fault.has_place and _may_meet(one, command) for one in plan)


def met(plan: Plan, command: DeviceCommand, place: Place) -> tuple[Plan, Fault | None]:
    """Return the plan after a command, and the fault that it meets.

    If it could meet several, it meets the first.
    """
    found: Fault | None = None
    after: list[PlannedFault] = []
    for one in plan:
        if _may_meet(one, command) and _is_at(one.fault, place):
            one, is_due = _counted(one)  # noqa: PLW2901
            if is_due and found is None:
                found = one.fault
                one = replace(one, happened=one.happened + 1)  # noqa: PLW2901
        after.append(one)
    return tuple(after), found


def _may_meet(one: PlannedFault, command: DeviceCommand) -> bool:
    """Whether a command could meet a fault if it is at its place."""
    fault = one.fault
    if one.is_over or fault.after is not None or command.area:
        # A command with `area` has been here without the content of its data area.
        return False
    of_the_program = OF_THE_PROGRAM.get(fault.effect)
    if of_the_program == "first" and command.chained:
        return False
    if of_the_program == "last" and command.chaining:
        return False
    if fault.commands:
        return command.code in fault.commands
    return command.code != Command.BASIC_SENSE


def _is_at(fault: Fault, place: Place) -> bool:
    if fault.track is not None and fault.track not in place.tracks:
        return False
    if fault.record is not None and fault.record != place.record:
        return False
    first, count = place.blocks
    return fault.block is None or first <= fault.block < first + count


def _counted(one: PlannedFault) -> tuple[PlannedFault, bool]:
    """Count a command that could meet the fault; return whether it is its turn."""
    fault, seen = one.fault, one.seen + 1
    one = replace(one, seen=seen)
    if seen < fault.nth or (seen - fault.nth) % fault.every:
        return one, False
    if fault.probability == 1:
        return one, True
    state, chance = _random(one.random)
    return replace(one, random=state), chance < fault.probability


def _random(state: int) -> tuple[int, float]:
    """Return the generator's next state, and a number of at least 0 and below 1.

    The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
    number generators", 2014): its state is one number, so it can be copied.
    """
    state = state + 0x9E3779B97F4A7C15 & _WORD_MAX
    mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _WORD_MAX
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _WORD_MAX
    mixed ^= mixed >> 31
    return state, (mixed >> 11) / (1 << 53)
