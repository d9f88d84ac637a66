"""Plays for actors, and a check that an observed schedule is an allowed one.

A play is data: an actor that is sent one tells or asks other actors parts of it. The
order in which its messages were handled on the event loop, or across threads, is then
played again by the stepping dispatcher, which permits exactly what is promised.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from hypothesis import strategies as st

from ccw_actors.errors import AskCycleError
from ccw_actors.runtime import (
    Actor,
    Choice,
    Delivery,
    Handled,
    Message,
    Request,
    SteppingDispatcher,
    System,
    receive,
)

How = Literal["tell", "ask", "after"]


class Act(msgspec.Struct, frozen=True, array_like=True):
    """One action: tell or ask `to` a play, or send it to oneself with a timer."""

    how: How
    to: str
    play: "Play"


class Played(Message, frozen=True):
    """The answer to a play, by its name."""

    name: str


class Play(Request[Played], frozen=True):
    """Makes its recipient act."""

    name: str
    acts: tuple[Act, ...] = ()


class Player(Actor[Play | Played]):
    """Acts; keeps the plays and answers that it received, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @receive
    async def play(self, message: Play) -> Played:
        """Do all actions of the play, one after the other."""
        self.log.append(message.name)
        for act in message.acts:
            ref = self.system.ref(act.to)
            if act.how == "tell":
                ref.tell(act.play)
            elif act.how == "after":
                self.after(0.0, act.play)
            else:
                try:
                    answer: Played = await ref.ask(act.play)
                    self.log.append(f"answered {answer.name}")
                except AskCycleError:
                    self.log.append(f"refused {act.play.name}")
        return Played(message.name)

    @receive
    def played(self, message: Played) -> None:
        """Keep the answer to a told play."""
        self.log.append(f"played {message.name}")


class Extra(Actor[Play | Played]):
    """A player that does not wait, so that it may run in a thread."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @receive
    def play(self, message: Play) -> Played:
        """Tell all parts of the play."""
        self.log.append(message.name)
        for act in message.acts:
            self.system.ref(act.to).tell(act.play)
        return Played(message.name)

    @receive
    def played(self, message: Played) -> None:
        """Keep the answer to a told play."""
        self.log.append(f"played {message.name}")


Troupe = Mapping[str, type[Player | Extra]]


def plays(paths: Iterable[str]) -> st.SearchStrategy[tuple[tuple[str, Play], ...]]:
    """Return a strategy for the messages from outside; every play has a name."""
    anybody = st.sampled_from(tuple(paths))
    hows = st.sampled_from(("tell", "tell", "ask", "ask", "after"))
    nobody = st.just(())
    acts = st.recursive(
        nobody,
        lambda deeper: st.lists(st.tuples(hows, anybody, deeper), max_size=3).map(
            tuple
        ),
        max_leaves=12,
    )
    kicks = st.lists(st.tuples(anybody, acts), min_size=1, max_size=4)
    return kicks.map(
        lambda found: tuple(
            (path, _named(f"{number}", path, raw))
            for number, (path, raw) in enumerate(found)
        )
    )


def _named(name: str, path: str, raw: tuple[tuple[How, str, object], ...]) -> Play:
    acts: list[Act] = []
    for number, (how, to, deeper) in enumerate(raw):
        recipient = path if how == "after" else to
        play = _named(f"{name}.{number}", recipient, deeper)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        acts.append(Act(how, recipient, play))
    return Play(name, tuple(acts))


def is_over(kicks: Iterable[tuple[str, Play]], logs: Iterable[list[str]]) -> bool:
    """Whether every play, except those from outside, has its answer."""
    lines = {line for log in logs for line in log}
    return all(_is_over(play, lines) for _, play in kicks)


def _is_over(play: Play, lines: set[str]) -> bool:
    return all(
        f"refused {part.name}" in lines
        or (not lines.isdisjoint(_answers_to(part)) and _is_over(part, lines))
        for part in (act.play for act in play.acts)
    )


def _answers_to(play: Play) -> set[str]:
    return {f"played {play.name}", f"answered {play.name}"}


def replayed(
    delivery: Delivery,
    troupe: Troupe,
    kicks: Iterable[tuple[str, Play]],
    events: Iterable[Handled],
) -> dict[str, list[str]]:
    """Handle the messages in the observed order; return the logs of the actors.

    Fails if the stepping dispatcher does not allow one of them at its step.
    """
    dispatcher = SteppingDispatcher(delivery)
    system = System(dispatcher)
    actors = {path: kind() for path, kind in troupe.items()}
    for path, actor in actors.items():
        system.spawn(actor, path)
    for path, play in kicks:
        system.ref(path).tell(play)
    for event in events:
        if event.recipient:
            dispatcher.step(_choice(dispatcher, event))
    assert dispatcher.enabled() == [], "more could happen than was observed"
    return {path: actor.log for path, actor in actors.items()}


def _choice(dispatcher: SteppingDispatcher, event: Handled) -> Choice:
    enabled = dispatcher.enabled()
    for choice in enabled:
        of_event = choice[:2] == (event.recipient, event.sender)
        if of_event and dispatcher.peek(choice).payload == event.payload:
            return choice
    offers = [(*choice, dispatcher.peek(choice).payload) for choice in enabled]
    raise AssertionError(f"{event} is not allowed now, but only {offers}")
