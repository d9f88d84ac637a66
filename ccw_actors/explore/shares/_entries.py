"""What the register tells all shares: which number each part of a state has."""

import msgspec

__all__ = ["Numbering", "StepName", "TakenStep"]


class StepName(msgspec.Struct, frozen=True, array_like=True):
    """A step that is possible in a state, the same in every process.

    `item` is the number of the queue or the actor that it begins with. A message is
    told by `payload`, `sender`, `ask` and `kind`, or else the actor's `timer` fires.
    With `crash` the actor fails, with `arrives` the message only reaches a mailbox.
    """

    item: int
    payload: bytes
    sender: str
    ask: int
    kind: int
    timer: int
    crash: bool
    arrives: bool


class TakenStep(msgspec.Struct, frozen=True, array_like=True):
    """A step from a state, whose parts all have numbers, into one where some do not.

    `state` has the number of the world, that of the monitor's value, and then those of
    all actors and queues, in any order.
    """

    state: tuple[int, ...]
    step: StepName


class Numbering(msgspec.Struct, frozen=True, array_like=True):
    """Numbers of parts of the state after a step, by the names of their slots.

    `taken` is None for the initial state. The other two are numbers of the world and of
    the monitor's value.
    """

    taken: TakenStep | None
    world: int
    monitor: int
    items: tuple[tuple[tuple[str, ...], int], ...]
