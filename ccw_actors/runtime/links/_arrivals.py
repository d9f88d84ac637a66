"""What comes in over a link: each item does what it would have done in this System."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    CcwActorsError,
    MailboxFullError,
    StreamError,
)
from ccw_actors.runtime._kernel.back_pressure import Offer as Offering
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._kernel.pending_asks import Pending
from ccw_actors.runtime._provider import KernelProvider
from ccw_actors.runtime._values.address import (
    SEPARATOR,
    address_of,
    path_of,
    remote_address,
    why_no_path,
)
from ccw_actors.runtime._values.envelope import (
    STOP,
    STOP_NOW,
    UNBOUNDED,
    UNWATCH,
    WATCH,
    Envelope,
    Stamp,
)
from ccw_actors.runtime._values.notices import Failure, Terminated
from ccw_actors.runtime._values.provider import NOBODY, QUEUED
from ccw_actors.runtime.links._items import (
    Answer,
    Ask,
    Beat,
    Bye,
    Offer,
    Query,
    Result,
    Stop,
    Tell,
    Unwatch,
    Watch,
    decode_items,
)
from ccw_actors.runtime.links._outgoing import Outgoing
from ccw_actors.runtime.links._requests import Requests
from ccw_actors.runtime.links._watches import Watches
from ccw_actors.transport import DECODE_ERRORS, OBJECTS_MAX, Message, tag_of
from ccw_actors.transport.links import SMALL, check_objects

__all__ = ["Arrivals"]

_SENDERS_MAX: Final = 1024
"""Addresses of senders that are kept, so that each is checked once."""

_TERMINATED: Final = Terminated.__name__
_FAILURE: Final = Failure.__name__
_TOLD: Final = tuple[str, tuple[str, str, int], str]
"""A `Terminated` with its reference, as they travel."""


class Arrivals:
    """Takes the frames of one link, from the System `system` in a `session`.

    An ask of another System is here an ask of its own number, so that its answer, its
    deadline and the end of its actor are those of any other ask. `requests` and
    `watches` are what this System wants to know over this link. `bye` is called with
    the reason when the other end closes the link.
    """

    def __init__(
        self,
        kernel: Kernel,
        provider: KernelProvider,
        outgoing: Outgoing,
        *,
        system: str,
        session: int,
        requests: Requests,
        watches: Watches,
        bye: Callable[[str], None],
    ) -> None:
        self._kernel = kernel
        self._provider = provider
        self._outgoing = outgoing
        self._system = system
        self._requests = requests
        self._watches = watches
        self._prefix = remote_address(system, session, "")
        self._observers = kernel.observers
        self._senders: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._offers: dict[int, Offering] = {}
        self._do: dict[type, Callable[[Any], None]] = {
            Tell: self._tell,
            Ask: self._ask,
            Answer: self._answer,
            Offer: self._offer,
            Watch: self._watch,
            Unwatch: self._watch,
            Stop: self._stop,
            Query: self._query,
            Result: requests.result,
            Beat: _nothing,
            Bye: lambda item: bye(item.reason),
        }

    def take(self, frame: bytes) -> None:
        """Do what the items of a frame want. Raises `StreamError` for other bytes."""
        try:
            items = decode_items(frame)
        except DECODE_ERRORS as error:
            raise StreamError(f"expected a frame of items: {error}") from error
        for item in items:
            self._do[type(item)](item)
            if type(item) is Bye:
                return

    # -- messages -----------------------------------------------------------------

    def _tell(self, item: Tell) -> None:
        cell = self._kernel.cells.get(item.to)
        mailbox = cell.mailbox if cell is not None else None
        # The same as below for the frequent case, as `ActorRef.tell` has it.
        if (
            cell is not None
            and mailbox is not None
            and not item.notice
            and not self._observers.stamps
            and len(mailbox) < cell.bound
        ):
            sender = self._senders.get(item.sender)
            if sender is None:
                sender = self._sender(item.sender)
            payload = _checked(item.message)
            mailbox.append((payload, sender) if sender else payload)
            if not cell.status:
                cell.status = QUEUED
                cell.queue.enqueue(cell)
            return
        payload = _checked(item.message)
        kind = UNBOUNDED if item.notice else 0
        if item.notice and not self._is_wanted(item, payload):
            return
        envelope = Envelope(
            payload, self._sender(item.sender), 0, self._stamp(item, payload), kind
        )
        self._kernel.delivery.deliver_late(_local(item.to), envelope)

    def _is_wanted(self, item: Tell, payload: bytes) -> bool:
        """Whether an actor here takes a notice; one that nobody takes is no loss."""
        tag = tag_of(payload)
        if tag not in (_TERMINATED, _FAILURE):
            return True
        cell = self._kernel.cells.get(item.to)
        if tag == _TERMINATED:
            self._watches.told(item.to, _ended(payload))
            return cell is not None
        return cell is not None and Failure in cell.handlers

    def _ask(self, item: Ask) -> None:
        payload = _checked(item.message)
        asks, sender = self._kernel.asks, self._asker(item.sender)
        target = _local(item.to)
        pending = Pending(
            asks,
            next(asks.numbers),
            target,
            sender,
            _Named(tag_of(payload)),  # type: ignore[arg-type]
            _seconds(item.seconds),
            _as_it_is,
            partial(self._answered, item, tag_of(payload)),
            None,
        )
        stamp = self._stamp(item, payload)
        envelope = Envelope(payload, sender, pending.number, stamp)
        try:
            self._kernel.delivery.ask(pending, envelope)
        except MailboxFullError as error:
            failure = self._kernel.dead_letters.failure(
                target, envelope, _reason(error), type(error).__name__, full=True
            )
            self._reply(item, self._kernel.delivery.encode(failure))

    def _answered(
        self, item: Ask, tag: str, payload: bytes | None, error: Exception | None
    ) -> None:
        """Send the answer to an ask of the other System, or why there is none."""
        if isinstance(error, AskTimeoutError):
            return  # The asker has its own deadline.
        if error is not None:
            kind = type(error).__name__
            failure = Failure(path_of(item.to), tag, _reason(error), kind=kind)
            payload = self._kernel.delivery.encode(failure)
        assert payload is not None
        if why := self._outgoing.why_too_large(len(payload)):
            kind = MailboxFullError.__name__
            reason = f"the answer {tag_of(payload)} is too large: {why}"
            failure = Failure(path_of(item.to), tag, reason, full=True, kind=kind)
            payload = self._kernel.delivery.encode(failure)
        self._reply(item, payload)

    def _reply(self, item: Ask, payload: bytes) -> None:
        handled = self._kernel.running_here().envelope
        stamp = handled.stamp if handled is not None else None
        cause = stamp.number if stamp is not None else 0
        trace = self._kernel.observers.trace()
        answer = Answer(item.number, item.to, msgspec.Raw(payload), cause, trace)
        self._outgoing.send(answer)

    def _answer(self, item: Answer) -> None:
        payload = _checked(item.message)
        sender, stamp = self._sender(item.sender), self._stamp(item, payload)
        envelope = Envelope(payload, sender, 0, stamp, UNBOUNDED)
        pending = self._kernel.asks.pending.get(item.number)
        asker = "" if pending is None else pending.asker
        self._kernel.answers.settle(item.number, asker, envelope)

    def _offer(self, item: Offer) -> None:
        payload = _checked(item.message)
        target, sender = _local(item.to), self._sender(item.sender)
        kernel = self._kernel
        envelope = Envelope(payload, sender, 0, self._stamp(item, payload))
        deliver = partial(kernel.delivery.deliver, target, envelope)
        offer = kernel.offers.make(
            target, "", tag_of(payload), deliver, settle=partial(self._offered, item)
        )
        self._offers[item.number] = offer
        if kernel.pressure.lacks_room(target):
            kernel.offers.add(offer, _seconds(item.seconds))
        else:
            offer.enter()

    def _offered(self, item: Offer, error: Exception | None) -> None:
        self._offers.pop(item.number, None)
        self._outgoing.send(_result(item.number, error))

    # -- the rest -------------------------------------------------------------------

    def _watch(self, item: Watch | Unwatch) -> None:
        kind = WATCH if isinstance(item, Watch) else UNWATCH
        watcher = self._prefix + _local(item.watcher)
        envelope = Envelope(b"", watcher, 0, None, kind)
        self._kernel.delivery.deliver_late(_local(item.target), envelope)

    def _stop(self, item: Stop) -> None:
        target, sender = _local(item.target), self._sender(item.sender)
        delivery = self._kernel.delivery
        if item.drain:
            delivery.deliver_late(target, Envelope(b"", sender, 0, None, STOP))
        else:
            delivery.signal(target, Envelope(b"", sender, 0, None, STOP_NOW))

    def _query(self, item: Query) -> None:
        subject = _local(item.subject)
        seconds = _seconds(item.seconds)
        match item.what:
            case "find":
                address = self._kernel.registry.address_at(subject)
                self._outgoing.send(Result(item.number, address))
            case "started":
                started = partial(self._provider.started, known=NOBODY)
                self._begin(item, partial(started, subject, timeout=seconds))
            case "stopped":
                self._begin(item, partial(self._provider.stopped, subject, seconds))
            case what:
                self._outgoing.send(Result(item.number, f"no query {what!r}", "Query"))

    def _begin(self, item: Query, wait: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(self._wait(item, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait(self, item: Query, wait: Callable[[], Awaitable[None]]) -> None:
        error: Exception | None = None
        try:
            await wait()
        except Exception as raised:  # noqa: BLE001 - for the other System
            error = raised
        self._outgoing.send(_result(item.number, error))

    def end(self) -> None:
        """Forget what the other System wanted to know; its actors are out of reach."""
        for task in self._tasks:
            task.cancel()
        for offer in self._offers.values():
            offer.leave()
        asks = self._kernel.asks
        for pending in list(asks.pending.values()):
            if pending.asker.startswith(self._prefix):
                asks.forget(pending.number)
        for cell in list(self._kernel.cells.values()):
            watchers = cell.watchers
            for one in [one for one in watchers or () if one.startswith(self._prefix)]:
                assert watchers is not None
                del watchers[one]

    def _sender(self, address: str) -> str:
        """Return the address here of a sender; "" for the outside, as of any System."""
        found = self._prefix + _local(address) if address else ""
        if len(self._senders) >= _SENDERS_MAX:
            self._senders.clear()
        self._senders[address] = found
        return found

    def _asker(self, address: str) -> str:
        """Return that of one who asks: the answer goes over the link in any case."""
        return self._sender(address) or self._prefix

    def _stamp(self, item: Tell | Ask | Answer | Offer, payload: bytes) -> Stamp | None:
        observers = self._kernel.observers
        if not observers.stamps:
            return None
        to = "" if isinstance(item, Answer) else item.to
        kind = self._type_of(to, tag_of(payload))
        return observers.received(kind, item.cause, self._system, item.trace)

    def _type_of(self, to: str, tag: str) -> type[Message]:
        """Return the type of a message, as its recipient knows it."""
        cell = self._kernel.cells.get(to)
        handled = () if cell is None else cell.handlers
        for kind in handled:
            if kind.__name__ == tag:
                return kind
        return _by_name(Message, tag) or Message


class _Named:
    """Stands for the type of a request that only the other System may know."""

    def __init__(self, name: str) -> None:
        self.__name__ = name


def _by_name(kind: type[Message], name: str) -> type[Message] | None:
    for one in kind.__subclasses__():
        if one.__name__ == name:
            return one
        below = _by_name(one, name)
        if below is not None:
            return below
    return None


def _checked(message: msgspec.Raw) -> bytes:
    """Return the bytes of a message, which may not have too many values."""
    payload = bytes(message)
    if len(payload) > SMALL:
        try:
            check_objects(payload, OBJECTS_MAX)
        except ValueError as error:
            raise StreamError(f"{tag_of(payload)}: {error}") from error
    return payload


def _local(address: str) -> str:
    """Return an address of this System, or of its peer. Raises `StreamError`."""
    path, separator, number = address.partition(SEPARATOR)
    good = number.isascii() and number.isdigit() and not number.startswith("0")
    if why_no_path(path) or (separator and not good):
        raise StreamError(f"expected the address of an actor, got {address[:80]!r}")
    return address


def _seconds(seconds: float) -> float:
    """Return how long the other end waits. Raises `StreamError` for no such time."""
    if not seconds >= 0:
        raise StreamError(f"expected seconds, got {seconds}")
    return seconds


def _ended(payload: bytes) -> str:
    """Return the address, in the other System, of the actor that has ended."""
    try:
        _, (_, path, incarnation), _ = msgspec.msgpack.decode(payload, type=_TOLD)
    except DECODE_ERRORS as error:
        raise StreamError(f"expected a Terminated: {error}") from error
    return address_of(path, incarnation)


def _as_it_is(payload: bytes) -> bytes:
    return payload


def _nothing(_item: object) -> None:
    """Do nothing."""


def _reason(error: Exception) -> str:
    """Return the reason in an error's text, whose beginning names actor and message."""
    if isinstance(error, ActorFailedError):
        return error.reason
    text = str(error)
    named = isinstance(error, ActorStoppedError | MailboxFullError)
    return text.partition(": ")[2] or text if named else text


def _result(number: int, error: Exception | None) -> Result:
    if error is None:
        return Result(number)
    kind = type(error).__name__ if isinstance(error, CcwActorsError) else "Error"
    return Result(number, str(error), kind)
