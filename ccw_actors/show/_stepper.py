"""Takes steps of a scenario in a System of its own, whose dispatcher it steps.

A step has the name that the explorer gives it. Here the actors themselves take it, so
what a step handles and changes can be looked at.
"""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

from ccw_actors.errors import ActorFailedError, CcwActorsError
from ccw_actors.explore import Step, World
from ccw_actors.runtime import Actor, Message
from ccw_actors.runtime.stepping import (
    CHILD_ENDED,
    ESCALATED,
    EXPIRY,
    RESTART,
    SLEEP,
    STOP,
    STOP_NOW,
    UNWATCH,
    WATCH,
    Choice,
    Envelope,
    Snapshot,
    path_of,
)
from ccw_actors.show._picture import EventKind
from ccw_actors.transport import DECODE_ERRORS, tag_of

__all__ = ["RecordingError", "Stepper", "Taken"]

_LOG: Final = logging.getLogger("ccw_actors")
_SIGNALS: Final[Mapping[int, str]] = {
    EXPIRY: "its ask expires",
    SLEEP: "its sleep ends",
    STOP: "is to stop, after its messages",
    WATCH: "is watched",
    UNWATCH: "is no longer watched",
    STOP_NOW: "is to stop",
    RESTART: "restarts",
    CHILD_ENDED: "its child has ended",
    ESCALATED: "its child has failed",
}
"""The signals in words, by the kind of envelope."""


class RecordingError(CcwActorsError):
    """A step cannot be taken, or is not what it says; the text says where."""


class Taken(NamedTuple):
    """A step that was taken: its message (None for a signal), and why it failed."""

    kind: EventKind
    message: Message | None
    failure: str = ""


class Stepper:
    """The System of a world, which takes one step after the other.

    What the scenario has injected, or told actors directly, is outside until a step
    takes it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._dispatcher = world.dispatcher
        self._outside: dict[tuple[str, str], deque[Envelope]] = {}
        whole = self._dispatcher.snapshot()
        self._paths = [one.cell.path for one in whole.cells]
        for one in whole.cells:
            for envelope in one.mailbox:
                if not envelope.sender:
                    self._put_outside(one.address, envelope)
        for address, source, payload in world.injected:
            self._put_outside(address, Envelope(payload, source, 0, None))
        bare = tuple(
            one._replace(mailbox=tuple(e for e in one.mailbox if e.sender))
            for one in whole.cells
        )
        self._dispatcher.restore(whole._replace(cells=bare))
        self._note_outside()

    @property
    def paths(self) -> list[str]:
        """The paths of the actors that exist at first."""
        return self._paths

    def snapshot(self) -> Snapshot:
        """Return the System between two steps."""
        return self._dispatcher.snapshot()

    @property
    def outside(self) -> list[tuple[str, str, bytes]]:
        """What is outside: the address, the source and the payload of each message."""
        return [
            (address, source, envelope.payload)
            for (address, source), waiting in self._outside.items()
            for envelope in waiting
        ]

    @contextmanager
    def aside(self) -> Generator[None]:
        """Take back whatever steps are taken while this lasts."""
        whole = self._dispatcher.snapshot()
        outside = {key: deque(waiting) for key, waiting in self._outside.items()}
        try:
            yield
        finally:
            self._outside = outside
            self._note_outside()
            self._dispatcher.restore(whole)

    # -- one step -----------------------------------------------------------------

    def named(self, name: str) -> Step:
        """Return the step with a name, in words.

        Raises:
            RecordingError: No such step is possible.
        """
        found = next((one for one in self._possible() if one.name == name), None)
        if found is None:
            raise RecordingError("no such step is possible")
        if found.crash and not found.message:
            return found
        path = path_of(found.actor)
        envelope = self._envelope(found)
        return found._replace(message=self._words(path, envelope))

    def take(self, step: Step) -> Taken:
        """Take a step.

        Raises:
            RecordingError: It is not possible, or its message is another one.
        """
        path = path_of(step.actor)
        if _is_between(step):
            self._crash(path)
            return Taken("crash", None)
        if self._is_from_outside(step):
            waiting = self._outside.get((step.actor, step.sender))
            if not waiting:
                raise RecordingError("no such message is outside")
            envelope = waiting.popleft()
            self._note_outside()
            self._dispatcher.deliver(step.actor, envelope)
            if step.arrives:
                return Taken("arrival", self.message(path, envelope))
        return self._handle(path, step)

    def _handle(self, path: str, step: Step) -> Taken:
        sender = path if step.timer else step.sender
        choice = Choice(path, sender, step.timer, step.crash)
        message = self.message(path, self._dispatcher.peek(choice))
        if message is not None and repr(message) != step.message:
            raise RecordingError(f"here it is {message!r}")
        failure = ""
        with _silent():
            try:
                self._dispatcher.step(choice)
            except ActorFailedError as error:
                failure = str(error)
        kind: EventKind = (
            "crash" if step.crash else "timer" if step.timer else "message"
        )
        return Taken(kind, message, failure)

    def _crash(self, path: str) -> None:
        """Let an actor crash; it restarts at once if it has no other step, as there."""
        dispatcher = self._dispatcher
        actor = self._actor(path)
        with _silent():
            with suppress(ActorFailedError):
                dispatcher.crash(path)
            if type(actor).on_failure is not Actor.on_failure:
                return
            next_ = [one for one in dispatcher.enabled() if one.recipient == path]
            is_one = len(next_) == 1 and not next_[0].timer
            if is_one and dispatcher.peek(next_[0]).kind == RESTART:
                dispatcher.step(next_[0])

    # -- what is possible ---------------------------------------------------------

    def _possible(self) -> Iterator[Step]:
        """Yield all steps that could have a name, with an empty text."""
        for address, source in [key for key, queue in self._outside.items() if queue]:
            for crash in (False, True):
                yield Step(address, source, "?", crash=crash)
            yield Step(address, source, "?", arrives=True)
        addresses = {
            one.cell.path: one.address for one in self._dispatcher.snapshot().cells
        }
        for path, sender, timer, _ in self._dispatcher.enabled():
            for crash in (False, True):
                source = "" if timer else sender
                yield Step(addresses[path], source, "?", timer, crash)
        for address in addresses.values():
            yield Step(address, "", "", crash=True)

    def _envelope(self, step: Step) -> Envelope:
        """Return the envelope that a step would take."""
        if self._is_from_outside(step):
            return self._outside[step.actor, step.sender][0]
        path = path_of(step.actor)
        sender = path if step.timer else step.sender
        return self._dispatcher.peek(Choice(path, sender, step.timer, step.crash))

    def _is_from_outside(self, step: Step) -> bool:
        """Whether a step takes its message from outside.

        It takes one that waits at its actor if there is one: of a sender whose messages
        arrive in steps of their own, several can wait at both places.
        """
        if step.arrives:
            return True
        if step.timer or not self._outside.get((step.actor, step.sender)):
            return False
        here = Choice(path_of(step.actor), step.sender)
        return here not in self._dispatcher.enabled()

    def _words(self, path: str, envelope: Envelope) -> str:
        """Return a message in words; for a signal, what happens."""
        signal = _SIGNALS.get(envelope.kind)
        if signal is not None:
            return signal
        message = self.message(path, envelope)
        return "continues" if message is None else repr(message)

    # -- messages -----------------------------------------------------------------

    def message(self, path: str, envelope: Envelope) -> Message | None:
        """Return the message of an envelope for the actor at a path, None for none."""
        tag = tag_of(envelope.payload) if envelope.payload else ""
        if not tag:
            return None
        for decode in self._decoders(path, tag):
            try:
                return decode(envelope.payload)
            except DECODE_ERRORS:
                continue
        return None

    def _decoders(self, path: str, tag: str) -> Iterator[Callable[[bytes], Message]]:
        """Yield decoders for a message: the actor's own, and those of its type's name.

        A handler may wait for an answer for which its actor has no handler.
        """
        for one in self._dispatcher.snapshot().cells:
            if one.cell.path == path:
                yield one.cell.decode
        kinds: list[type[Message]] = [Message]
        while kinds:
            kind = kinds.pop()
            kinds += kind.__subclasses__()
            if kind.__name__ == tag:
                yield self.world.system.codec.raw_decoder(kind)

    def _actor(self, path: str) -> Actor[Any]:
        cells = self._dispatcher.snapshot().cells
        return next(one.actor for one in cells if one.cell.path == path)

    def _put_outside(self, address: str, envelope: Envelope) -> None:
        self._outside.setdefault((address, envelope.sender), deque()).append(envelope)

    def _note_outside(self) -> None:
        """Tell the System what is on the way: what it names counts as named."""
        self._dispatcher.on_the_way(
            envelope for waiting in self._outside.values() for envelope in waiting
        )


def _is_between(step: Step) -> bool:
    """Whether a step is a crash between two messages."""
    return step.crash and not step.message


@contextmanager
def _silent() -> Generator[None]:
    """Report no failure: it is a step of the scenario."""
    before = _LOG.disabled
    _LOG.disabled = True
    try:
        yield
    finally:
        _LOG.disabled = before
