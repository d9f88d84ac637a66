"""All links of one System."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from ccw_actors.errors import LinkError, LinkLostError, LinkRefusedError
from ccw_actors.runtime._kernel.kernel import Kernel
from ccw_actors.runtime._provider import KernelProvider
from ccw_actors.runtime._references import References
from ccw_actors.runtime._values.address import SEPARATOR, shown
from ccw_actors.runtime._values.envelope import SIGNAL, WATCH, Envelope
from ccw_actors.runtime._values.provider import NOBODY, Target
from ccw_actors.runtime.links._greeting import Ours, greet, refuse
from ccw_actors.runtime.links._items import Bye, encode
from ccw_actors.runtime.links._link import Link
from ccw_actors.runtime.links._options import FRAME_SIZE_MAX, LinkOptions
from ccw_actors.transport import tag_of
from ccw_actors.transport.links import (
    FrameServer,
    FrameStream,
    connect_stream,
    parse_address,
    serve_streams,
)

__all__ = ["Links", "Listener"]

log = logging.getLogger("ccw_actors")

_REASONS_KEPT: Final = 100
"""Links to one System whose ends are known by their reasons."""

_ENDED: Final = "the System shut down"


class Listener:
    """Accepts links at an address, until it is closed; links go on after that.

    `address` says where: with the port that the host gave, if that was 0.
    """

    def __init__(self, server: FrameServer) -> None:
        self._server = server
        self.address = str(server.address)

    async def close(self) -> None:
        """Accept no more links."""
        await self._server.close()


class Links:
    """Makes the links of a System, and sends to the actors of linked ones."""

    def __init__(
        self, kernel: Kernel, references: References, provider: KernelProvider
    ) -> None:
        self._kernel = kernel
        self._references = references
        self._provider = provider
        self._listeners: list[Listener] = []
        self._up: dict[str, Link] = {}
        self._sessions: dict[tuple[str, int], str] = {}
        self._accepted = 0
        self._is_closed = False
        self._ours = Ours(
            provider.name, references.unknown_fields == "accept", self._is_linked
        )

    @property
    def up(self) -> tuple[Link, ...]:
        """The links that are up now, the oldest first."""
        return tuple(self._up.values())

    async def connect(self, text: str, options: LinkOptions) -> Link:
        """Connect; see `System.connect`."""
        if self._is_closed:
            raise LinkError(f"{text}: {_ENDED}")
        stream = await connect_stream(
            parse_address(text),
            options.tls,
            timeout=options.timeout,
            frame_size_max=FRAME_SIZE_MAX,
        )
        return await self._greet(stream, options)

    async def listen(self, text: str, options: LinkOptions) -> Listener:
        """Listen; see `System.listen`."""
        if self._is_closed:
            raise LinkError(f"{text}: {_ENDED}")

        async def serve(stream: FrameStream) -> None:
            await self._serve(stream, options)

        server = await serve_streams(
            parse_address(text),
            options.tls,
            serve,
            timeout=options.timeout,
            frame_size_max=FRAME_SIZE_MAX,
        )
        listener = Listener(server)
        self._listeners.append(listener)
        return listener

    async def _serve(self, stream: FrameStream, options: LinkOptions) -> None:
        """Link the other end of a connection, and stay until the link has ended."""
        if self._accepted >= options.links_max:
            refuse(stream, "busy", f"there are {options.links_max} links, the maximum")
            await stream.close()
            return
        self._accepted += 1
        try:
            link = await self._greet(stream, options)
            await link.ended()
        except LinkError as error:
            log.warning("no link: %s", error)
        finally:
            self._accepted -= 1

    async def _greet(self, stream: FrameStream, options: LinkOptions) -> Link:
        try:
            hello = await greet(stream, self._ours, options.timeout)
            self._check_free(stream, hello.system)
        except LinkRefusedError:
            await stream.close()
            raise
        except BaseException:
            stream.abort()
            raise
        name, sessions = hello.system, self._references.sessions
        session = sessions[name] = sessions.get(name, 0) + 1
        link = self._up[name] = Link(
            stream,
            options,
            system=name,
            session=session,
            kernel=self._kernel,
            references=self._references,
            provider=self._provider,
            ended=self._link_ended,
        )
        return link

    def _check_free(self, stream: FrameStream, system: str) -> None:
        """Refuse a link that became needless while its ends greeted each other.

        The other end has our `Ready`, so that for it the link may be up: it gets a
        frame.
        """
        code, reason = "", ""
        if self._is_closed:
            code, reason = "ended", _ENDED
        elif self._is_linked(system):
            code, reason = "name", f"a System named {system!r} is linked already"
        if code:
            stream.send(encode([Bye(reason)]))
            raise LinkRefusedError(stream.peer, code, reason)

    def _is_linked(self, system: str) -> bool:
        return system in self._up

    def _link_ended(self, link: Link) -> None:
        self._up.pop(link.system, None)
        self._sessions[link.system, link.session] = link.reason
        self._sessions.pop((link.system, link.session - _REASONS_KEPT), None)

    async def close(self) -> None:
        """End all links, after what has been sent so far; see `Remote`."""
        self._is_closed = True
        for listener in self._listeners:
            await listener.close()
        if self._up:
            await asyncio.gather(*(link.close(_ENDED) for link in self.up))

    # -- what the System sends ----------------------------------------------------

    def deliver(self, address: str, envelope: Envelope) -> None:
        """Send an envelope, or lose it. Raises `MailboxFullError`."""
        link, to = self._link_of(address)
        if link is not None and (to or envelope.ask):
            link.deliver(to, address, envelope)
            return
        if link is not None:
            self._kernel.lost.add(address, envelope, "nobody asked for this answer")
            return
        reason = self._why_lost(address)
        if envelope.kind == WATCH:
            self._kernel.death_watch.tell(envelope.sender, address, reason)
        elif envelope.ask and to and envelope.kind < SIGNAL:
            what = f"{shown(address)} was asked {tag_of(envelope.payload)}"
            self._kernel.asks.fail(envelope.ask, LinkLostError(f"{what}: {reason}"))
        else:
            self._kernel.dead_letters.add(address, envelope, reason)

    def target(self, address: str) -> Target:
        """Return where references put messages for an address."""
        link, to = self._link_of(address)
        nobody: Target = NOBODY
        return nobody if link is None else link.target(to)

    def is_up(self, address: str) -> bool:
        """Whether the link is up that the address belongs to."""
        return self._link_of(address)[0] is not None

    async def offer(self, address: str, envelope: Envelope, timeout: float) -> None:
        """Wait until a message is in a mailbox there."""
        link, to = self._existing(address)
        await link.offer(to, envelope, timeout)

    async def started(self, address: str, timeout: float) -> None:
        """Wait until an actor there has started."""
        link, to = self._existing(address)
        await link.started(to, timeout)

    async def stopped(self, address: str, timeout: float) -> None:
        """Wait until an actor there has ended, or is out of reach with its link."""
        link, to = self._link_of(address)
        if link is not None:
            with suppress(LinkLostError):
                await link.stopped(to, timeout)

    def _existing(self, address: str) -> tuple[Link, str]:
        link, to = self._link_of(address)
        if link is None:
            raise LinkLostError(f"{shown(address)}: {self._why_lost(address)}")
        return link, to

    def _link_of(self, address: str) -> tuple[Link | None, str]:
        """Return the link of a remote address, if it is up, and the address there."""
        _, system, session, to = address.split(SEPARATOR, 3)
        link = self._up.get(system)
        return (link if link is not None and link.session == int(session) else None), to

    def _why_lost(self, address: str) -> str:
        _, system, session, _ = address.split(SEPARATOR, 3)
        reason = self._sessions.get((system, int(session)), "long ago")
        return f"the link to {system} has ended: {reason}"
