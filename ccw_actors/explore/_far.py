"""Takes steps that may change anything, each in a whole System put together for it.

An actor ends, restarts or is spawned, a handler waits or fails, a mailbox is full:
one actor and its message do not determine the effect of such a step.
"""

from typing import Any

from ccw_actors.errors import ActorFailedError
from ccw_actors.explore._checks import Checks
from ccw_actors.explore._effects import Effect, Outcome
from ccw_actors.explore._errors import HiddenStateError
from ccw_actors.explore._global_state import FIRST, Local, Offer, State
from ccw_actors.explore._monitor import Monitor
from ccw_actors.explore._step_runner import StepRunner
from ccw_actors.explore._systems import Systems, has
from ccw_actors.explore._world import World
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime import CellSnapshot, Choice, Snapshot
from ccw_actors.runtime.stepping import Envelope, path_of
from ccw_actors.transport import tag_of

__all__ = ["FarSteps"]


class FarSteps:
    """Takes steps in whole Systems, and remembers the results.

    The first `recheck` are taken twice, and one in `recheck` of all others (0 for
    none). `bounds` has the bounds of mailboxes that are smaller than the default, by
    the slots of their actors.
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
        self._known: dict[tuple[State, Offer], State] = {}
        self._gone_on: set[int] = set()
        # On an unordered network nothing waits in a mailbox, so none is ever full.
        unordered = self._compact.delivery == "unordered"
        bound_max = 0 if unordered else world.system.mailbox.bound
        self._systems = Systems(self._compact, worlds, checks, bound_max)
        self.bounds = self._systems.bounds

    def first(self) -> State:
        """Return the state in which a scenario has left the System.

        Messages that it has injected, or told directly, are outside.
        """
        compact, world = self._compact, self._world
        injected = [
            (address, Envelope(payload, source, 0, None))
            for address, source, payload in world.injected
        ]
        # Actors that these messages name are referred to, before they are in a mailbox.
        world.dispatcher.on_the_way(envelope for _, envelope in injected)
        snapshot = self._runner.first()
        for one in snapshot.cells:
            compact.actor_slot(one.cell.path)
        items = self._outside([*_from_outside(snapshot), *injected])
        left = tuple(budget for _, budget in world.properties.crashes)
        whole = snapshot._replace(cells=tuple(map(_without_outside, snapshot.cells)))
        return self._systems.absorb(whole, None, self._monitor.first, left, items)

    def _outside(self, sent: list[tuple[str, Envelope]]) -> dict[int, int]:
        """Return the queues outside, with the messages to these addresses."""
        compact = self._compact
        outside: dict[int, list[int]] = {}
        for address, envelope in sent:
            owner = compact.actor_slot(path_of(address))
            slot = compact.outside_slot(owner, envelope.sender, address)
            outside.setdefault(slot, []).append(compact.envelope(envelope))
        return {slot: compact.queue(slot, tuple(n)) for slot, n in outside.items()}

    def offers(self, state: State) -> list[Offer]:
        """Return the possible steps where an actor restarts, ends, or waits."""
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
        """Return signals, timers, and the results that a handler waits for."""
        compact = self._compact
        found = compact.offers[item]
        if found is None or item not in self._gone_on:
            self._gone_on.add(item)
            local = compact.get_local(item)
            choices = self._runner.choices(local)
            offers = tuple(self._offer_of(local, *choice) for choice in choices)
            found = compact.offers[item] = offers
        return found

    def _offer_of(self, local: Local, choice: Choice, seen: Envelope) -> Offer:
        """Return a choice of a busy actor as a possible step."""
        compact, timer = self._compact, choice.timer
        owner, address = compact.paths[local.cell.cell.path], local.cell.address
        envelope = Envelope(seen.payload, choice.sender, 0, None, seen.kind)
        name = compact.envelope(envelope)
        if timer:
            due = dict(local.timers)[timer].due
            return Offer((owner, timer), owner, owner, name, 0, timer, due)
        process = compact.queue_slot(owner, choice.sender, address), 0
        return Offer(process, owner, owner, name)

    def _takes_up(self, state: State, slot: int) -> list[Offer]:
        """Return the messages that may be taken out of a queue."""
        compact = self._compact
        offers = compact.offers[state[slot]]
        if offers is None:
            offers = compact.find_offers(state[slot])
        if slot in compact.outside:
            offers = tuple(
                self._worlds.arriving(state, one, self.bounds) for one in offers
            )
        owner = compact.owners[slot]
        local = compact.get_local(state[owner]) if has(state, owner) else None
        return [one for one in offers if one.arrives or self._is_next(local, one)]

    def _is_next(self, local: Local | None, offer: Offer) -> bool:
        """Whether an actor may take up a message: no signal comes before it."""
        if local is None or _is_held(local.cell):
            return False
        compact = self._compact
        sender = compact.envelopes[offer.envelope].sender
        signals = {one.sender for one in local.cell.signals}
        behind = compact.delivery == "mailbox" and signals
        return not behind and sender not in signals

    def take(self, state: State, offer: Offer, effect: Effect) -> State:
        """Return the state after a step; `effect` has at most its failure."""
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
        failure = effect.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._worlds.failed(str(failure))
        before = self._systems.whole(state, offer)
        self._world.dispatcher.on_the_way(self._systems.on_the_way(state, offer))
        outcome = self._outcome(before, offer)
        failure = outcome.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._worlds.failed(str(failure))
        return self._after(state, offer, before, outcome)

    def _outcome(self, before: Snapshot, offer: Offer) -> Outcome:
        """Let an actor take a step, or crash, in a System put together for it."""
        path = self._compact.path_of[offer.owner]
        if offer.crash and not offer.envelope:
            return self._runner.crash(before, path)
        envelope = self._compact.envelopes[offer.envelope]
        sender = path if offer.timer else envelope.sender
        choice = Choice(path, sender, offer.timer, offer.crash)
        outcome = self._runner.far(before, choice)
        for one in outcome.after.cells:
            if one.cell.path == path:
                self._runner.check_hidden(one.cell, one.actor, envelope)
        return outcome

    def arrive(self, state: State, offer: Offer) -> State:
        """Return the state after a message from outside has met a full mailbox."""
        compact = self._compact
        before = self._systems.whole(state, None)
        self._world.dispatcher.on_the_way(self._systems.on_the_way(state, offer))
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
        return self._systems.absorb(outcome.after, before, monitor, left, outside)

    def _may_fail(self, failure: ActorFailedError, offer: Offer) -> bool:
        is_made_to = offer.crash and offer.envelope
        crashed = is_made_to and failure.actor == self._compact.path_of[offer.owner]
        return bool(crashed) or failure.actor in self._world.properties.may_fail


def _is_inside(envelope: Envelope) -> bool:
    """Whether an actor has sent a message: a stop is as far outside as any other."""
    return bool(envelope.sender)


def _from_outside(snapshot: Snapshot) -> list[tuple[str, Envelope]]:
    """Return the messages in mailboxes that no actor has sent, with their addresses."""
    return [
        (one.address, envelope)
        for one in snapshot.cells
        for envelope in one.mailbox
        if not _is_inside(envelope)
    ]


def _without_outside(one: CellSnapshot) -> CellSnapshot:
    return one._replace(mailbox=tuple(filter(_is_inside, one.mailbox)))


def _is_held(cell: Any) -> bool:
    """Whether an actor takes no message: it waits, restarts or ends."""
    return cell.suspended is not None or bool(cell.life)
