"""The promises of VfioCcw to its client, as a monitor of its answers.

| property | |
|---|---|
| EBUSY for a START while a START, HALT or CLEAR is open, or an event untaken | always |
| EBUSY for a START at no other time | always |
| a request is answered once, and not before it was made | always |
| no program is released while the subchannel may use it | always |
| each request is answered; nothing stays pinned | at rest |
"""

import errno
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from ccw_actors.actors.protocol import (
    CancelRequest,
    ClearRequest,
    Completed,
    Found,
    HaltRequest,
    IoEvent,
    IoRequest,
    LookRequest,
    Refused,
    ResumeRequest,
)
from ccw_actors.explore import Event, View, World
from ccw_actors.runtime import Message
from ccw_actors.scenarios._properties import hold_pins

__all__ = ["Request", "keeps_promises"]

Request: TypeAlias = (
    IoRequest | HaltRequest | ClearRequest | CancelRequest | ResumeRequest | LookRequest
)


class Broken(StrEnum):
    """What VfioCcw may not do."""

    NOTHING = ""
    ACCEPTED = "a START accepted while a request is open or an event untaken"
    REFUSED = "a START refused with EBUSY though nothing is open or untaken"
    TWICE = "an answer to a request that was not open"


class Promises(NamedTuple):
    """The requests to VfioCcw that have no answer yet.

    `start` is the number of the open START, 0 if none; `functions` are those of open
    HALTs and CLEARs, `others` those of all other open requests. `untaken` counts the
    events that end an operation and that no request has said to be taken.
    """

    start: int = 0
    functions: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    untaken: int = 0
    broken: Broken = Broken.NOTHING

    @property
    def is_busy(self) -> bool:
        """Whether a START has to be refused."""
        return bool(self.start or self.functions or self.untaken)

    def without(self, number: int) -> "Promises":
        """Return what is open after the answer to a request."""
        if number == self.start:
            return self._replace(start=0)
        if number in self.functions:
            left = tuple(n for n in self.functions if n != number)
            return self._replace(functions=left)
        if number in self.others:
            return self._replace(others=tuple(n for n in self.others if n != number))
        return self._replace(broken=Broken.TWICE)

    def cleared(self, number: int) -> "Promises":
        """Return what is open after the end of a CLEAR, which ends all before it."""
        start = self.start if self.start > number else 0
        functions = tuple(n for n in self.functions if n >= number)
        return self._replace(start=start, functions=functions).without(number)


class Requests(NamedTuple):
    """The requests of a client, and how their answers are followed."""

    clears: frozenset[int]
    cancels: frozenset[int]

    @classmethod
    def of(cls, requests: Sequence[Request]) -> "Requests":
        """Sort the requests that the client is going to make."""
        return cls(
            frozenset(r.number for r in requests if isinstance(r, ClearRequest)),
            frozenset(r.number for r in requests if isinstance(r, CancelRequest)),
        )

    def follow(self, known: Promises, event: Event) -> Promises:
        """Note a request to VfioCcw, or its answers."""
        if event.actor != "vfio-ccw":
            return known
        sent = [message for to, message in event.sent if to == "guest-subchannel"]
        message = event.message
        if isinstance(message, Request):
            known = known._replace(untaken=known.untaken - message.taken)
        if isinstance(message, IoRequest):
            return _asked_to_start(known, message.number, sent)
        known = _asked(known, message)
        for answer in sent:
            known = self._answered(known, answer)
        return known

    def _answered(self, known: Promises, message: Message) -> Promises:
        match message:
            case IoEvent(ends=ends) if ends:
                known = known._replace(untaken=known.untaken + 1)
                for one in ends:
                    is_clear = one in self.clears
                    known = known.cleared(one) if is_clear else known.without(one)
            case Refused(number) | Found(number):
                known = known.without(number)
            case Completed(number, cc):
                known = known.without(number)
                # A CANCEL with cc 0 has answered the START as well.
                if number in self.cancels and not cc:
                    known = known.without(known.start)
            case _:
                pass
        return known


def _asked_to_start(known: Promises, number: int, sent: Sequence[Message]) -> Promises:
    # Any other errno answers a START that was accepted.
    is_refused = Refused(number, errno.EBUSY) in sent
    if is_refused is not known.is_busy:
        broken = Broken.REFUSED if is_refused else Broken.ACCEPTED
        return known._replace(broken=broken)
    return known if is_refused else known._replace(start=number)


def _asked(known: Promises, message: object) -> Promises:
    match message:
        case HaltRequest(number) | ClearRequest(number):
            return known._replace(functions=(*known.functions, number))
        case CancelRequest(number) | ResumeRequest(number) | LookRequest(number):
            return known._replace(others=(*known.others, number))
        case _:
            return known


def _is_answered(view: View) -> bool:
    known = view.monitor
    return not (known.start or known.functions or known.others)


def _never(broken: Broken) -> Callable[[View], bool]:
    return lambda view: view.monitor.broken != broken


def keeps_promises(world: World, requests: Sequence[Request]) -> None:
    """Check that VfioCcw keeps the promises of its interface."""
    world.monitor(Promises(), Requests.of(requests).follow)
    for broken in Broken:
        if broken:
            world.system_invariant(f"never {broken}", _never(broken))
    hold_pins(world)
    world.final("each request is answered", _is_answered)
    world.final("nothing stays pinned", lambda view: not view["storage"].pins)
