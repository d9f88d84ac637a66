"""The actors that the explorer's tests are played with: they do what a table says."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from ccw_actors.explore import Scenario, View, World
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Message,
    Request,
    Restart,
    receive,
)

__all__ = ["Act", "Clerk", "Hop", "Table", "Waiter", "note_ends", "troupe"]


def note_ends(world: World, found: set[Any], what: Callable[[View], object]) -> None:
    """Have what there is in each end of a scenario put into a set."""

    def note(view: View) -> bool:
        found.add(what(view))
        return True

    world.final("noted", note)


class Hop(Message, frozen=True):
    """A letter, which may cause others as long as `left` is above 0."""

    letter: int
    left: int


class Act(NamedTuple):
    """What to do on a letter: the next mood, and more.

    `sends` are pairs of an actor's number and a letter. `arms` is the letter of a timer
    to be set, -1 for none; `cancels` the timer set last. `fate` is "stop", "raise",
    "spawn" or nothing. `asks` is the number of an actor whose mood a `Waiter` asks for,
    and takes for its own; of those there can be more than one in a row.
    """

    mood: int = 0
    sends: tuple[tuple[int, int], ...] = ()
    arms: int = -1
    cancels: bool = False
    stashes: bool = False
    unstashes: bool = False
    fate: str = ""
    asks: tuple[int, ...] = ()


Table = Mapping[tuple[int, int], Act]
"""What to do in a mood on a letter; nothing if it is not there."""


class Mood(Message, frozen=True):
    """The mood that an actor is in."""

    mood: int


class AskMood(Request[Mood], frozen=True):
    """Asks for the mood."""


class ClerkState(msgspec.Struct):
    """What a clerk remembers."""

    mood: int = 0
    timer: int = 0
    stashed: int = 0


class Clerk(Actor):
    """Does what its table says."""

    state: ClerkState

    def __init__(self, table: Table, paths: tuple[str, ...]) -> None:
        self.state = ClerkState()
        self._table = table
        self._paths = paths

    @receive
    def hop(self, message: Hop) -> None:
        """Look it up."""
        state = self.state
        act = self._table.get((state.mood, message.letter))
        if act is None:
            return
        if act.stashes and state.stashed < 1:
            state.stashed += 1
            state.mood = act.mood
            self.stash()
            return
        state.mood = act.mood
        if act.unstashes:
            self.unstash()
        if act.cancels and state.timer:
            self.cancel(state.timer)
            state.timer = 0
        if message.left <= 0:
            return
        self._meet(act.fate, message)
        if act.arms >= 0:
            state.timer = self.after(1.0, Hop(act.arms, message.left - 1))
        for to, letter in act.sends:
            ref: ActorRef[Hop] = self.system.ref(self._paths[to % len(self._paths)])
            ref.tell(Hop(letter, message.left - 1))

    @receive
    def ask_mood(self, _message: AskMood) -> Mood:
        """Answer."""
        return Mood(self.state.mood)

    def _meet(self, fate: str, message: Hop) -> None:
        if fate == "raise":
            raise ValueError(f"letter {message.letter}")
        if fate == "stop":
            self.stop()
        elif fate == "spawn" and not self.children:
            child = self.spawn(Clerk(self._table, self._paths), "child")
            child.tell(Hop(message.letter, message.left - 1))


class Waiter(Clerk):
    """Does the same, and waits for answers in the middle of it."""

    @receive
    async def hop(self, message: Hop) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Look it up, and ask for the moods of others."""
        act = self._table.get((self.state.mood, message.letter))
        super().hop(message)
        state = self.state
        for number in act.asks if act is not None else ():
            path = self._paths[number % len(self._paths)]
            ref: ActorRef[AskMood] = self.system.ref(path)
            state.mood = (await ref.ask(AskMood())).mood
            await self.sleep(1.0)


def troupe(  # noqa: PLR0917 - hypothesis gives them in this order
    tables: list[Table],
    letters: list[tuple[int, int, int]],
    left: int,
    bound: int = 0,
    crashes: int = 0,
    kind: type[Clerk] = Clerk,
) -> Scenario:
    """Return a scenario: clerks, and letters for them (to whom, which, from where).

    With a `bound` their mailboxes have it, and drop what is more. The first two may
    crash, `crashes` times together.
    """
    mailbox = Mailbox(bound, "drop newest") if bound else None

    def scenario(world: World) -> None:
        paths = tuple("abcdefgh"[: len(tables)])
        refs = [
            world.spawn(
                kind(table, paths),
                path,
                supervision=Restart(limit=2),
                mailbox=mailbox,
            )
            for table, path in zip(tables, paths, strict=True)
        ]
        for path in (*paths, *(f"{path}/child" for path in paths)):
            world.may_fail(world.system.ref(path))
        if crashes:
            world.may_crash(*refs[:2], budget=crashes)
        for to, letter, source in letters:
            ref = refs[to % len(refs)]
            world.inject(ref, Hop(letter, left), source=f"source{source}")

    return scenario
