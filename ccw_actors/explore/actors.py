"""The actors of a scenario as a transition system, step by step."""

from typing import Any

from ccw_actors.errors import ActorFailedError
from ccw_actors.explore.bench import Bench, Effect, timers_after
from ccw_actors.explore.checks import Checks
from ccw_actors.explore.compact import FIRST, Compact, Local, Offer, State
from ccw_actors.explore.coverage import Combination, Coverage, covered, label_of
from ccw_actors.explore.errors import ExploreError
from ccw_actors.explore.monitor import Monitor
from ccw_actors.explore.result import Network, Step, Time
from ccw_actors.explore.words import Words
from ccw_actors.explore.world import Scenario, World
from ccw_actors.runtime import Choice, Snapshot
from ccw_actors.runtime.cell import SIGNAL, Envelope

__all__ = ["ActorModel"]

_FAILED = -1
_FAR = Effect(0, is_far=True)


class ActorModel:
    """The actors of a scenario, explored from what one step of each of them does.

    A handler is a function of state and message, so it is run once for each pair, and
    what it did is looked up from then on; the first `recheck` pairs, and of all other
    steps one in `recheck`, are run again, to see that it is one (0 for none). `bounds`
    has the bounds of mailboxes that are smaller than they are unless said, by the slots
    of their actors.
    """

    def __init__(
        self,
        scenario: Scenario,
        delivery: Network,
        recheck: int,
        time: Time = "untimed",
    ) -> None:
        self.world = World(delivery)
        scenario(self.world)
        self.time: Time = time
        self.compact = Compact(delivery)
        self._bench = Bench(self.world, self.compact)
        self._properties = self.world.properties
        self._words = Words(self._bench.cells)
        self._monitor = Monitor(self._properties.monitor, self.compact, self._words)
        self._worlds: dict[object, int] = {}
        self._memos: list[dict[tuple[int, int], Effect]] = []
        self._rough: list[bool] = []
        self._left: list[tuple[int, ...]] = []
        self._far_known: dict[tuple[State, Offer], State] = {}
        self._rough_known: dict[State, list[Offer]] = {}
        self._failures: list[str] = []
        self.bounds: dict[int, int] = {}
        self._unordered = delivery == "unordered"
        self._ordered = time == "ordered"
        self._recheck = self._countdown = self._new_to_check = recheck
        self.checks = Checks(self.compact, self._properties, self._monitor.values)
        self._initial = self._first()

    # -- as a transition system -----------------------------------------------------

    def initial(self) -> tuple[State, ...]:
        """Return the state in which the scenario has left the actors."""
        return (self._initial,)

    def moves(self, state: State) -> list[tuple[Offer, State]]:
        """Return all that may happen next, and what it leads to."""
        found: list[tuple[Offer, State]] = []
        for offer in self.offers(state):
            after, _ = self.take(state, offer)
            if after is not None:
                found.append((offer, after))
        return found

    def violation(self, state: State) -> str:
        """Return what is wrong with a state, "" for nothing."""
        if state[0] == _FAILED:
            return self._failures[state[1]]
        return self.checks.violation(state)

    def rest(self, state: State) -> str:
        """Return what is wrong with a state in which nothing is left to do."""
        return self.checks.rest(state)

    def monitored(self, state: State) -> Any:
        """Return the value of the scenario's monitor."""
        return self._monitor.values[state[1]]

    def unmonitored(self, state: State) -> State:
        """Return the state with the monitor's first value."""
        return (state[0], self._monitor.first, *state[2:])

    def unseen(self) -> tuple[str, ...]:
        """Return the names of `sometimes` properties that have never held."""
        return self.checks.unseen

    def coverage(self) -> Coverage:
        """Return what was handled in which state, and what never was."""
        compact, cells = self.compact, self._bench.cells
        labels = {
            number: (item.cell.cell.path, self._label(number, item))
            for number, item in enumerate(compact.items)
            if isinstance(item, Local)
        }
        names: dict[tuple[str, int], str] = {}
        handled: set[Combination] = set()
        for memo in self._memos:
            for local, what in memo:
                path, label = labels[local]
                name = names.get((path, what))
                if name is None:
                    name = names[path, what] = self._name(path, local, what)
                if name:
                    handled.add(Combination(path, label, name))
        seen = {(*one, cells[one[0]].actor) for one in labels.values()}
        return covered(seen, handled)

    def _label(self, item: int, local: Local) -> str:
        label = self._properties.labels.get(local.cell.cell.path)
        return label_of(label, local.cell.behaviour, self.checks.state_of(item))

    def _name(self, path: str, local: int, what: int) -> str:
        """Return the type of a message, or of what a timer sends; "" for a signal."""
        if what > 0:
            envelope = self.compact.envelopes[what]
        else:
            timer = dict(self.compact.get_local(local).timers)[-what]
            envelope = Envelope(timer.payload, path, 0, None)
        message = self._words.message(path, envelope)
        return "" if message is None else type(message).__name__

    def step(self, state: State, action: Offer) -> Step:
        """Return an action in words."""
        del state
        envelope = self.compact.envelopes[action.envelope]
        path = self.compact.path_of[action.owner]
        text = self._words.text(path, envelope)
        return Step(path, envelope.sender, text, action.timer, action.crash)

    # -- one step -------------------------------------------------------------------

    def offers(self, state: State) -> list[Offer]:
        """Return all that may happen next."""
        if state[0] == _FAILED:
            return []
        if self._rough[state[0]]:
            offers = self._rough_known.get(state)
            if offers is None:
                offers = self._rough_known[state] = self._rough_offers(state)
            return offers
        table = self.compact.offers
        found: list[Offer] = []
        for slot in range(FIRST, len(state)):
            item = state[slot]
            if item:
                here = table[item]
                if here is None:
                    here = self.compact.find_offers(item)
                found += here
        if self._ordered:
            found = _soonest(found)
        if any(self._left[state[0]]):
            found += self._crashes(state[0], found)
        return found

    def take(self, state: State, offer: Offer) -> tuple[State | None, Effect]:
        """Return the state after a step, and what the step did.

        The state is None for a message that an unordered network need not deliver, as
        nothing would change.
        """
        if self._ordered and offer.due:
            state, offer = self._later(state, offer.due), offer._replace(due=0.0)
        effect = _FAR if offer.crash else self._effect(state, offer)
        if effect.is_far:
            return self._far(state, offer, effect), effect
        after = list(state)
        if not offer.timer:
            after[offer.slot] = offer.rest
        local, sends, puts_back, _, _ = effect
        after[offer.owner] = local
        if sends or puts_back:
            self._send(after, sends, puts_back)
            if self.bounds and self._is_over(after):
                effect = effect._replace(is_far=True)
                return self._far(state, offer, effect), effect
        elif self._unordered and local == state[offer.owner] and not offer.timer:
            return None, effect
        if self._properties.monitor is not None:
            after[1] = self._monitor.follow(state, offer, effect)
        while not after[-1]:
            after.pop()
        return tuple(after), effect

    def _effect(self, state: State, offer: Offer) -> Effect:
        memo = self._memos[state[0]]
        key = (state[offer.owner], -offer.timer or offer.envelope)
        effect = memo.get(key)
        if effect is None:
            if self._rough[state[0]]:
                effect = _FAR
            else:
                effect = self._bench.near(*self._at(state, offer))
                self.checks.look_at_fresh()
            memo[key] = effect
            if self._new_to_check:
                self._new_to_check -= 1
                self._countdown = 1
        if self._recheck:
            self._countdown -= 1
            if not self._countdown:
                self._countdown = self._recheck
                if not self._rough[state[0]]:
                    self._bench.check_again(effect, *self._at(state, offer))
        return effect

    def _at(self, state: State, offer: Offer) -> tuple[Local, list[Local], int, int]:
        """Return who takes a step, who else is there, the message and the timer."""
        compact = self.compact
        others = [
            compact.get_local(state[slot])
            for slot in compact.path_of
            if slot != offer.owner and slot < len(state) and state[slot]
        ]
        local = compact.get_local(state[offer.owner])
        return local, others, offer.envelope, offer.timer

    def _send(
        self,
        after: list[int],
        sends: tuple[tuple[int, int], ...],
        puts_back: tuple[tuple[int, int], ...],
    ) -> None:
        compact = self.compact
        missing = len(compact.owners) - len(after)
        if missing:
            after.extend([0] * missing)
        for slot, envelope in puts_back:
            waiting = compact.waiting(after[slot])
            after[slot] = compact.queue(slot, (envelope, *waiting))
        for slot, envelope in sends:
            after[slot] = compact.pushed(slot, after[slot], envelope)

    def _is_over(self, after: list[int]) -> bool:
        for owner, bound in self.bounds.items():
            slots = self.compact.queue_slots(owner)
            waits = sum(len(self.compact.waiting(after[slot])) for slot in slots)
            if waits > bound:
                return True
        return False

    # -- a step that may change anything ----------------------------------------------

    def _far(self, state: State, offer: Offer, effect: Effect) -> State:
        after = self._far_known.get((state, offer))
        if after is None:
            after = self._take_far(state, offer, effect)
            self._far_known[state, offer] = after
        return after

    def _take_far(self, state: State, offer: Offer, effect: Effect) -> State:
        failure = effect.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._failed(str(failure))
        if self.compact.delivery == "unordered":
            raise ExploreError(
                f"{self.compact.path_of[offer.owner]} begins or ends an actor, or does"
                " more than that, which has no meaning on an unordered network"
            )
        before = self._whole(state)
        path = self.compact.path_of[offer.owner]
        sender = self.compact.envelopes[offer.envelope].sender
        if offer.timer:
            sender = path
        choice = Choice(path, sender, offer.timer, offer.crash)
        outcome = self._bench.far(before, choice)
        failure = outcome.failure
        if failure is not None and not self._may_fail(failure, offer):
            return self._failed(str(failure))
        monitor = state[1]
        if self._properties.monitor is not None:
            monitor = self._monitor.follow_far(state, offer, before, outcome)
        left = self._left[state[0]]
        if offer.crash:
            spent = self._spent(path, left)
            left = (*left[:spent], left[spent] - 1, *left[spent + 1 :])
        return self._absorb(outcome.after, before, monitor, left)

    def _may_fail(self, failure: ActorFailedError, offer: Offer) -> bool:
        crashed = offer.crash and failure.actor == self.compact.path_of[offer.owner]
        return crashed or failure.actor in self._properties.may_fail

    def _spent(self, path: str, left: tuple[int, ...]) -> int:
        """Return which budget pays for a crash of that actor; -1 if none does."""
        for number, (paths, _) in enumerate(self._properties.crashes):
            if left[number] and path in paths:
                return number
        return -1

    def _crashes(self, world: int, offers: list[Offer]) -> list[Offer]:
        """Return the crashes that may happen where these may."""
        left = self._left[world]
        envelopes, path_of = self.compact.envelopes, self.compact.path_of
        return [
            offer._replace(
                process=(offer.process[0], -1 - offer.process[1]), crash=True
            )
            for offer in offers
            if 0 <= envelopes[offer.envelope].kind < SIGNAL
            and self._spent(path_of[offer.owner], left) >= 0
        ]

    def _later(self, state: State, seconds: float) -> State:
        """Return the state after so much time in which nothing happens."""
        after = list(state)
        for slot in self.compact.path_of:
            if slot < len(after) and after[slot]:
                after[slot] = self.compact.later(after[slot], seconds)
        self.checks.look_at_fresh()
        return tuple(after)

    def _failed(self, text: str) -> State:
        if text not in self._failures:
            self._failures.append(text)
        return (_FAILED, self._failures.index(text))

    def _rough_offers(self, state: State) -> list[Offer]:
        """Return what may happen next where an actor is starting again, or ending."""
        compact = self.compact
        whole = self._whole(state)
        found: list[Offer] = []
        for choice in self._bench.choices(whole):
            owner = compact.paths[choice.recipient]
            seen = self.world.dispatcher.peek(choice)
            sender = choice.sender
            envelope = Envelope(seen.payload, sender, 0, None, seen.kind)
            name = compact.envelope(envelope)
            due = 0.0
            if choice.timer:
                process = owner, choice.timer
                timers = dict(compact.get_local(state[owner]).timers)
                due = timers[choice.timer].due
            else:
                process = compact.queue_slot(owner, sender), 0
            found.append(Offer(process, owner, owner, name, 0, choice.timer, due))
        if self._ordered:
            found = _soonest(found)
        return found + self._crashes(state[0], found)

    def _whole(self, state: State) -> Snapshot:
        """Return the System that a state stands for."""
        compact = self.compact
        cells: list[Any] = []
        timers: list[Any] = []
        counts: list[tuple[str, int]] = []
        asked: list[tuple[str, int]] = []
        for slot, path in compact.path_of.items():
            if slot >= len(state) or not state[slot]:
                continue
            local = compact.get_local(state[slot])
            mailbox = tuple(
                compact.envelopes[number]
                for queue in compact.queue_slots(slot)
                if queue < len(state)
                for number in compact.waiting(state[queue])
            )
            cells.append(local.cell._replace(mailbox=mailbox))
            timers += [((path, number), timer) for number, timer in local.timers]
            counts.append((path, local.numbered))
            asked.append((path, local.asked))
        return Snapshot(
            tuple(cells), tuple(timers), tuple(counts), tuple(asked), (), 0, 0.0
        )

    def _absorb(
        self,
        after: Snapshot,
        before: Snapshot | None,
        monitor: int,
        left: tuple[int, ...],
    ) -> State:
        """Return the state that stands for a System."""
        compact = self.compact
        timers = timers_after(after, before or after)
        counts, asked = dict(after.timer_counts), dict(after.ask_counts)
        items: dict[int, int] = {}
        rough = False
        for one in after.cells:
            path = one.cell.path
            slot = compact.actor_slot(path)
            item = compact.local(
                one, timers.get(path, {}), counts.get(path, 0), asked.get(path, 0)
            )
            items[slot] = item
            rough = rough or compact.get_local(item).busy
            if one.cell.bound < self.world.system.mailbox.bound:
                self.bounds[slot] = one.cell.bound
            waiting: dict[int, list[int]] = {}
            for envelope in one.mailbox:
                queue = compact.queue_slot(slot, envelope.sender)
                waiting.setdefault(queue, []).append(compact.envelope(envelope))
            for queue, numbers in waiting.items():
                items[queue] = compact.queue(queue, tuple(numbers))
        alive = frozenset(one.cell.path for one in after.cells)
        world = self._worlds.setdefault((alive, rough, left), len(self._worlds))
        if world == len(self._memos):
            self._memos.append({})
            self._rough.append(rough)
            self._left.append(left)
        self.checks.look_at_fresh()
        values = [world, monitor]
        values += [items.get(slot, 0) for slot in range(FIRST, len(compact.owners))]
        while not values[-1] and len(values) > FIRST:
            values.pop()
        return tuple(values)

    def _first(self) -> State:
        world = self.world
        snapshot = self._bench.first()
        cells = [
            one._replace(
                mailbox=one.mailbox
                + tuple(
                    Envelope(payload, source, 0, None)
                    for path, source, payload in world.injected
                    if path == one.cell.path
                )
            )
            for one in snapshot.cells
        ]
        left = tuple(budget for _, budget in self._properties.crashes)
        return self._absorb(
            snapshot._replace(cells=tuple(cells)), None, self._monitor.first, left
        )


def _soonest(offers: list[Offer]) -> list[Offer]:
    """Return what may happen where messages take no time and timers do."""
    messages = [offer for offer in offers if not offer.timer]
    if messages or not offers:
        return messages
    due = min(offer.due for offer in offers)
    return [offer for offer in offers if offer.due == due]
