"""Who sends what to whom among the actors of channel I/O, by the types of the code.

mypy reads the code, and gives for every `tell`, `ask` and `offer` the type of the
message and the messages that the reference takes. A reference may lead to any actor
that takes all of these. So a row shows what the types allow, not what a run has sent.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from mypy.build import BuildResult, build
from mypy.maptype import map_instance_to_supertype
from mypy.modulefinder import BuildSource
from mypy.nodes import MypyFile, TypeAlias, TypeInfo
from mypy.options import Options
from mypy.types import Instance, TypeVarType

from tools.sends import ACTOR, MESSAGE, Send, SendVisitor, instances, names_in

__all__ = ["ROOT", "Flow", "Row", "flow_of"]

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "ccw_actors.actors"
VFIO: Final = "ccw_actors.vfio"
"""The package whose actors replace some of the others, or drive them."""
OTHERS: Final = (VFIO, "ccw_actors.machine", "ccw_actors.conformance")
"""Packages that send messages to the actors, or replace some of them."""

_REQUEST: Final = "ccw_actors.transport._codec.Request"


class Row(NamedTuple):
    """A message, its sender, its possible recipients and its possible answers.

    `arrow` has the messages that the sender's reference takes. `where` is the place in
    the code, such as "_cio.py:120".
    """

    sender: str
    message: str
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    arrow: frozenset[str]
    where: str


class Flow(NamedTuple):
    """The rows, and the places in the code whose message or recipient is not known.

    `handled` has the messages that each actor has handlers for, `sent` all messages
    that any of the packages sends or answers, `protocol` all messages of the protocol,
    and `unions` the names of unions of messages.
    """

    rows: tuple[Row, ...]
    unknown: tuple[str, ...]
    handled: dict[str, frozenset[str]]
    sent: frozenset[str]
    protocol: frozenset[str]
    unions: dict[frozenset[str], str]


def flow_of(sources: Mapping[str, str] = MappingProxyType({})) -> Flow:
    """Read the package `actors`, and the others for what they send to it.

    `sources` has texts, by module, that replace those of the files. Raises
    `SyntaxError` if mypy finds an error in the code.
    """
    result = _built(sources)
    visitors: dict[str, SendVisitor] = {}
    infos: dict[str, TypeInfo] = {}
    for name, module in result.files.items():
        if not name.startswith((PACKAGE, *OTHERS)):
            continue
        visitors[name] = visitor = SendVisitor(name, module, result.types)
        visitor.visit(ast.parse(sources.get(name) or Path(module.path).read_text()))
        infos |= {
            node.node.fullname: node.node
            for node in module.names.values()
            if isinstance(node.node, TypeInfo) and node.node.module_name == name
        }
    return _joined(visitors, infos, result.files)


def _built(sources: Mapping[str, str]) -> BuildResult:
    """Have mypy read the packages; see `flow_of`."""
    options = Options()
    options.python_version = (3, 11)
    options.incremental = False
    options.export_types = True
    options.preserve_asts = True
    options.explicit_package_bases = True
    options.mypy_path = [str(ROOT)]
    wanted = [
        BuildSource(str(path), name, sources.get(name))
        for package in (PACKAGE, *OTHERS)
        for path, name in _modules(package)
    ]
    result = build(wanted, options)
    if result.errors:
        raise SyntaxError("\n".join(result.errors))
    return result


def _joined(
    visitors: dict[str, SendVisitor],
    infos: dict[str, TypeInfo],
    files: dict[str, MypyFile],
) -> Flow:
    """Find the recipients, now that all actors are known."""
    actors = _actors(infos, _public(files[PACKAGE]) | _public(files[VFIO]))
    handled = _handled(visitors.values(), actors)
    protocol = frozenset(
        name
        for name, info in infos.items()
        if name.startswith(f"{PACKAGE}.protocol.") and info.has_base(MESSAGE)
    )
    parties = _Parties(infos, actors, handled)
    rows: list[Row] = []
    unknown: set[str] = set()
    for name, visitor in visitors.items():
        for send in visitor.sends if name.startswith((PACKAGE, VFIO)) else ():
            takers = parties.takers(send)
            is_received = send.itself or takers
            if is_received:
                for message in sorted(send.messages & protocol):
                    senders = parties.senders(send)
                    rows += _rows(send, senders, message, infos[message], takers)
            if name.startswith(PACKAGE) and not (send.messages and is_received):
                unknown.add(send.where)
    return Flow(
        rows=tuple(_unique(rows)),
        unknown=tuple(sorted(unknown)),
        handled={name: _short(found) for name, found in handled.items()},
        sent=_short(one for visitor in visitors.values() for one in visitor.sent),
        protocol=_short(protocol),
        unions=_unions(files, f"{PACKAGE}.protocol"),
    )


def _actors(
    infos: Mapping[str, TypeInfo], public: frozenset[str]
) -> dict[str, TypeInfo]:
    """Return the public actors, by their full names."""
    return {
        name: info
        for name, info in infos.items()
        if info.name in public and info.has_base(ACTOR)
    }


def _handled(
    visitors: Iterable[SendVisitor], actors: Mapping[str, TypeInfo]
) -> dict[str, frozenset[str]]:
    """Return the messages that each actor or a base of it has handlers for."""
    handlers: dict[str, set[str]] = {}
    for visitor in visitors:
        handlers |= visitor.handled
    return {
        info.name: frozenset[str]().union(
            *(handlers.get(base.fullname, ()) for base in info.mro)
        )
        for info in actors.values()
    }


class _Parties:
    """The actors that may send a message, and those that may receive it."""

    def __init__(
        self,
        infos: Mapping[str, TypeInfo],
        actors: Mapping[str, TypeInfo],
        handled: Mapping[str, frozenset[str]],
    ) -> None:
        self._owners = _owners(infos, actors)
        self._declared = {
            info.name: _declared(info) or handled[info.name] for info in actors.values()
        }
        # An actor with a class that has `tell` in its module gives that to its parts.
        told = {one.module_name for one in infos.values() if _is_told(one)}
        self._hear_themselves = {
            one.name for one in actors.values() if one.module_name in told
        }

    def senders(self, send: Send) -> tuple[str, ...]:
        """Return the actors that send it, themselves or by a part of theirs."""
        found = self._owners.get(send.owner) or (send.owner.rpartition(".")[2],)
        if not send.to_part:
            return found
        return tuple(one for one in found if one not in self._hear_themselves)

    def takers(self, send: Send) -> tuple[str, ...]:
        """Return the actors that take all that the reference takes."""
        takes = send.takes
        if not takes:
            return ()
        found = (name for name, taken in self._declared.items() if takes <= taken)
        return tuple(sorted(found))


def _rows(
    send: Send,
    senders: tuple[str, ...],
    message: str,
    kind: TypeInfo,
    takers: tuple[str, ...],
) -> Iterator[Row]:
    """Yield a row for each actor that sends the message in this place."""
    for sender in senders:
        yield Row(
            sender,
            message.rpartition(".")[2],
            (sender,) if send.itself else takers,
            _answers_to(kind),
            _short(send.takes or ()),
            send.where,
        )


def _unique(rows: list[Row]) -> Iterator[Row]:
    """Yield the rows in order, and only one of those that differ in `where` alone."""
    seen: set[tuple[object, ...]] = set()
    for row in sorted(rows, key=lambda row: (row.sender, row.recipients, row.message)):
        if row[:5] not in seen:
            seen.add(row[:5])
            yield row


def _owners(
    infos: Mapping[str, TypeInfo], actors: Mapping[str, TypeInfo]
) -> dict[str, tuple[str, ...]]:
    """Return for each class the actors that it is, is a base of, or is a part of.

    A part is the value of an attribute of an actor, or of another part.
    """
    found: dict[str, set[str]] = {}
    for info in actors.values():
        for name in _parts(info, infos):
            found.setdefault(name, set()).add(info.name)
    return {name: tuple(sorted(names)) for name, names in found.items()}


def _parts(info: TypeInfo, infos: Mapping[str, TypeInfo]) -> set[str]:
    """Return a class, its bases, its parts, and the parts of these."""
    new = {base.fullname for base in info.mro}
    mine: set[str] = set()
    while new:
        mine |= new
        held = (
            one.type.fullname
            for name in new
            if name in infos
            for attribute in infos[name].names.values()
            for one in instances(attribute.type)
        )
        new = {name for name in held if name in infos} - mine
    return mine


def _is_told(info: TypeInfo) -> bool:
    """Whether the class takes messages and is not a reference."""
    return "tell" in info.names and not info.is_protocol


def _declared(info: TypeInfo) -> frozenset[str]:
    """Return what others may send to an actor; empty if its class does not say."""
    given = [
        one.default if isinstance(one, TypeVarType) and one.has_default() else one
        for one in info.defn.type_vars
    ]
    base = next(one for one in info.mro if one.fullname == ACTOR)
    return names_in(map_instance_to_supertype(Instance(info, given), base).args[0])


def _answers_to(info: TypeInfo) -> tuple[str, ...]:
    """Return the answers that a request may get; empty for other messages."""
    for base in info.mro:
        for one in base.bases:
            if one.type.fullname == _REQUEST:
                return tuple(sorted(_short(names_in(one.args[0]))))
    return ()


def _short(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in names)


def _modules(package: str) -> Iterator[tuple[Path, str]]:
    folder = ROOT.joinpath(*package.split("."))
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts).removesuffix(".__init__")


def _public(package: MypyFile) -> frozenset[str]:
    """Return the public names of a package."""
    return frozenset(name for name, node in package.names.items() if node.module_public)


def _unions(files: dict[str, MypyFile], package: str) -> dict[frozenset[str], str]:
    """Return the unions of messages that a package defines: their names, by members."""
    return {
        members: alias.name
        for name, module in files.items()
        if name.startswith(f"{package}.")
        for node in module.names.values()
        if isinstance(alias := node.node, TypeAlias) and alias.module == name
        if len(members := _short(names_in(alias.target))) > 1
    }
