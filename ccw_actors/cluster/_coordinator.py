"""The actor that brings the shares together: it keeps the register, and the levels."""

import asyncio
from time import perf_counter
from typing import Any, NamedTuple

from ccw_actors.cluster._engine_thread import EngineThread
from ccw_actors.cluster._messages import (
    Failed,
    Join,
    Level,
    LevelEnded,
    Number,
    Numbered,
    Peers,
    Reached,
    Ready,
    Settle,
    Settled,
)
from ccw_actors.explore import Limits, Progress, Tick
from ccw_actors.explore.shares import Base, ShareFault
from ccw_actors.runtime import Actor, ActorRef, Message, ReplyTo, Terminated, receive

__all__ = ["Coordinator", "End"]


class End(NamedTuple):
    """How the exploration has ended: `lost` and `failed` say why it could not go on."""

    fault: ShareFault | None = None
    limit: str = ""
    lost: str = ""
    failed: str = ""


class Coordinator(
    Actor[Join | Ready | Number | Reached | LevelEnded | Settled | Failed | Terminated]
):
    """Begins each level when the one before has ended in all shares.

    `end` is set once, as soon as there is a fault in an ended level, a limit, a share
    that is lost or fails, or no state left. `shares` are the actors by their numbers.
    """

    def __init__(
        self,
        base: Base,
        thread: EngineThread,
        count: int,
        limits: Limits,
        tick: Tick | None,
    ) -> None:
        self.end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self.shares: dict[int, ActorRef[Any]] = {}
        self.states = self.steps = 0
        self._base = base
        self._thread = thread
        self._count = count
        self._limits = limits
        self._tick = tick
        self._began = perf_counter()
        self._joined: dict[int, tuple[str, ReplyTo[Peers]]] = {}
        self._reached: dict[int, Reached] = {}
        self._ended: set[int] = set()
        self._settled: dict[int, Settled] = {}
        self._level = 0

    @receive
    def join(self, message: Join) -> None:
        """Answer all when all have joined."""
        self._joined[message.share] = message.address, self.reply_to
        if len(self._joined) < self._count:
            return
        addresses = tuple(self._joined[one][0] for one in range(self._count))
        register = self._base.register
        entries = () if register is None else tuple(register.log)
        for _, reply_to in self._joined.values():
            self.reply(reply_to, Peers(addresses, entries))

    @receive
    def ready(self, message: Ready) -> None:
        """Note the actor of a share."""
        self.shares[message.share] = message.actor
        self.watch(message.actor)
        self._note_end(message.share)

    @receive
    async def number(self, message: Number) -> None:
        """Give what a share has met for the first time its numbers."""
        register = self._base.register
        assert register is not None, "only actors need numbers"
        try:
            await self._thread.run(register.number, message.steps)
        except Exception as error:
            self._end(End(failed=str(error)))
            raise
        entries = tuple(register.log[message.known :])
        self.shares[message.share].tell(Numbered(entries))

    @receive
    def reached(self, message: Reached) -> None:
        """Note how far a share has come."""
        self._note(message)

    @receive
    def level_ended(self, message: LevelEnded) -> None:
        """Note that a share has ended the level."""
        self._note_end(message.share)

    def _note_end(self, share: int) -> None:
        self._ended.add(share)
        if len(self._ended) == self._count:
            self._ended.clear()
            self._tell_all(Settle())

    @receive
    def settled(self, message: Settled) -> None:
        """When all have said what they have, begin the next level, or end."""
        share, states, steps = message.share, message.states, message.steps
        self._note(Reached(share, states, steps, 0))
        self._settled[share] = message
        if len(self._settled) < self._count:
            return
        all_ = self._settled.values()
        faults = [ShareFault(*one.fault) for one in all_ if one.fault is not None]
        is_more = any(one.has_next for one in all_)
        self._settled.clear()
        if faults:
            self._end(End(min(faults)))
        elif not is_more:
            self._end(End())
        else:
            self._level += 1
            self._tell_all(Level(self._level))

    def _tell_all(self, message: Message) -> None:
        for one in self.shares.values():
            one.tell(message)

    @receive
    def failed(self, message: Failed) -> None:
        """End with the error of a share."""
        self._end(End(failed=message.why))

    @receive
    def terminated(self, message: Terminated) -> None:
        """End, as the states of a share are lost."""
        number = next(
            (one for one, ref in self.shares.items() if ref == message.ref), -1
        )
        what = f"share {number + 1} of {self._count}"
        self._end(End(lost=f"{what} is lost: {message.reason}"))

    def _note(self, reached: Reached) -> None:
        """Note counts, and end at a limit."""
        self._reached[reached.share] = reached
        all_ = self._reached.values()
        self.states = sum(one.states for one in all_)
        self.steps = sum(one.steps for one in all_)
        if self._tick is not None:
            left = sum(one.left for one in all_)
            self._tick(Progress("states", self.states, self.steps, left))
        limit = self._limit()
        if limit:
            self._end(End(limit=limit))

    def _limit(self) -> str:
        limits = self._limits
        if self.states >= limits.states:
            return f"{limits.states} states"
        if self.steps >= limits.steps:
            return f"{limits.steps} steps"
        if perf_counter() - self._began >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        return ""

    def _end(self, end: End) -> None:
        if not self.end.done():
            self.end.set_result(end)
