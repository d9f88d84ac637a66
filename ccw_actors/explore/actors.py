"""The actors of a scenario as a transition system, step by step."""

from typing import Any

from ccw_actors.explore.bench import Bench, Effect, Outcome, timers_after
from ccw_actors.explore.checks import Checks
from ccw_actors.explore.compact import FIRST, Compact, Local, Offer, State
from ccw_actors.explore.errors import ExploreError
from ccw_actors.explore.result import Network, Step
from ccw_actors.explore.world import Event, Scenario, World
from ccw_actors.runtime import Choice, Snapshot
from ccw_actors.runtime.cell import Envelope
from ccw_actors.transport import DECODE_ERRORS, tag_of

__all__ = ["ActorModel"]

_FAILED = -1


class ActorModel:
    """The actors of a scenario, explored from what one step of each of them does.

    A handler is a function of state and message, so it is run once for each pair, and
    what it did is looked up from then on; one in `recheck` times it is run again all
    the same, to see that it is one (0 for never). `bounds` has the bounds of mailboxes
    that are smaller than they are unless said, by the slots of their actors.
    """

    def __init__(self, scenario: Scenario, delivery: Network, recheck: int) -> None:
        self.world = World(delivery)
        scenario(self.world)
        self.compact = Compact(delivery)
        self._bench = Bench(self.world, self.compact)
        self._properties = self.world.properties
        self._monitors: list[Any] = [None]
        self._monitor_numbers: dict[Any, int] = {None: 0}
        self._monitored: dict[object, int] = {}
        self._worlds: dict[object, int] = {}
        self._memos: list[dict[tuple[int, int], Effect]] = []
        self._rough: list[bool] = []
        self._far_known: dict[tuple[State, Offer], State] = {}
        self._rough_known: dict[State, list[Offer]] = {}
        self._failures: list[str] = []
        self.bounds: dict[int, int] = {}
        self._unordered = delivery == "unordered"
        self._recheck = self._countdown = recheck
        self.checks = Checks(self.compact, self._properties, self._monitors)
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

    def unseen(self) -> tuple[str, ...]:
        """Return the names of `sometimes` properties that have never held."""
        return self.checks.unseen

    def step(self, state: State, action: Offer) -> Step:
        """Return an action in words."""
        del state
        envelope = self.compact.envelopes[action.envelope]
        path = self.compact.path_of[action.owner]
        return Step(path, envelope.sender, self._text(path, envelope), action.timer)

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
        return found

    def take(self, state: State, offer: Offer) -> tuple[State | None, Effect]:
        """Return the state after a step, and what the step did.

        The state is None for a message that an unordered network need not deliver, as
        nothing would change.
        """
        effect = self._effect(state, offer)
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
            after[1] = self._follow(state, offer, effect)
        while not after[-1]:
            after.pop()
        return tuple(after), effect

    def _effect(self, state: State, offer: Offer) -> Effect:
        memo = self._memos[state[0]]
        key = (state[offer.owner], -offer.timer or offer.envelope)
        effect = memo.get(key)
        if effect is None:
            if self._rough[state[0]]:
                effect = Effect(0, is_far=True)
            else:
                effect = self._bench.near(*self._at(state, offer))
                self.checks.look_at_fresh()
            memo[key] = effect
        elif self._recheck:
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
        if failure is not None and failure.actor not in self._properties.may_fail:
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
        choice = Choice(path, sender, offer.timer)
        outcome = self._bench.far(before, choice)
        failure = outcome.failure
        if failure is not None and failure.actor not in self._properties.may_fail:
            return self._failed(str(failure))
        monitor = state[1]
        if self._properties.monitor is not None:
            monitor = self._follow_far(state, offer, before, outcome)
        return self._absorb(outcome.after, before, monitor)

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
            payload = self.world.dispatcher.peek(choice)
            envelope = compact.envelope(Envelope(payload, choice.sender, 0, None))
            if choice.timer:
                process = owner, choice.timer
            else:
                process = compact.queue_slot(owner, choice.sender), 0
            found.append(Offer(process, owner, owner, envelope, timer=choice.timer))
        return found

    def _whole(self, state: State) -> Snapshot:
        """Return the System that a state stands for."""
        compact = self.compact
        cells: list[Any] = []
        timers: list[Any] = []
        counts: list[tuple[str, int]] = []
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
        return Snapshot(tuple(cells), tuple(timers), tuple(counts), (), 0, 0.0)

    def _absorb(self, after: Snapshot, before: Snapshot | None, monitor: int) -> State:
        """Return the state that stands for a System."""
        compact = self.compact
        timers = timers_after(after, before or after)
        counts = dict(after.timer_counts)
        items: dict[int, int] = {}
        rough = False
        for one in after.cells:
            path = one.cell.path
            slot = compact.actor_slot(path)
            item = compact.local(one, timers.get(path, {}), counts.get(path, 0))
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
        world = self._worlds.setdefault((alive, rough), len(self._worlds))
        if world == len(self._memos):
            self._memos.append({})
            self._rough.append(rough)
        self.checks.look_at_fresh()
        values = [world, monitor]
        values += [items.get(slot, 0) for slot in range(FIRST, len(compact.owners))]
        while not values[-1] and len(values) > FIRST:
            values.pop()
        return tuple(values)

    def _first(self) -> State:
        world = self.world
        snapshot = self._bench.first()
        monitor = 0
        if self._properties.monitor is not None:
            monitor = self._number(self._properties.monitor[0])
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
        return self._absorb(snapshot._replace(cells=tuple(cells)), None, monitor)

    # -- the monitor ------------------------------------------------------------------

    def _number(self, value: Any) -> int:
        number = self._monitor_numbers.get(value)
        if number is None:
            number = self._monitor_numbers[value] = len(self._monitors)
            self._monitors.append(value)
        return number

    def _follow(self, state: State, offer: Offer, effect: Effect) -> int:
        """Return the value of the monitor after a step."""
        what = -offer.timer or offer.envelope
        key = (state[1], state[0], state[offer.owner], what)
        number = self._monitored.get(key)
        if number is None:
            compact = self.compact
            sent = [
                (compact.path_of[compact.owners[slot]], compact.envelopes[one])
                for slot, one in effect.sends
            ]
            number = self._monitored[key] = self._update(state, offer, sent)
        return number

    def _follow_far(
        self, state: State, offer: Offer, before: Snapshot, outcome: Outcome
    ) -> int:
        was = {one.cell.path: one.mailbox for one in before.cells}
        sent: list[tuple[str, Envelope]] = []
        for one in outcome.after.cells:
            old = list(was.get(one.cell.path, ()))
            for envelope in one.mailbox:
                if envelope in old:
                    old.remove(envelope)
                else:
                    sent.append((one.cell.path, envelope))
        return self._update(state, offer, sent)

    def _update(
        self, state: State, offer: Offer, sent: list[tuple[str, Envelope]]
    ) -> int:
        assert self._properties.monitor is not None, "a monitor follows"
        update = self._properties.monitor[1]
        envelope = self.compact.envelopes[offer.envelope]
        path = self.compact.path_of[offer.owner]
        messages = tuple((to, self._message(to, one)) for to, one in sent)
        event = Event(path, envelope.sender, self._message(path, envelope), messages)
        return self._number(update(self._monitors[state[1]], event))

    # -- in words ---------------------------------------------------------------------

    def _message(self, path: str, envelope: Envelope) -> Any:
        try:
            return self._bench.cells[path].decode(envelope.payload)
        except DECODE_ERRORS:
            return None

    def _text(self, path: str, envelope: Envelope) -> str:
        message = self._message(path, envelope)
        if message is None:
            return tag_of(envelope.payload) or "(a signal)"
        return repr(message)
