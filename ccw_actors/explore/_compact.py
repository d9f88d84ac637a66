"""Numbers the values that make up global states, and finds them by number."""

from ccw_actors.explore._canonical import Canonical
from ccw_actors.explore._global_state import FIRST, Local, Offer, Queue
from ccw_actors.explore._result import Network
from ccw_actors.runtime import CellSnapshot
from ccw_actors.runtime.stepping import Envelope, Timer, is_plain
from ccw_actors.runtime.stepping import State as Life

__all__ = ["Compact"]


class Compact:
    """Numbers for the values that make up the states of one scenario.

    `owners` has for each slot that of its actor, and `names` what the slot is for: the
    path of an actor, or of a queue also the sender or source and the address. `outside`
    are the slots of queues that are outside, and `to` has for each of those the address
    of the recipient: if that actor has ended, the message is lost. `fresh` are items of
    actors that have not been checked yet. `variants` has for some items equal values
    whose dicts or sets were filled in another order. New variants are in
    `fresh_variants`, with their items. `varied` are the items that may have variants.
    """

    def __init__(self, delivery: Network) -> None:
        self.delivery = delivery
        self.paths: dict[str, int] = {}
        self.path_of: dict[int, str] = {}
        self.owners: list[int] = [0] * FIRST
        self.names: list[tuple[str, ...]] = [()] * FIRST
        self.items: list[Local | Queue | None] = [None]
        self.offers: list[tuple[Offer, ...] | None] = [()]
        self.envelopes: list[Envelope] = [Envelope(b"", "", 0, None)]
        self.fresh: list[int] = []
        self.outside: set[int] = set()
        self.to: dict[int, str] = {}
        self.variants: dict[int, list[Local]] = {}
        self.fresh_variants: list[tuple[int, Local]] = []
        self.varied: set[int] = set()
        self._canonical = Canonical()
        self._shapes: dict[object, CellSnapshot] = {}
        self._envelope_numbers: dict[Envelope, int] = {}
        self._queue_slots: dict[tuple[int, str, str], int] = {}
        self._outside_slots: dict[tuple[str, str], int] = {}
        self._locals: dict[object, int] = {}
        self._queues: dict[tuple[int, tuple[int, ...]], int] = {}
        self._pushed: dict[tuple[int, int], int] = {}
        self._later: dict[tuple[int, float], int] = {}

    # -- slots ------------------------------------------------------------------

    def actor_slot(self, path: str) -> int:
        """Return the slot of the actor at a path."""
        slot = self.paths.get(path)
        if slot is None:
            slot = len(self.owners)
            self.owners.append(slot)
            self.names.append((path,))
            self.paths[path] = slot
            self.path_of[slot] = path
        return slot

    def queue_slot(self, owner: int, sender: str, address: str) -> int:
        """Return the slot of the queue in which that sender's messages wait.

        `address` is that of the recipient, `owner` the slot of its path.
        """
        unordered = self.delivery == "unordered"
        of_sender = sender if self.delivery == "channel" else ""
        key = owner, of_sender, address if unordered else ""
        slot = self._queue_slots.get(key)
        if slot is None:
            name = "mailbox", *key[1:]
            slot = self._queue_slots[key] = self._add_queue(owner, name)
            if unordered:
                self.outside.add(slot)
                self.to[slot] = address
        return slot

    def outside_slot(self, owner: int, source: str, address: str) -> int:
        """Return the slot for the messages of a source outside, until they arrive."""
        if self.delivery == "unordered":
            return self.queue_slot(owner, source, address)
        key = address, source
        slot = self._outside_slots.get(key)
        if slot is None:
            name = "outside", source, address
            slot = self._outside_slots[key] = self._add_queue(owner, name)
            self.outside.add(slot)
            self.to[slot] = address
        return slot

    def _add_queue(self, owner: int, name: tuple[str, ...]) -> int:
        self.owners.append(owner)
        self.names.append((self.path_of[owner], *name))
        return len(self.owners) - 1

    def queue_slots(self, owner: int) -> list[int]:
        """Return the slots of the queues that are in an actor's mailbox."""
        return [slot for key, slot in self._queue_slots.items() if key[0] == owner]

    # -- items ------------------------------------------------------------------

    def envelope(self, envelope: Envelope) -> int:
        """Return the number of a message."""
        # Stamps differ between schedules: with them no two messages would be equal.
        if envelope.stamp is not None:
            sender, ask, kind = envelope.sender, envelope.ask, envelope.kind
            envelope = Envelope(envelope.payload, sender, ask, None, kind)
        number = self._envelope_numbers.get(envelope)
        if number is None:
            number = self._envelope_numbers[envelope] = len(self.envelopes)
            self.envelopes.append(envelope)
        return number

    def sent(
        self, owner: int, address: str, envelopes: tuple[Envelope, ...]
    ) -> list[tuple[int, int]]:
        """Return the queues and numbers of messages that were sent to an actor."""
        return [
            (self.queue_slot(owner, one.sender, address), self.envelope(one))
            for one in envelopes
        ]

    def queue(self, slot: int, envelopes: tuple[int, ...]) -> int:
        """Return the item of a queue that holds these messages."""
        if not envelopes:
            return 0
        if self.delivery == "unordered":
            # Any of them may be taken next, so their order makes no difference.
            envelopes = tuple(sorted(envelopes))
        item = self._queues.get((slot, envelopes))
        if item is None:
            item = self._add(Queue(slot, envelopes))
            self._queues[slot, envelopes] = item
        return item

    def pushed(self, slot: int, item: int, envelope: int) -> int:
        """Return the item of a queue after a message has been added."""
        # An empty queue has no item, so its slot identifies it.
        key = (item or -slot, envelope)
        after = self._pushed.get(key)
        if after is None:
            after = self.queue(slot, (*self.waiting(item), envelope))
            self._pushed[key] = after
        return after

    def waiting(self, item: int) -> tuple[int, ...]:
        """Return the numbers of the messages in a queue."""
        queue = self.items[item]
        return queue.envelopes if isinstance(queue, Queue) else ()

    def local(
        self, cell: CellSnapshot, timers: dict[int, Timer], count: int, asked: int
    ) -> int:
        """Return the item of an actor; a new one is put in `fresh`."""
        self.actor_slot(cell.cell.path)
        blank = cell._replace(mailbox=(), state=None)
        if not (timers or count or asked) and is_plain(cell):
            return self.plain(self._shapes.setdefault(_who(blank), blank), cell.state)
        armed = tuple(sorted(timers.items()))
        waits = cell.suspended is not None or bool(cell.signals)
        busy = cell.life is not Life.RUNNING or waits
        whole = cell._replace(mailbox=())
        local = Local(whole, blank, armed, count, asked, busy)
        return self._local((_who(blank), armed, count, asked), local)

    def plain(self, shape: CellSnapshot, state: object) -> int:
        """Return the item of an actor of that shape, in a state."""
        # `_shapes` keeps every shape alive, so its id identifies it, and hashes fast.
        key = id(shape), state
        item = self._locals.get(key)
        if item is None:
            cell = shape._replace(state=state)
            item = self._local(id(shape), Local(cell, shape, shape=shape))
            self._locals[key] = item
        return item

    def _local(self, besides: object, local: Local) -> int:
        """Return the item of an actor: its state, and what decides its future."""
        cell = local.cell
        key = besides, self._canonical.of(cell.actor, cell.state)
        item = self._locals.get(key)
        if item is None:
            item = self._locals[key] = self._add(local)
            self.fresh.append(item)
            if key[1] is not cell.state:
                self.varied.add(item)
            # An actor itself offers only timers.
            if not local.timers:
                self.offers[item] = ()
        elif self.get_local(item).cell.state != cell.state:
            self._note_variant(item, local)
        return item

    def _note_variant(self, item: int, local: Local) -> None:
        variants = self.variants.setdefault(item, [])
        if all(one.cell.state != local.cell.state for one in variants):
            variants.append(local)
            self.fresh_variants.append((item, local))

    def later(self, item: int, seconds: float) -> int:
        """Return the item of an actor after so much time."""
        key = (item, seconds)
        after = self._later.get(key)
        if after is None:
            local = self.get_local(item)
            timers = {
                # Rounded, so that equal times from different sums are one state.
                number: timer._replace(due=max(0.0, round(timer.due - seconds, 9)))
                for number, timer in local.timers
            }
            restarts = tuple(round(at - seconds, 9) for at in local.cell.restarts)
            cell = local.cell._replace(restarts=restarts)
            after = self._later[key] = self.local(
                cell, timers, local.numbered, local.asked
            )
        return after

    def get_local(self, item: int) -> Local:
        """Return the actor that an item is."""
        local = self.items[item]
        assert isinstance(local, Local), "an actor's slot holds the item of an actor"
        return local

    def find_offers(self, item: int) -> tuple[Offer, ...]:
        """Return the steps that an item makes possible, and keep them in `offers`."""
        what = self.items[item]
        found: list[Offer] = []
        if isinstance(what, Queue):
            found = self._messages_of(what)
        elif what is not None:
            found = self._timers_of(what)
        offers = self.offers[item] = tuple(found)
        return offers

    def _messages_of(self, queue: Queue) -> list[Offer]:
        """Return which messages may be taken out of a queue."""
        slot, envelopes = queue
        owner = self.owners[slot]
        unordered = self.delivery == "unordered"
        arrives = slot in self.outside and self.delivery == "mailbox"
        found: list[Offer] = []
        # Equal messages lead to equal states, so one of them is enough.
        for head in dict.fromkeys(envelopes if unordered else envelopes[:1]):
            at = envelopes.index(head)
            rest = self.queue(slot, envelopes[:at] + envelopes[at + 1 :])
            process = slot, head if unordered else 0
            found.append(Offer(process, slot, owner, head, rest, arrives=arrives))
        return found

    def _timers_of(self, local: Local) -> list[Offer]:
        """Return which timers of an actor may fire."""
        path = local.cell.cell.path
        slot = self.paths[path]
        found: list[Offer] = []
        for number, timer in local.timers:
            envelope = Envelope(timer.payload, path, 0, None, timer.kind)
            name = self.envelope(envelope)
            if not timer.waiting:
                process = slot, number
                found.append(Offer(process, slot, slot, name, 0, number, timer.due))
        return found

    def _add(self, item: Local | Queue) -> int:
        self.items.append(item)
        self.offers.append(None)
        return len(self.items) - 1


def _who(blank: CellSnapshot) -> tuple[object, ...]:
    """Return an actor's identity and what decides its future, without its state."""
    return (*blank.key(), id(blank.cell), id(blank.actor))
