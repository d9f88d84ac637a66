"""One link: a session between this System and another."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from ccw_actors.errors import LinkLostError, MailboxFullError, StreamError
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._provider import KernelProvider
from ccw_actors.runtime._references import References
from ccw_actors.runtime._values.address import remote_address, shown
from ccw_actors.runtime._values.envelope import SIGNAL, UNWATCH, WATCH, Envelope
from ccw_actors.runtime._values.provider import Target
from ccw_actors.runtime._values.reference import ActorRef
from ccw_actors.runtime.links._arrivals import Arrivals
from ccw_actors.runtime.links._items import Beat, Bye, encode
from ccw_actors.runtime.links._options import LinkOptions
from ccw_actors.runtime.links._outgoing import Outgoing
from ccw_actors.runtime.links._requests import Requests
from ccw_actors.runtime.links._watches import Watches
from ccw_actors.transport import tag_of
from ccw_actors.transport.links import FrameStream

__all__ = ["Link"]

log = logging.getLogger("ccw_actors")

_SILENT_BEATS: Final = 3


class Link:
    """A link to the System named `system`, from the greeting to its end.

    `session` numbers the links to that System. `reason` says why the link has ended, ""
    while it is up.

    | state | event | next | what happens |
    |---|---|---|---|
    | up | the other end closes it, or the connection breaks | ended | see below |
    | up | bytes that are no frame of items | ended | the other end is told why |
    | up | nothing comes for three heartbeats | ended | |
    | up | `close` | ended | what waits is sent first |

    At its end asks fail, watchers are told, and unsent messages are dead letters.
    """

    def __init__(
        self,
        stream: FrameStream,
        options: LinkOptions,
        *,
        system: str,
        session: int,
        kernel: Kernel,
        references: References,
        provider: KernelProvider,
        ended: Callable[["Link"], None],
    ) -> None:
        self.system = system
        self.session = session
        self.reason = ""
        self._stream = stream
        self._options = options
        self._kernel = kernel
        self._references = references
        self._ended = ended
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._prefix = remote_address(system, session, "")
        self._outgoing = Outgoing(
            stream,
            options,
            seconds_of=self._seconds_of,
            no_room=self._no_room,
            failed=self._broken,
        )
        self._watches = Watches(kernel)
        self._requests = Requests(self._outgoing)
        self._arrivals = Arrivals(
            kernel,
            provider,
            self._outgoing,
            system=system,
            session=session,
            requests=self._requests,
            watches=self._watches,
            bye=self.lose,
        )
        self._has_come = True
        self._reading = asyncio.ensure_future(self._read())
        self._beating = asyncio.ensure_future(self._beat())

    @property
    def is_up(self) -> bool:
        """Whether messages still travel over it."""
        return not self.reason

    async def ref(self, path: str, *, timeout: float | None = None) -> ActorRef[Any]:
        """Return a reference to the actor that is at a path there now, or to the next.

        `timeout` is that of an ask. Raises `LinkLostError`, and `AskTimeoutError`.
        """
        wait = self._kernel.ask_timeout if timeout is None else timeout
        self._check_up(path)
        address = await self._requests.find(path, wait)
        return self._references.of_address(self._prefix + address)

    async def ended(self) -> str:
        """Wait until the link has ended, and return the reason."""
        return await asyncio.shield(self._end)

    async def close(self, reason: str = "it was closed") -> None:
        """Send what has been sent so far, and end the link."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._options.timeout):
                await self._outgoing.drained()
        if not self.is_up:
            return
        self._say(reason)
        self._finish(reason)
        await asyncio.wait((self._reading,))
        await self._stream.close()

    # -- what the System sends ----------------------------------------------------

    def deliver(self, to: str, address: str, envelope: Envelope) -> None:
        """Send an envelope to an address there, which is the remote `address` here.

        Raises `MailboxFullError`.
        """
        if envelope.kind == WATCH:
            self._watches.begin(envelope.sender, address)
        elif envelope.kind == UNWATCH:
            self._watches.stop(envelope.sender, address)
        self._outgoing.put(to, envelope)

    def _no_room(self, to: str, envelope: Envelope, reason: str) -> None:
        """Refuse a message as a full mailbox does. Raises `MailboxFullError`."""
        kernel, address = self._kernel, self._prefix + to
        if not to:  # An answer: the asker gets the reason in its place.
            failure = kernel.dead_letters.failure(
                envelope.sender, envelope, reason, MailboxFullError.__name__, full=True
            )
            payload = kernel.delivery.encode(failure)
            self._outgoing.put("", msgspec.structs.replace(envelope, payload=payload))
            return
        kernel.pressure.refused += 1
        if envelope.ask or not envelope.sender:
            tag = tag_of(envelope.payload)
            raise MailboxFullError(f"{tag} to {shown(address)}: {reason}")
        kernel.dead_letters.add(address, envelope, reason, full=True)

    def target(self, to: str) -> Target:
        """Return where references put messages for an address there."""
        return self._outgoing.target(to)

    async def offer(self, to: str, envelope: Envelope, timeout: float) -> None:
        """Wait until a message is in a mailbox there."""
        await self._requests.offer(to, envelope, timeout)

    async def started(self, to: str, timeout: float) -> None:
        """Wait until an actor there has started."""
        await self._requests.started(to, timeout)

    async def stopped(self, to: str, timeout: float) -> None:
        """Wait until an actor there has ended."""
        await self._requests.stopped(to, timeout)

    def lost_error(self, what: str) -> LinkLostError:
        """Return the error for what can no longer come over the link."""
        return LinkLostError(
            f"{what}: the link to {self.system} has ended: {self.reason}"
        )

    def _check_up(self, path: str) -> None:
        if not self.is_up:
            raise self.lost_error(f"{path} of {self.system}")

    # -- life -----------------------------------------------------------------------

    async def _read(self) -> None:
        """Take frames until the connection ends."""
        try:
            while frame := await self._stream.receive():
                self._has_come = True
                self._arrivals.take(frame)
                if not self.is_up:
                    return
        except StreamError as error:
            self._say(str(error))
            self._broken(error)
        except OSError as error:
            self._broken(error)
        else:
            self.lose("the other end closed the connection")

    async def _beat(self) -> None:
        """Say that this end is there, and lose a link on which nothing comes.

        A loop that was blocked for long finds out here only once that nothing has come,
        and then reads what has.
        """
        silent = 0
        while True:
            await asyncio.sleep(self._options.heartbeat)
            silent = 0 if self._has_come else silent + 1
            self._has_come = False
            if silent >= _SILENT_BEATS:
                seconds = _SILENT_BEATS * self._options.heartbeat
                self.lose(f"nothing came for {seconds:g} s")
                return
            self._outgoing.send(Beat())

    def _broken(self, error: Exception) -> None:
        text = getattr(error, "strerror", None) or str(error)
        self.lose(text or "the connection broke")

    def _say(self, reason: str) -> None:
        """Tell the other end why this one ends the link."""
        self._stream.send(encode([Bye(reason)]))

    def lose(self, reason: str) -> None:
        """End the link at once: nothing more goes out, and nothing more comes."""
        if self.is_up:
            self._finish(reason)
            self._stream.abort()

    def _finish(self, reason: str) -> None:
        self.reason = reason
        log.info("the link to %s has ended: %s", self.system, reason)
        current = asyncio.current_task()
        for task in (self._reading, self._beating):
            if task is not current:
                task.cancel()
        self._outgoing.end(self._unsent)
        self._arrivals.end()
        self._fail_asks()
        self._requests.lost(self.lost_error("a request"))
        self._watches.lost(f"the link to {self.system} has ended: {reason}")
        self._end.set_result(reason)
        self._ended(self)

    def _unsent(self, to: str, envelope: Envelope) -> None:
        reason = f"the link to {self.system} has ended: {self.reason}"
        # Asks fail, answers have no asker any longer, and `Watches` tells the watchers.
        if not envelope.ask and to and envelope.kind < SIGNAL:
            self._kernel.dead_letters.add(self._prefix + to, envelope, reason)

    def _fail_asks(self) -> None:
        asks = self._kernel.asks
        for pending in list(asks.pending.values()):
            if pending.target.startswith(self._prefix):
                asks.fail(
                    pending.number,
                    self.lost_error(
                        f"{shown(pending.target)} was asked {pending.what.__name__}"
                    ),
                )

    def _seconds_of(self, ask: int) -> float:
        asks = self._kernel.asks
        pending = asks.pending.get(ask)
        return 0.0 if pending is None else max(0.0, pending.deadline - asks.clock())
