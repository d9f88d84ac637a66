"""The engine that takes one schedule of each class.

Two steps depend on each other if one actor takes both, or if both send into one mailbox
that is handled in the order sent. Schedules that differ only in the order of
independent steps form a class, and are the same for every actor. The search is dynamic
partial-order reduction with source sets and sleep sets (Abdulla, Aronis, Jonsson,
Sagonas 2014): it takes one schedule to its end, finds pairs of steps that raced in it,
and goes back to try each pair in the other order. A step that has been tried sleeps
until one that depends on it is taken, so that no class is begun twice for it.
"""

from time import perf_counter

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._effects import Effect
from ccw_actors.explore._frames import PUT_BACK, Event, Frame, Process, Senders
from ccw_actors.explore._global_state import FIRST, Offer, State
from ccw_actors.explore._result import Limits, Progress, Step, Tick
from ccw_actors.explore._soundness import check_sound
from ccw_actors.explore._states import Found

__all__ = ["Orders", "explore_orders"]

_TICK_EVERY = 256


class Orders:
    """The current schedule, and the counts.

    The search goes on until all classes are known, there is a `violation`, or a `limit`
    is reached. `final` has the last states of schedules, and what is wrong there.
    """

    def __init__(self, model: ActorModel) -> None:
        self.model = model
        self.mailboxes = model.world.delivery == "mailbox"
        self.frames: list[Frame] = []
        self.events: list[Event] = []
        self.taken: list[Offer] = []
        self.before: list[int] = []
        self.states: set[State] = set()
        self.final: dict[State, str] = {}
        self.steps: int = 0
        self.classes: int = 0
        self.blocked: int = 0
        self.violation = self.limit = ""

    def search(self, limits: Limits, tick: Tick | None = None) -> None:
        """Take one schedule of each class."""
        (first,) = self.model.initial()
        began = perf_counter()
        self.enter(first, {}, self.unsent(first))
        while self.frames and not self.violation and not self.limit:
            frame = self.frames[-1]
            process = frame.todo.pop() if frame.todo else None
            if process is None:
                self.leave()
            elif process not in frame.sleep:
                self.advance(frame, process)
                self.limit = self.reached(limits, began)
                if tick is not None and self.steps % _TICK_EVERY == 0:
                    left = sum(len(frame.todo) for frame in self.frames)
                    tick(Progress("orders", self.classes, self.steps, left))

    def path(self) -> tuple[Step, ...]:
        """Return the steps of the current schedule."""
        states = (frame.state for frame in self.frames)
        pairs = zip(states, self.taken, strict=False)
        return tuple(self.model.step(state, offer) for state, offer in pairs)

    def meet(self, state: State) -> None:
        """Check a state on the way."""
        if state not in self.states:
            self.states.add(state)
            self.violation = self.model.violation(state)

    def end(self, state: State) -> None:
        """Count a complete schedule, and check its last state."""
        self.classes += 1
        if state not in self.final:
            self.final[state] = self.model.rest(state)
        self.violation = self.final[state]

    def reached(self, limits: Limits, began: float) -> str:
        """Return which limit has been reached, "" for none."""
        if self.steps >= limits.steps:
            return f"{limits.steps} steps"
        if len(self.taken) > limits.depth:
            return f"{limits.depth} steps in one schedule"
        is_due = self.steps % _TICK_EVERY == 0
        if is_due and perf_counter() - began >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        return ""

    def enter(
        self, state: State, sleep: dict[Process, Event], senders: Senders
    ) -> None:
        """Enter a state: check it, and choose the first step to try there."""
        offers = {offer.process: offer for offer in self.model.offers(state)}
        frame = Frame(state, offers, sleep, senders)
        self.frames.append(frame)
        self.meet(state)
        if self.violation:
            return
        if offers:
            self._begin_with(frame)
        else:
            self.end(state)

    def _begin_with(self, frame: Frame) -> None:
        """Choose the first step to try in a state."""
        for process, offer in frame.offers.items():
            if offer.crash:
                # A crash may come before or after any other step, and races with all.
                frame.add(process)
        first = next((one for one in frame.offers if one not in frame.sleep), None)
        if first is None:
            self.blocked += 1
        else:
            frame.add(first)

    def leave(self) -> None:
        """Go back one step, which then sleeps until a dependent step is taken."""
        self.frames.pop()
        if self.taken:
            event = self.events.pop()
            self.taken.pop()
            self.before.pop()
            self.frames[-1].sleep[event.process] = event

    def advance(self, frame: Frame, process: Process) -> None:
        """Take the next step that is to be tried."""
        model, number = self.model, len(self.events)
        offer = frame.offers[process]
        after, effect = model.take(frame.state, offer)
        assert after is not None, "only an unordered network keeps a message"
        self.steps += 1
        senders = dict(frame.senders)
        sender, put_by = _sent_by(senders.get(process, ()))
        event = self._event(offer, effect, put_by)
        self._send(senders, offer, effect, number)
        # A far step may have moved any message, and depends on all steps before.
        if effect.is_far:
            senders = self.unsent(after)
        self._note_races(event, sender)
        sleep = {
            name: other
            for name, other in frame.sleep.items()
            if not event.depends_on(other)
        }
        self.events.append(event)
        self.taken.append(offer)
        self.enter(after, sleep, senders)
        self._note_what_ended(frame, event, effect, number)

    def _event(self, offer: Offer, effect: Effect, put_by: int) -> Event:
        """Return a step as far as others depend on it."""
        actor = offer.slot if offer.arrives else offer.owner
        touched = self._touched(offer, effect)
        return Event(offer.process, actor, touched, effect.is_far, put_by)

    def _touched(self, offer: Offer, effect: Effect) -> frozenset[int]:
        """Return the slots that steps may share with others in either order."""
        touched = {slot for slot, _ in effect.sends} if self.mailboxes else set[int]()
        bounds = self.model.bounds
        if bounds:
            # Whether a mailbox is full depends on its senders, and on its actor.
            owners = self.model.compact.owners
            filled = {owners[slot] for slot, _ in effect.sends}
            touched.update((filled | {offer.owner}).intersection(bounds))
        return frozenset(touched)

    def _send(
        self, senders: Senders, offer: Offer, effect: Effect, number: int
    ) -> None:
        """Note which messages a step has sent, and which one it has taken."""
        senders[offer.process] = senders.get(offer.process, ())[1:]
        for slot, _ in effect.puts_back:
            line = senders.get((slot, 0), ())
            senders[slot, 0] = (PUT_BACK - number, *line)
        for slot, _ in effect.sends:
            senders[slot, 0] = (*senders.get((slot, 0), ()), number)

    def unsent(self, state: State) -> Senders:
        """Return -1 for messages whose senders need not be known."""
        compact = self.model.compact
        return {
            (slot, 0): (-1,) * len(compact.waiting(state[slot]))
            for slot in range(FIRST, len(state))
        }

    def _note_what_ended(
        self, frame: Frame, event: Event, effect: Effect, number: int
    ) -> None:
        """Try also the steps that a step has made impossible, and note new timers.

        A cancelled timer, a message behind those that were put back, a message to an
        actor that has ended: no later step would show that it raced. If it sleeps, it
        is not taken here either, and all steps that might come before it have to be.
        """
        now = self.frames[-1]
        ahead = {slot for slot, _ in effect.puts_back}
        for process, offer in frame.offers.items():
            over = offer.owner == event.actor and process not in now.offers
            if event.far or over or process[0] in ahead:
                frame.add(process)
            if over and process in frame.sleep and process != event.process:
                frame.add_all()
        self._note_timers(frame, number)

    def _note_timers(self, frame: Frame, number: int) -> None:
        """Note which timers a step has set."""
        now = self.frames[-1]
        for process, offer in now.offers.items():
            if offer.timer and process not in frame.offers:
                now.senders[process] = (number,)

    def _note_races(self, event: Event, sender: int) -> None:
        """Find the steps that raced with the current one; `sender` sent its message.

        A pair of dependent steps has raced if no other step forces its order. A message
        that waits behind one that was put back has raced with the step that did so.
        """
        events, before = self.events, self.before
        covered = before[sender] | 1 << sender if sender >= 0 else 0
        needs = covered
        # Sets of steps are bits of an integer: each is compared with all before it.
        left = ((1 << len(events)) - 1) & ~covered
        races: list[int] = []
        while left:
            other = left.bit_length() - 1
            if event.depends_on(events[other]):
                put_by = events[other].put_by
                if events[other].process != event.process:
                    races.append(other)
                elif put_by >= 0 and not needs >> put_by & 1:
                    races.append(put_by)
                covered |= before[other] | 1 << other
                left &= ~covered
            else:
                left ^= 1 << other
        before.append(covered)
        for other in races:
            self._reverse(other, event, covered)

    def _reverse(self, other: int, event: Event, mask: int) -> None:
        """Try a race in the other order, unless that is planned already."""
        frame = self.frames[other]
        # All depends on a far step: only what was possible before can come first.
        if self.events[other].far:
            if event.process in frame.offers:
                frame.add(event.process)
            return
        firsts = self._firsts(other, event, mask)
        if frame.tried.isdisjoint(firsts):
            # One first step is enough; if none is possible yet, all are tried.
            possible = next((one for one in firsts if one in frame.offers), None)
            if possible is None:
                frame.add_all()
            else:
                frame.add(possible)

    def _firsts(self, other: int, event: Event, mask: int) -> list[Process]:
        """Return the possible first steps among those independent of a step."""
        events, before = self.events, self.before
        apart = [
            number
            for number in range(other + 1, len(events))
            if not before[number] >> other & 1
        ]
        bits = sum(1 << number for number in apart)
        firsts = [events[one].process for one in apart if not before[one] & bits]
        if not mask & bits:
            firsts.append(event.process)
        return firsts


def _sent_by(line: tuple[int, ...]) -> tuple[int, int]:
    """Return the steps that sent the first message of a queue, and put it back.

    The step that put it back also counts as its sender. Each is -1 for no step.
    """
    sender = line[0] if line else -1
    put_by = PUT_BACK - sender if sender <= PUT_BACK else -1
    return max(sender, put_by), put_by


def explore_orders(
    model: ActorModel, limits: Limits, tick: Tick | None = None
) -> Found:
    """Take one schedule of each class; see the module.

    Raises `UnsoundError` for properties over several actors.
    """
    check_sound(model)
    run = Orders(model)
    run.search(limits, tick)
    whole = not run.violation and not run.limit
    return Found(
        run.violation,
        run.path() if run.violation else (),
        "" if run.violation else run.limit,
        None,
        run.steps,
        None,
        run.classes if whole else None,
        run.blocked,
        frozenset(run.final),
    )
