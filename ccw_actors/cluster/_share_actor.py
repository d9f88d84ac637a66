"""The actor of a share: it lets its share talk to the others, level by level.

| state | event | what it does |
|---|---|---|
| idle | Level | begins the level, and is expanding |
| expanding | its own Expand | takes some steps, and offers what falls to others |
| expanding | too many batches are open | waits for Received |
| expanding | no steps, batches or numbers are missing | tells LevelEnded, and is idle |
| idle | Settle | says what it has |
| any | Offered, Wanted, Given | answers at once |

A level has ended everywhere only when every state that was found in it has arrived. So
a share tells of its end only after `Received` for each of its batches, and what it has
only when all have ended: until then others may give it more.
"""

from collections.abc import Callable, Sequence
from itertools import count
from time import perf_counter
from typing import Any, Final, TypeVar

from ccw_actors.cluster._engine_thread import EngineThread
from ccw_actors.cluster._messages import (
    Failed,
    Given,
    Level,
    LevelEnded,
    MarkBefore,
    Meet,
    Number,
    Numbered,
    Offered,
    Part,
    Reached,
    ReadBefore,
    ReadPart,
    Ready,
    Received,
    Settle,
    Settled,
    Wanted,
)
from ccw_actors.explore.shares import Numbering, Share, part_of
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["ShareActor"]

T = TypeVar("T")

_STATES_AT_ONCE: Final = 1024
"""States whose steps are taken before messages are looked at again."""

_BATCH: Final = 4096
"""States that are collected for another share before they are offered."""

_OPEN_MAX: Final = 8
"""Batches that others have not taken yet; with more the share takes no steps."""

_SIZE_MAX: Final = 1 << 22
"""Bytes of states in one message, if it has more than one."""

_MARK_SIZE: Final = 8

_REPORT_EVERY: Final = 0.5
"""Seconds between two reports of progress."""


class Expand(Message, frozen=True):
    """Take some more steps of the level."""


class ShareActor(
    Actor[
        Meet
        | Level
        | Expand
        | Offered
        | Wanted
        | Given
        | Received
        | Numbered
        | Settle
        | ReadBefore
        | ReadPart
    ]
):
    """Talks for a share; `entries` are the first ones of the register.

    The share works in the `thread` that has made it.
    """

    def __init__(
        self,
        share: Share[Any, Any],
        shares: int,
        thread: EngineThread,
        coordinator: ActorRef[Any],
        entries: tuple[Numbering, ...],
    ) -> None:
        self._share = share
        self._thread = thread
        self._shares = shares
        self._coordinator = coordinator
        self._first_entries = entries
        self._peers: dict[int, ActorRef[Any]] = {}
        self._batches = count()
        self._open = self._level = 0
        self._is_expanding = self._is_waiting = self._is_numbering = False
        self._too_new: list[Given] = []
        self._too_early: list[Offered] = []
        self._reported = perf_counter()

    async def on_start(self) -> None:
        """Meet the initial states."""
        await self._do(self._begin)
        self._look_whether_ready()

    def _begin(self) -> None:
        self._share.learn(self._first_entries)
        self._share.begin()

    # -- the level -------------------------------------------------------------------

    @receive
    def meet(self, message: Meet) -> None:
        """Note another share."""
        self._peers[message.share] = message.actor
        self._look_whether_ready()

    def _look_whether_ready(self) -> None:
        if len(self._peers) == self._shares - 1:
            self._coordinator.tell(Ready(self._share.number, self.ref))

    @receive
    async def level(self, message: Level) -> None:
        """Begin the next level."""
        self._level = message.number
        self._share.go_on()
        self._is_expanding = True
        early, self._too_early = self._too_early, []
        for one in early:
            await self.offered(one)
        self._go_on()

    @receive
    async def expand(self, _message: Expand) -> None:
        """Take some steps."""
        self._is_waiting = False
        share = self._share
        await self._do(share.expand, _STATES_AT_ONCE)
        await self._ask_for_numbers()
        await self._offer(1 if not share.left else _BATCH)
        self._report()
        self._go_on()

    def _go_on(self) -> None:
        """Take more steps, wait until there is room for that, or end the level."""
        if not self._is_expanding or self._is_waiting:
            return
        share = self._share
        if share.left:
            if self._open <= _OPEN_MAX:
                self._is_waiting = True
                self.ref.tell(Expand())
        elif not self._open and not self._is_numbering:
            self._is_expanding = False
            self._coordinator.tell(LevelEnded(share.number))

    @receive
    def settle(self, _message: Settle) -> None:
        """Say what there is after the level."""
        share = self._share
        counts = share.number, share.states, share.steps
        self._coordinator.tell(Settled(*counts, share.fault, share.has_next))

    def _report(self) -> None:
        now = perf_counter()
        if now - self._reported >= _REPORT_EVERY:
            self._reported = now
            share = self._share
            self._coordinator.tell(
                Reached(share.number, share.states, share.steps, share.left)
            )

    # -- numbers ---------------------------------------------------------------------

    async def _ask_for_numbers(self) -> None:
        """Tell the register of steps into states without a mark, once at a time."""
        if self._is_numbering:
            return
        steps = await self._do(self._share.unmarked)
        if steps or self._too_new:
            self._is_numbering = True
            known = self._share.exchange.entries
            self._coordinator.tell(Number(self._share.number, tuple(steps), known))

    @receive
    async def numbered(self, message: Numbered) -> None:
        """Take over entries of the register, then what has waited for them."""
        await self._do(self._share.learn, message.entries)
        self._is_numbering = False
        given, self._too_new = self._too_new, []
        for one in given:
            await self.given(one)
        await self._ask_for_numbers()
        await self._offer(1 if not self._share.left else _BATCH)
        self._go_on()

    # -- other shares ----------------------------------------------------------------

    async def _offer(self, least: int) -> None:
        """Offer what is collected for shares, where it is at least so many states."""
        share = self._share
        for to, peer in self._peers.items():
            if share.waiting_for(to) >= least:
                batch = next(self._batches)
                marks = await self._do(share.marks_for, to, batch)
                self._open += 1
                peer.tell(Offered(share.number, self._level, batch, marks))

    @receive
    async def offered(self, message: Offered) -> None:
        """Say which states are new here.

        The other share may be told first that a level begins. What it finds then
        belongs to the level after that, so it waits.
        """
        if message.level > self._level:
            self._too_early.append(message)
            return
        found = await self._do(
            self._share.new_among, message.share, message.batch, message.marks
        )
        self._peers[message.share].tell(
            Wanted(self._share.number, message.batch, found)
        )

    @receive
    async def wanted(self, message: Wanted) -> None:
        """Give these states, in messages that are not too large."""
        share = self._share
        states, before = await self._do(share.states_for, message.batch, message.wanted)
        parts = _parts(states)
        self._open += len(parts) - 1
        known, peer = share.exchange.entries, self._peers[message.share]
        for part in parts:
            marks = before[_MARK_SIZE * part.start : _MARK_SIZE * part.stop]
            some = tuple(states[part.start : part.stop])
            peer.tell(Given(share.number, message.batch, some, marks, known))
        self._go_on()

    @receive
    async def given(self, message: Given) -> None:
        """Take states over, once their parts have numbers here."""
        if message.entries > self._share.exchange.entries:
            self._too_new.append(message)
            await self._ask_for_numbers()
        else:
            await self._take(message)

    async def _take(self, message: Given) -> None:
        await self._do(
            self._share.take,
            message.share,
            message.batch,
            message.states,
            message.before,
        )
        self._peers[message.share].tell(Received())

    @receive
    def received(self, _message: Received) -> None:
        """Note that states have arrived."""
        self._open -= 1
        self._go_on()

    # -- afterwards --------------------------------------------------------------------

    @receive
    def read_before(self, message: ReadBefore) -> MarkBefore:
        """Answer with the mark of the state before one of this share."""
        return MarkBefore(self._share.before(message.mark))

    @receive
    async def read_part(self, _message: ReadPart) -> Part:
        """Take no more steps, and answer with what was seen."""
        self._is_expanding = False
        return Part(await self._do(part_of, self._share.model))

    async def _do(self, work: Callable[..., T], *args: Any) -> T:
        """Let the share work in a thread; tell the coordinator of its error."""
        try:
            return await self._thread.run(work, *args)
        except Exception as error:
            self._coordinator.tell(Failed(self._share.number, str(error)))
            raise


def _parts(states: Sequence[bytes]) -> list[range]:
    """Return ranges of states that fit in a message each."""
    parts, first, size = list[range](), 0, 0
    for at, state in enumerate(states):
        if size + len(state) > _SIZE_MAX and at > first:
            parts.append(range(first, at))
            first, size = at, 0
        size += len(state)
    return [*parts, range(first, len(states))] if states else []
