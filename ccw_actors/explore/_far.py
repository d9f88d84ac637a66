"""Steps that may change anything: taken in the whole System, put together for each.

An actor ends, starts again or is spawned, a handler waits or fails, a mailbox is full:
what such a step does is not told by one actor and its message.
"""

from typing import Any

from ccw_actors.errors import ActorFailedError
from ccw_actors.explore._checks import Checks
from ccw_actors.explore._errors import ExploreError, HiddenStateError
from ccw_actors.explore._global_state import FIRST, Offer, State, trimmed
from ccw_actors.explore._monitor import Monitor
from ccw_actors.explore._step_runner import Effect, Outcome, StepRunner, timers_after
from ccw_actors.explore._world import World
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime import Choice, Snapshot
from ccw_actors.runtime.stepping import Cell, Envelope, path_of
from ccw_actors.transport import tag_of

__all__ = ["FarSteps", "soonest"]


class FarSteps:
    """Takes steps in whole Systems, and remembers what came of them.

    The first `recheck` are taken twice, and one in `recheck` of all others (0 for
    none). `bounds` has the bounds of mailboxes that are smaller than they are unless
    said, by the slots of their actors.
    """

    def __init__(
        self,
        world: World,
        runner: StepRunner,
        worlds: Worlds,
        monitor: Monitor,
        checks: Checks,
        *,
        recheck: int,
    ) -> None:
        self._recheck = recheck
        self._world = world
        self._compact = worlds.compact
        self._runner = runner
        self._worlds = worlds
        self._monitor = monitor
        self._checks = checks
        self._known: dict[tuple[State, Offer], State] = {}
        self._gone_on: set[int] = set()
        # On an unordered network nothing waits in a mailbox, so none is ever full.
        unordered = self._compact.delivery == "unordered"
        self._bound_max = 0 if unordered else world.system.mailbox.bound
        self.bounds: dict[int, int] = {}

    def first(self) -> State:
        """Return the state in which a scenario has left the System.

        What it has injected is outside, and so is what it has told by itself.
        """
        compact, world = self._compact, self._world
        injected = [
            (address, Envelope(payload, source, 0, None))
            for address, source, payload in world.injected
        ]
        # Whom these name is named, though they are in no mailbox yet.
        world.dispatcher.on_the_way(envelope for _, envelope in injected)
        snapshot = self._runner.first()
        cells = [
            one._replace(mailbox=tuple(filter(_is_inside, one.mailbox)))
            for one in snapshot.cells
        ]
        outside: dict[int, list[int]] = {}
        sent = [
            (one.address, envelope)
            for one in snapshot.cells
            for envelope in one.mailbox
            if not _is_inside(envelope)
        ]
        for one in cells:
            compact.actor_slot(one.cell.path)
        for address, envelope in (*sent, *injected):
            owner = compact.actor_slot(path_of(address))
            slot = compact.outside_slot(owner, envelope.sender, address)
            outside.setdefault(slot, []).append(compact.envelope(envelope))
        items = {slot: compact.queue(slot, tuple(n)) for slot, n in outside.items()}
        left = tuple(budget for _, budget in world.properties.crashes)
        whole = snapshot._replace(cells=tuple(cells))
        return self._absorb(whole, None, self._monitor.first, left, items)

    def offers(self, state: State) -> list[Offer]:
        """Return what may happen next where an actor is starting again, or waits."""
        compact = self._compact
        found: list[Offer] = []
        for slot in range(FIRST, len(state)):
            item = state[slot]
            if item and slot not in compact.path_of:
                found += self._takes_up(state, slot)
            elif item and compact.get_local(item).busy:
                found += self._goes_on(item)
            elif item:
                found += compact.offers[item] or compact.find_offers(item)
        return found

    def _goes_on(self, item: int) -> tuple[Offer, ...]:
        """Return signals, timers, and what a handler goes on with."""
        compact = self._compact
        found = compact.offers[item]
        if found is None or item not in self._gone_on:
            self._gone_on.add(item)
            local = compact.get_local(item)
            owner, address = compact.paths[local.cell.cell.path], local.cell.address
            offers: list[Offer] = []
            for choice, seen in self._runner.choices(local):
                envelope = Envelope(seen.payload, choice.sender, 0, None, seen.kind)
                name, timer = compact.envelope(envelope), choice.timer
                if timer:
                    due = dict(local.timers)[timer].due
                    offers.append(
                        Offer((owner, timer), owner, owner, name, 0, timer, due)
                    )
                else:
                    process = compact.queue_slot(owner, choice.sender, address), 0
                    offers.append(Offer(process, owner, owner, name))
            found = compact.offers[item] = tuple(offers)
        return found

    def _takes_up(self, state: State, slot: int) -> list[Offer]:
        """Return what may be taken out of a queue."""
        compact = self._compact
        offers = compact.offers[state[slot]]
        if offers is None:
            offers = compact.find_offers(state[slot])
        if slot in compact.outside:
            offers = tuple(
                self._worlds.arriving(state, one, self.bounds) for one in offers
            )
        owner = compact.owners[slot]
        local = compact.get_local(state[owner]) if _has(state, owner) else None
        found: list[Offer] = []
        for offer in offers:
            if offer.arrives:
                found.append(offer)
            elif local is not None and not _is_held(local.cell):
                sender = compact.envelopes[offer.envelope].sender
                signals = {one.sender for one in local.cell.signals}
                behind = compact.delivery == "mailbox" and signals
                if not behind and sender not in signals:
                    found.append(offer)
        return found

    def take(self, state: State, offer: Offer, effect: Effect) -> State:
        """Return the state after a step; `effect` knows its failure at most."""
        after = self._known.get((state, offer))
        if after is None:
            after = self._known[state, offer] = self._take(state, offer, effect)
            count, often = len(self._known), self._recheck
            is_due = often and (count <= often or count % often == 0)
            if is_due and self._take(state, offer, effect) != after:
                path = self._compact.path_of[offer.owner]
                payload = self._compact.envelopes[offer.envelope].payload
                raise HiddenStateError(path, tag_of(payload))
        return after

    def _take(self, state: State, offer: Offer, effect: Effect) -> State:
        compact = self._compact
        failure = effect.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._worlds.failed(str(failure))
        path = compact.path_of[offer.owner]
        before = self._whole(state, offer)
        self._world.dispatcher.on_the_way(self._on_the_way(state, offer))
        if offer.crash and not offer.envelope:
            outcome = self._runner.crash(before, path)
        else:
            sender = path if offer.timer else compact.envelopes[offer.envelope].sender
            choice = Choice(path, sender, offer.timer, offer.crash)
            outcome = self._runner.far(before, choice)
            envelope = compact.envelopes[offer.envelope]
            for one in outcome.after.cells:
                if one.cell.path == path:
                    self._runner.check_hidden(one.cell, one.actor, envelope)
        failure = outcome.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._worlds.failed(str(failure))
        return self._after(state, offer, before, outcome)

    def arrive(self, state: State, offer: Offer) -> State:
        """Return the state after a message from outside has met a full mailbox."""
        compact = self._compact
        before = self._whole(state, None)
        self._world.dispatcher.on_the_way(self._on_the_way(state, offer))
        address = compact.to[offer.slot]
        envelope = compact.envelopes[offer.envelope]
        outcome = self._runner.arrive(before, address, envelope)
        return self._after(state, offer, before, outcome)

    def _after(
        self, state: State, offer: Offer, before: Snapshot, outcome: Outcome
    ) -> State:
        compact, worlds = self._compact, self._worlds
        if outcome.lost and not worlds.note_lost(outcome.lost):
            return worlds.failed(f"a dead letter: {outcome.lost[0]}")
        monitor = state[1]
        if self._world.properties.monitor is not None and not offer.arrives:
            monitor = self._monitor.follow_far(state, offer, before, outcome)
        left = worlds.left[state[0]]
        if offer.crash:
            spent = worlds.spent(compact.path_of[offer.owner], left)
            left = (*left[:spent], left[spent] - 1, *left[spent + 1 :])
        outside = {slot: state[slot] for slot in compact.outside if slot < len(state)}
        if offer.slot in outside:
            outside[offer.slot] = offer.rest
        return self._absorb(outcome.after, before, monitor, left, outside)

    def _may_fail(self, failure: ActorFailedError, offer: Offer) -> bool:
        is_made_to = offer.crash and offer.envelope
        crashed = is_made_to and failure.actor == self._compact.path_of[offer.owner]
        return bool(crashed) or failure.actor in self._world.properties.may_fail

    # -- states and Systems -----------------------------------------------------------

    def _whole(self, state: State, offer: Offer | None) -> Snapshot:
        """Return the System that a state stands for, with what is offered first.

        What is outside is left there, but for what is offered.
        """
        compact = self._compact
        cells: list[Any] = []
        timers: list[Any] = []
        counts: list[tuple[str, int]] = []
        asked: list[tuple[str, int]] = []
        for slot, path in compact.path_of.items():
            if not _has(state, slot):
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

    def _on_the_way(self, state: State, offer: Offer) -> list[Envelope]:
        """Return what is outside, but for what is offered."""
        compact = self._compact
        items = ((slot, state[slot]) for slot in compact.outside if _has(state, slot))
        rests = (offer.rest if slot == offer.slot else item for slot, item in items)
        waiting = (compact.waiting(item) for item in rests)
        return [compact.envelopes[one] for numbers in waiting for one in numbers]

    def _mailbox(self, state: State, owner: int, offer: Offer | None) -> list[int]:
        """Return what is in an actor's mailbox, by number, with what is offered first.

        That is the oldest of its sender, so nothing comes out of order by that.
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

    def _absorb(
        self,
        after: Snapshot,
        before: Snapshot | None,
        monitor: int,
        left: tuple[int, ...],
        outside: dict[int, int],
    ) -> State:
        """Return the state that stands for a System, with what is outside."""
        compact = self._compact
        timers = timers_after(after, before or after)
        counts, asked = dict(after.timer_counts), dict(after.ask_counts)
        items = dict(outside)
        rough = waits = False
        for one in after.cells:
            path = one.cell.path
            slot = compact.actor_slot(path)
            item = compact.local(
                one,
                timers.get(path, {}),
                counts.get(path, 0),
                asked.get(one.address, 0),
            )
            items[slot] = item
            rough = rough or compact.get_local(item).busy
            waits = waits or one.suspended is not None
            if one.cell.bound < self._bound_max:
                self._check_policy(one.cell)
                bound = one.cell.bound
                self.bounds[slot] = min(bound, self.bounds.get(slot, bound))
            waiting: dict[int, list[int]] = {}
            for envelope in one.mailbox:
                queue = compact.queue_slot(slot, envelope.sender, one.address)
                waiting.setdefault(queue, []).append(compact.envelope(envelope))
            for queue, numbers in waiting.items():
                there = compact.waiting(items.get(queue, 0))
                items[queue] = compact.queue(queue, (*there, *numbers))
        alive = frozenset((one.cell, one.address) for one in after.cells)
        world = self._worlds.number(alive, left, after.past, rough=rough, waits=waits)
        self._checks.look_at_fresh()
        values = [world, monitor]
        values += [items.get(slot, 0) for slot in range(FIRST, len(compact.owners))]
        state = trimmed(values)
        self._worlds.samples.setdefault(world, state)
        return state

    def _check_policy(self, cell: Cell) -> None:
        """Raise `ExploreError` if which message is dropped is not said by delivery."""
        drops = cell.policy.when_full == "drop oldest"
        if drops and self._compact.delivery == "channel":
            raise ExploreError(
                f"{cell.path} drops the oldest message, and under channel delivery"
                " nothing says which that is: explore it with delivery='mailbox'"
            )


def _is_inside(envelope: Envelope) -> bool:
    """Whether an actor has sent a message: a stop is as far outside as any other."""
    return bool(envelope.sender)


def _is_held(cell: Any) -> bool:
    """Whether an actor takes up no message: it waits, starts again or ends."""
    return cell.suspended is not None or bool(cell.life)


def _has(state: State, slot: int) -> bool:
    return slot < len(state) and bool(state[slot])


def soonest(offers: list[Offer]) -> list[Offer]:
    """Return what may happen where messages take no time and timers do."""
    messages = [offer for offer in offers if not offer.timer]
    if messages or not offers:
        return messages
    due = min(offer.due for offer in offers)
    return [offer for offer in offers if offer.due == due]
