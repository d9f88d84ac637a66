"""A thread of the kernel in the search: the events that come next, and its section."""

from typing import Final, Literal, NamedTuple, TypeAlias

from ccw_actors.designs import HostState, Section
from ccw_actors.kernel.refinement._kernel_trace import Value
from ccw_actors.kernel.refinement._observations import Observation
from ccw_actors.runtime import Message

__all__ = ["Item", "Thread", "Want", "bit_of", "item", "matches", "taken"]

_FSM: Final = ("NOT_OPER", "STANDBY", "IDLE", "CP_PROCESSING", "CP_PENDING")
"""The states of the driver's FSM, by their numbers in the events."""


class Want(NamedTuple):
    """What a value of an event has to be.

    "seen" is for a state: it was the driver's at some time since the thread's last
    event, as the kernel reads it before it writes the event.
    """

    key: str
    relation: Literal["=", ">=", "<", "seen"]
    value: Value = 0


class Item(NamedTuple):
    """An event that comes next, and what its values have to be."""

    name: str
    wants: tuple[Want, ...] = ()
    keeps: bool = False

    def __str__(self) -> str:
        """Return the event, and the values wanted, as for a person."""
        wants = [
            f"{one.key} {one.relation} {one.value}"
            for one in self.wants
            if one.relation != "seen"
        ]
        return f"{self.name} ({', '.join(wants)})" if wants else self.name


Kind: TypeAlias = str


class Thread(NamedTuple):
    """A thread inside a call.

    `pending` is its next section, which is executed when `expect` is empty, unless it
    `waits`. `kind` is the way in which that shows, where there are several; `after` are
    events that follow the section in any case. `inside` are the functions that the
    thread is in, of which the first ones, `base`, are those of its call. `inputs` are
    values from events. `seen` has a bit for each state of the FSM since its last event.
    `marked` says that the client writes a mark at the end of the call.
    """

    pending: Message | None
    kind: Kind = ""
    expect: tuple[Item, ...] = ()
    after: tuple[Item, ...] = ()
    inside: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    inputs: tuple[tuple[str, Value], ...] = ()
    waits: bool = False
    seen: int = 0
    marked: bool = False

    @property
    def step(self) -> str:
        """The name of its next section."""
        pending = self.pending
        return pending.step if isinstance(pending, Section) else type(pending).__name__

    def get(self, key: str, default: int = 0) -> int:
        """Return a number among the inputs."""
        value = dict(self.inputs).get(key, default)
        return value if isinstance(value, int) else default


def item(name: str, *wants: Want, keeps: bool = False) -> Item:
    """Return an item."""
    return Item(name, wants, keeps)


def bit_of(state: HostState) -> int:
    """Return the bit of the FSM's state."""
    return 1 << _FSM.index(state.fsm)


def matches(wanted: Item, found: Observation, seen: int) -> bool:
    """Whether an observation is the event that comes next."""
    if wanted.name != found.name:
        return False
    return all(_agrees(one, found.values.get(one.key), seen) for one in wanted.wants)


def _agrees(want: Want, value: Value | None, seen: int) -> bool:
    if value is None:
        return True  # the trace does not have it
    if want.relation == "=":
        return value == want.value
    if not isinstance(value, int) or not isinstance(want.value, int):
        return False
    if want.relation == "seen":
        return bool(seen >> value & 1)
    return value >= want.value if want.relation == ">=" else value < want.value


def taken(thread: Thread, found: Observation, now: int) -> Thread:
    """Return the thread after its next event, at which the FSM's state is `now`."""
    first, *rest = thread.expect
    inputs = thread.inputs
    if first.keeps:
        inputs = tuple(sorted({**dict(inputs), **found.values}.items()))
    return thread._replace(expect=tuple(rest), inputs=inputs, seen=now)
