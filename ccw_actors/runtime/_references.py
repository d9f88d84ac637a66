"""Creates references, and encodes and decodes them in messages."""

from collections.abc import Callable
from typing import Any, Literal

from ccw_actors.errors import CcwActorsError, UnknownSystemError
from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._kernel.unknown_system import UnknownProvider
from ccw_actors.runtime._values.address import (
    address_of,
    is_remote,
    path_of,
    remote_address,
    why_no_path,
)
from ccw_actors.runtime._values.provider import NOBODY, Provider
from ccw_actors.runtime._values.reference import ActorRef
from ccw_actors.transport import Codec

__all__ = ["References"]


class References:
    """Makes the references to the actors of one System, and its codec.

    On the wire a reference is an array of three: the name of its System, the path, and
    the incarnation. Call `serve` once, before decoding anything. `name` goes along with
    an ask, so that no other System takes its number for that of another ask. `sessions`
    has the number of the current session of each linked System.
    """

    def __init__(self, unknown_fields: Literal["refuse", "accept"]) -> None:
        self.codec = Codec(_to_wire, self._from_wire, unknown_fields=unknown_fields)
        self.unknown_fields = unknown_fields
        self._decoders: dict[Any, Callable[[bytes], Any]] = {}
        self._known: dict[str, Provider] = {}
        self.sessions: dict[str, int] = {}

    def serve(self, own: Provider, registry: Registry, *, restores: bool) -> None:
        """Make references to the actors in a registry from now on.

        If actors that have ended may come back (`restores`), a reference looks up its
        actor each time.
        """
        self._own = own
        # An explored program has one System, whose name would only add state.
        self.name = "" if restores else own.name
        self._registry = registry
        self._restores = restores
        self._known[own.name] = own

    def decoder(self, accepted: Any) -> Callable[[bytes], Any]:
        """Return the decoder of a type, created once; see `Codec.raw_decoder`."""
        decoder = self._decoders.get(accepted)
        if decoder is None:
            decoder = self._decoders[accepted] = self.codec.raw_decoder(accepted)
        return decoder

    def at(self, path: str) -> ActorRef[Any]:
        """Return a reference to the actor that is at a path now, or else to the next.

        Raises `CcwActorsError` for an invalid path.
        """
        # Stepping notes what `address_at` finds, to run a handler again.
        cell = None if self._restores else self._registry.at(path)
        if cell is not None:
            return self.of(cell)
        if why := why_no_path(path):
            raise CcwActorsError(f"no actor can be at {path!r}: {why}")
        return ActorRef(self._own, path, self._registry.address_at(path))

    def of(self, cell: Cell) -> ActorRef[Any]:
        """Return the reference of an existing actor."""
        known = NOBODY if self._restores else cell
        return ActorRef(self._own, cell.path, cell.address, known)

    def of_address(self, address: str) -> ActorRef[Any]:
        """Return the reference of an address."""
        return ActorRef(self._own, path_of(address), address)

    def address_here(self, ref: ActorRef[Any]) -> str:
        """Return the address of an actor in this System, or of a linked one.

        Raises `UnknownSystemError`.
        """
        if is_remote(ref.address) or ref.system in self._known:
            return ref.address
        return self._remote(ref.system, ref.address, ref.path)

    def asker(self, system: str, ask: int) -> str:
        """Return the address that takes the answer to an ask of a linked System.

        "" for an ask of this one. Raises `UnknownSystemError`.
        """
        if not system or system in self._known:
            return ""
        return self._remote(system, "", f"the ask {ask}")

    def _remote(self, system: str, address: str, what: str) -> str:
        session = self.sessions.get(system)
        if session is None:
            raise UnknownSystemError(what, system, self._names())
        return remote_address(system, session, address)

    def _names(self) -> tuple[str, ...]:
        return (*self._known, *self.sessions)

    def _provider_of(self, system: str) -> Provider:
        known = self._known.get(system)
        if known is None:
            return UnknownProvider(system, self._names)
        return known

    def _from_wire(self, kind: Any, value: Any) -> Any:
        if getattr(kind, "__origin__", kind) is ActorRef:
            match value:
                case [str(system), str(path), int(incarnation)] if (
                    incarnation > 0 and not why_no_path(path)
                ):
                    address = address_of(path, incarnation)
                    session = self.sessions.get(system)
                    if session is not None:
                        return self.of_address(remote_address(system, session, address))
                    provider = self._provider_of(system)
                    found: ActorRef[Any] = ActorRef(provider, path, address)
                    return found
                case _:
                    pass
        raise TypeError(f"expected a field of type {kind}, got {value!r}")


def _to_wire(value: Any) -> Any:
    if isinstance(value, ActorRef):
        return value.system, value.path, value.incarnation
    raise TypeError(f"{type(value).__name__} cannot travel in a message")
