"""Whole Systems out of states, and states out of whole Systems."""

from typing import Any

from ccw_actors.explore._checks import Checks
from ccw_actors.explore._compact import Compact
from ccw_actors.explore._effects import timers_after
from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._global_state import FIRST, Offer, State, trimmed
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime import CellSnapshot, Snapshot
from ccw_actors.runtime.stepping import Cell, Envelope

__all__ = ["Systems", "has"]


class Systems:
    """Puts Systems together for states, and finds the states of Systems.

    `bounds` has the bounds of mailboxes that are smaller than `bound_max`, by the slots
    of their actors; `bound_max` is 0 if no mailbox is ever full.
    """

    def __init__(
        self, compact: Compact, worlds: Worlds, checks: Checks, bound_max: int
    ) -> None:
        self._compact = compact
        self._worlds = worlds
        self._checks = checks
        self._bound_max = bound_max
        self.bounds: dict[int, int] = {}

    def whole(self, state: State, offer: Offer | None) -> Snapshot:
        """Return the System of a state, with the offered message first.

        Messages outside stay there, except the offered one.
        """
        compact = self._compact
        cells: list[Any] = []
        timers: list[Any] = []
        counts: list[tuple[str, int]] = []
        asked: list[tuple[str, int]] = []
        for slot, path in compact.path_of.items():
            if not has(state, slot):
                continue
            local = compact.get_local(state[slot])
            waits = self._mailbox(state, slot, offer)
            mailbox = tuple(compact.envelopes[number] for number in waits)
            cells.append(local.cell._replace(mailbox=mailbox))
            timers += [((path, number), timer) for number, timer in local.timers]
            counts.append((path, local.numbered))
            asked.append((local.cell.address, local.asked))
        parts = tuple(timers), tuple(counts), tuple(asked)
        past = self._worlds.past[state[0]]
        return Snapshot(tuple(cells), *parts, (), 0, 0.0, past)

    def on_the_way(self, state: State, offer: Offer) -> list[Envelope]:
        """Return the messages outside, except the offered one."""
        compact = self._compact
        items = ((slot, state[slot]) for slot in compact.outside if has(state, slot))
        rests = (offer.rest if slot == offer.slot else item for slot, item in items)
        waiting = (compact.waiting(item) for item in rests)
        return [compact.envelopes[one] for numbers in waiting for one in numbers]

    def _mailbox(self, state: State, owner: int, offer: Offer | None) -> list[int]:
        """Return the messages in an actor's mailbox, by number, the offered one first.

        That one is the oldest of its sender, so messages of one sender stay in order.
        """
        compact = self._compact
        found: list[int] = []
        is_message = offer is not None and offer.owner == owner != offer.slot
        if offer is not None and is_message:
            found.append(offer.envelope)
        for slot in compact.queue_slots(owner):
            if slot in compact.outside:
                continue
            if offer is not None and is_message and slot == offer.slot:
                found += compact.waiting(offer.rest)
            elif slot < len(state):
                found += compact.waiting(state[slot])
        return found

    def absorb(
        self,
        after: Snapshot,
        before: Snapshot | None,
        monitor: int,
        left: tuple[int, ...],
        outside: dict[int, int],
    ) -> State:
        """Return the state of a System, with the messages outside."""
        compact, worlds = self._compact, self._worlds
        items = self._items_of(after, before, outside)
        locals_ = [
            compact.get_local(items[compact.actor_slot(one.cell.path)])
            for one in after.cells
        ]
        alive = frozenset((one.cell, one.address) for one in after.cells)
        world = worlds.number(
            alive,
            left,
            after.past,
            rough=any(local.busy for local in locals_),
            waits=any(one.suspended is not None for one in after.cells),
        )
        self._checks.look_at_fresh()
        values = [world, monitor]
        values += [items.get(slot, 0) for slot in range(FIRST, len(compact.owners))]
        state = trimmed(values)
        worlds.samples.setdefault(world, state)
        return state

    def _items_of(
        self, after: Snapshot, before: Snapshot | None, outside: dict[int, int]
    ) -> dict[int, int]:
        """Return the items by slot, with the messages outside."""
        compact = self._compact
        timers = timers_after(after, before or after)
        counts, asked = dict(after.timer_counts), dict(after.ask_counts)
        items = dict(outside)
        for one in after.cells:
            path, address = one.cell.path, one.address
            slot = compact.actor_slot(path)
            there = timers.get(path, {}), counts.get(path, 0), asked.get(address, 0)
            items[slot] = compact.local(one, *there)
            self._note_bound(one.cell, slot)
            self._fill(items, one, slot)
        return items

    def _note_bound(self, cell: Cell, slot: int) -> None:
        """Note the bound of a mailbox that is smaller than the default."""
        bound = cell.bound
        if bound < self._bound_max:
            self._check_policy(cell)
            self.bounds[slot] = min(bound, self.bounds.get(slot, bound))

    def _fill(self, items: dict[int, int], one: CellSnapshot, owner: int) -> None:
        """Put the messages of a mailbox into its queues."""
        compact = self._compact
        waiting: dict[int, list[int]] = {}
        for envelope in one.mailbox:
            queue = compact.queue_slot(owner, envelope.sender, one.address)
            waiting.setdefault(queue, []).append(compact.envelope(envelope))
        for queue, numbers in waiting.items():
            there = compact.waiting(items.get(queue, 0))
            items[queue] = compact.queue(queue, (*there, *numbers))

    def _check_policy(self, cell: Cell) -> None:
        """Raise `ExploreError` if delivery leaves open which message is dropped."""
        drops = cell.policy.when_full == "drop oldest"
        if drops and self._compact.delivery == "channel":
            raise ExploreError(
                f"{cell.path} drops the oldest message, and under channel delivery"
                " nothing says which that is: explore it with delivery='mailbox'"
            )


def has(state: State, slot: int) -> bool:
    """Whether an actor, or a message, is in a slot."""
    return slot < len(state) and bool(state[slot])
