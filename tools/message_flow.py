"""Who sends what to whom among the actors of channel I/O, as the code says it.

    python tools/message_flow.py            prints the rows
    python tools/message_flow.py --write    puts them into docs/pass-through.md

mypy reads the code, and says of every `tell`, `ask` and `offer` what type the message
has and what the reference takes. Whoever takes all that a reference takes may stand
behind it; so a row says what can be sent by the types, not what a run has sent.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from mypy.build import BuildResult, build
from mypy.inspections import find_by_location
from mypy.maptype import map_instance_to_supertype
from mypy.modulefinder import BuildSource
from mypy.nodes import Decorator, Expression, MypyFile, TypeAlias, TypeInfo
from mypy.options import Options
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Type,
    TypeVarType,
    UnionType,
    get_proper_type,
)

__all__ = ["Flow", "Row", "as_markdown", "flow_of", "written"]

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "pass-through.md"
ROOM: Final = "ccw_actors.actors"
BESIDE: Final = "ccw_actors.vfio"
"""The room whose actors take the place of some, or drive them."""
OTHERS: Final = (BESIDE, "ccw_actors.machine", "ccw_actors.conformance")
"""Rooms that send the actors something, or take their place."""

BEGIN: Final = "<!-- tools/message_flow.py --write: begin -->"
END: Final = "<!-- tools/message_flow.py --write: end -->"

_ACTOR: Final = "ccw_actors.runtime._actor.Actor"
_REFERENCE: Final = "ccw_actors.runtime._values.reference.ActorRef"
_MESSAGE: Final = "ccw_actors.transport._codec.Message"
_REQUEST: Final = "ccw_actors.transport._codec.Request"
_SENDS: Final = frozenset({"tell", "ask", "offer"})
_TIMERS: Final = frozenset({"after", "every"})


class Row(NamedTuple):
    """A message that a sender has for recipients, and what it is answered with.

    `arrow` is what the reference takes; `answers` are types of messages.
    """

    sender: str
    message: str
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    arrow: frozenset[str]
    where: str


class Flow(NamedTuple):
    """What the code says: rows, and sends whose message or recipient is not known.

    `handled` is what each actor has handlers for, `sent` all that is sent or answered
    in any room, `protocol` the messages that there are, and `unions` are the names that
    unions of them have.
    """

    rows: tuple[Row, ...]
    unknown: tuple[str, ...]
    handled: dict[str, frozenset[str]]
    sent: frozenset[str]
    protocol: frozenset[str]
    unions: dict[frozenset[str], str]


class _Send(NamedTuple):
    owner: str
    messages: frozenset[str]
    takes: frozenset[str] | None
    itself: bool
    where: str
    to_part: bool = False
    """Whether a part of an actor may stand where the recipient is."""


class _Visitor(ast.NodeVisitor):
    """Collects what a module sends, handles and answers."""

    def __init__(
        self, name: str, module: MypyFile, types: dict[Expression, Type]
    ) -> None:
        self._name = name
        self._module = module
        self._types = types
        self._classes: list[str] = []
        self._handles = 0
        self.sends: list[_Send] = []
        self.handled: dict[str, set[str]] = {}
        self.answered: set[str] = set()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Note whose the code inside is."""
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Note what a handler takes."""
        is_handler = bool(self._classes) and any(map(_is_receive, node.decorator_list))
        if is_handler:
            taken = self._taken_by_handler(node.name)
            self.handled.setdefault(self._owner, set()).update(taken)
        self._handles += is_handler
        self.generic_visit(node)
        self._handles -= is_handler

    def _taken_by_handler(self, name: str) -> frozenset[str]:
        info = self._module.names[self._classes[-1]].node
        assert isinstance(info, TypeInfo)
        method = info.names[name].node
        assert isinstance(method, Decorator)
        kind = method.func.type
        assert isinstance(kind, CallableType)
        return names_in(kind.arg_types[1])

    def visit_Return(self, node: ast.Return) -> None:
        """Note what a handler answers at once."""
        if self._handles and node.value is not None:
            self.answered |= names_in(self._type(node.value))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is sent, and to whom."""
        callee = node.func
        if isinstance(callee, ast.Attribute) and node.args:
            is_actor = _is_actor(self._type(callee.value))
            if callee.attr in _SENDS:
                for side in _sides(callee.value):
                    self._sent(node, callee, side)
            elif callee.attr == "reply" and is_actor:
                self.answered |= names_in(self._type(node.args[1]))
            elif callee.attr in _TIMERS and is_actor:
                self._note(node, node.args[1], None, itself=True)
        self.generic_visit(node)

    def _sent(self, call: ast.Call, callee: ast.Attribute, receiver: ast.expr) -> None:
        kind = self._type(receiver)
        if _takes_messages(kind, callee.attr):
            takes = _taken_by(kind, self._type(callee))
            itself = _is_own_reference(receiver)
            to_part = any(one.type.is_protocol for one in _instances(kind))
            self._note(call, call.args[0], takes, itself=itself, to_part=to_part)

    def _note(
        self,
        call: ast.Call,
        message: ast.expr,
        takes: frozenset[str] | None,
        *,
        itself: bool,
        to_part: bool = False,
    ) -> None:
        where = f"{Path(self._module.path).name}:{call.lineno}"
        messages = names_in(self._type(message))
        send = _Send(self._owner, messages, takes, itself, where, to_part)
        self.sends.append(send)

    def _type(self, node: ast.expr) -> Type | None:
        """Return what mypy says the type of an expression is."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        found = find_by_location(
            self._module,
            node.lineno,
            node.col_offset,
            node.end_lineno,
            node.end_col_offset,
        )
        return None if found is None else self._types.get(found)

    @property
    def sent(self) -> Iterator[str]:
        """All that is sent or answered."""
        yield from self.answered
        for send in self.sends:
            yield from send.messages

    @property
    def _owner(self) -> str:
        return ".".join((self._name, *self._classes[-1:]))


def flow_of(sources: Mapping[str, str] = MappingProxyType({})) -> Flow:
    """Read the room `actors`, and others for what they send it.

    `sources` are texts of modules that are read in place of those in the files. Raises
    `SyntaxError` if mypy objects to the code.
    """
    result = _built(sources)
    visitors: dict[str, _Visitor] = {}
    infos: dict[str, TypeInfo] = {}
    for name, module in result.files.items():
        if not name.startswith((ROOM, *OTHERS)):
            continue
        visitors[name] = visitor = _Visitor(name, module, result.types)
        visitor.visit(ast.parse(sources.get(name) or Path(module.path).read_text()))
        infos |= {
            node.node.fullname: node.node
            for node in module.names.values()
            if isinstance(node.node, TypeInfo) and node.node.module_name == name
        }
    return _joined(visitors, infos, result.files)


def _built(sources: Mapping[str, str]) -> BuildResult:
    """Have mypy read the rooms; see `flow_of`."""
    options = Options()
    options.python_version = (3, 11)
    options.incremental = False
    options.export_types = True
    options.preserve_asts = True
    options.explicit_package_bases = True
    options.mypy_path = [str(ROOT)]
    wanted = [
        BuildSource(str(path), name, sources.get(name))
        for room in (ROOM, *OTHERS)
        for path, name in _modules(room)
    ]
    result = build(wanted, options)
    if result.errors:
        raise SyntaxError("\n".join(result.errors))
    return result


def _joined(
    visitors: dict[str, _Visitor],
    infos: dict[str, TypeInfo],
    files: dict[str, MypyFile],
) -> Flow:
    """Find the recipients, as all actors are known."""
    actors = _actors(infos, _public(files[ROOM]) | _public(files[BESIDE]))
    handled = _handled(visitors.values(), actors)
    protocol = frozenset(
        name
        for name, info in infos.items()
        if name.startswith(f"{ROOM}.protocol.") and info.has_base(_MESSAGE)
    )
    parties = _Parties(infos, actors, handled)
    rows: list[Row] = []
    unknown: set[str] = set()
    for name, visitor in visitors.items():
        for send in visitor.sends if name.startswith((ROOM, BESIDE)) else ():
            takers = parties.takers(send)
            is_received = send.itself or takers
            if is_received:
                for message in sorted(send.messages & protocol):
                    senders = parties.senders(send)
                    rows += _rows(send, senders, message, infos[message], takers)
            if name.startswith(ROOM) and not (send.messages and is_received):
                unknown.add(send.where)
    return Flow(
        rows=tuple(_unique(rows)),
        unknown=tuple(sorted(unknown)),
        handled={name: _short(found) for name, found in handled.items()},
        sent=_short(one for visitor in visitors.values() for one in visitor.sent),
        protocol=_short(protocol),
        unions=_unions(files, f"{ROOM}.protocol"),
    )


def _actors(
    infos: Mapping[str, TypeInfo], public: frozenset[str]
) -> dict[str, TypeInfo]:
    """Return the actors that are public, by their full names."""
    return {
        name: info
        for name, info in infos.items()
        if info.name in public and info.has_base(_ACTOR)
    }


def _handled(
    visitors: Iterable[_Visitor], actors: Mapping[str, TypeInfo]
) -> dict[str, frozenset[str]]:
    """Return what each actor has handlers for, its bases' included."""
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
    """Who may stand on either side of what is sent."""

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
        # Who has a class with `tell` beside it puts that where its parts send.
        told = {one.module_name for one in infos.values() if _is_told(one)}
        self._hear_themselves = {
            one.name for one in actors.values() if one.module_name in told
        }

    def senders(self, send: _Send) -> tuple[str, ...]:
        """Return the actors that are, or have, what sends it."""
        found = self._owners.get(send.owner) or (send.owner.rpartition(".")[2],)
        if not send.to_part:
            return found
        return tuple(one for one in found if one not in self._hear_themselves)

    def takers(self, send: _Send) -> tuple[str, ...]:
        """Return the actors that a reference may be to: they take all that it takes."""
        takes = send.takes
        if not takes:
            return ()
        found = (name for name, taken in self._declared.items() if takes <= taken)
        return tuple(sorted(found))


def _rows(
    send: _Send,
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
    """Yield each of several rows once that differ in their places only."""
    seen: set[tuple[object, ...]] = set()
    for row in sorted(rows, key=lambda row: (row.sender, row.recipients, row.message)):
        if row[:5] not in seen:
            seen.add(row[:5])
            yield row


def _owners(
    infos: Mapping[str, TypeInfo], actors: Mapping[str, TypeInfo]
) -> dict[str, tuple[str, ...]]:
    """Return the actors that each class is, is a base of, or is a part of.

    A part is what an attribute of an actor holds, or of another part.
    """
    found: dict[str, set[str]] = {}
    for info in actors.values():
        for name in _parts(info, infos):
            found.setdefault(name, set()).add(info.name)
    return {name: tuple(sorted(names)) for name, names in found.items()}


def _parts(info: TypeInfo, infos: Mapping[str, TypeInfo]) -> set[str]:
    """Return a class, its bases, and what its attributes and those of parts hold."""
    new = {base.fullname for base in info.mro}
    mine: set[str] = set()
    while new:
        mine |= new
        held = (
            one.type.fullname
            for name in new
            if name in infos
            for attribute in infos[name].names.values()
            for one in _instances(attribute.type)
        )
        new = {name for name in held if name in infos} - mine
    return mine


def _is_told(info: TypeInfo) -> bool:
    """Whether it is a class that takes messages without being a reference."""
    return "tell" in info.names and not info.is_protocol


def _declared(info: TypeInfo) -> frozenset[str]:
    """Return what others may send an actor; nothing if its class does not say so."""
    given = [
        one.default if isinstance(one, TypeVarType) and one.has_default() else one
        for one in info.defn.type_vars
    ]
    base = next(one for one in info.mro if one.fullname == _ACTOR)
    return names_in(map_instance_to_supertype(Instance(info, given), base).args[0])


def _answers_to(info: TypeInfo) -> tuple[str, ...]:
    """Return what a request is to be answered with; nothing if it is none."""
    for base in info.mro:
        for one in base.bases:
            if one.type.fullname == _REQUEST:
                return tuple(sorted(_short(names_in(one.args[0]))))
    return ()


def names_in(kind: Type | None) -> frozenset[str]:
    """Return the full names of the messages in a type, a union or not."""
    return frozenset(
        one.type.fullname for one in _instances(kind) if one.type.has_base(_MESSAGE)
    )


def _short(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in names)


def _takes_messages(receiver: Type | None, name: str) -> bool:
    """Whether something is a reference to an actor, or stands for one."""
    return any(
        one.type.fullname == _REFERENCE or (name == "tell" and one.type.is_protocol)
        for one in _instances(receiver)
    )


def _taken_by(receiver: Type | None, callee: Type | None) -> frozenset[str] | None:
    """Return what a reference takes; None if anything."""
    for one in _instances(receiver):
        if one.type.fullname == _REFERENCE:
            takes = get_proper_type(one.args[0])
            return None if isinstance(takes, AnyType) else names_in(takes)
    method = get_proper_type(callee)
    return names_in(method.arg_types[0]) if isinstance(method, CallableType) else None


def _instances(kind: Type | None) -> Iterator[Instance]:
    """Yield the classes in a type, which may be a union; None is left out."""
    proper = get_proper_type(kind)
    if isinstance(proper, UnionType):
        for item in proper.items:
            yield from _instances(item)
    elif isinstance(proper, Instance):
        yield proper


def _is_actor(kind: Type | None) -> bool:
    return any(one.type.has_base(_ACTOR) for one in _instances(kind))


def _is_own_reference(node: ast.expr) -> bool:
    """Whether it is `self.ref`, or `self._owner.ref` in a part of an actor."""
    return ast.unparse(node) in ("self.ref", "self._owner.ref")


def _sides(node: ast.expr) -> Iterator[ast.expr]:
    """Yield an expression, or the sides of it if it is `one or another`."""
    if isinstance(node, ast.BoolOp):
        for side in node.values:
            yield from _sides(side)
    else:
        yield node


def _is_receive(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "receive"


def _modules(room: str) -> Iterator[tuple[Path, str]]:
    folder = ROOT.joinpath(*room.split("."))
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts).removesuffix(".__init__")


def _public(room: MypyFile) -> frozenset[str]:
    """Return the names that the room's package gives."""
    return frozenset(name for name, node in room.names.items() if node.module_public)


def _unions(files: dict[str, MypyFile], room: str) -> dict[frozenset[str], str]:
    """Return the unions of messages that the modules of a room define, by members."""
    return {
        members: alias.name
        for name, module in files.items()
        if name.startswith(f"{room}.")
        for node in module.names.values()
        if isinstance(alias := node.node, TypeAlias) and alias.module == name
        if len(members := _short(names_in(alias.target))) > 1
    }


# -- the page --------------------------------------------------------------------------


def as_markdown(flow: Flow) -> str:
    """Return a diagram of the arrows, and a table of the messages."""
    arrows = {
        (row.sender, recipient, _named(row.arrow, flow))
        for row in flow.rows
        for recipient in row.recipients
        if recipient != row.sender
    }
    lines = ["```mermaid", "flowchart TB"]
    lines += [f'    {a} -- "{name}" --> {b}' for a, b, name in sorted(arrows)]
    lines += ["```", "", "| sender | message | recipient | answer |"]
    lines.append("|---|---|---|---|")
    for row in flow.rows:
        recipients = ", ".join(row.recipients)
        whom = "itself" if recipients == row.sender else recipients
        answer = _named(frozenset(row.answers), flow)
        lines.append(f"| {row.sender} | {row.message} | {whom} | {answer} |")
    return "\n".join(lines) + "\n"


def _named(messages: frozenset[str], flow: Flow) -> str:
    """Return the name of a union of messages, or theirs."""
    return flow.unions.get(messages) or ", ".join(sorted(messages))


def written(page: str, flow: Flow) -> str:
    """Return a page with what is between its marks made anew.

    Raises `ValueError` for a page without the marks.
    """
    found = re.search(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", page, re.DOTALL)
    if found is None:
        raise ValueError(f"expected a page with {BEGIN} and {END}")
    inside = f"{BEGIN}\n\n{as_markdown(flow)}\n{END}"
    return page[: found.start()] + inside + page[found.end() :]


def main() -> None:
    """Print, or write the page."""
    parser = argparse.ArgumentParser(description="Who sends what to whom.")
    parser.add_argument("--write", action="store_true", help="write the page")
    wanted = parser.parse_args()
    flow = flow_of()
    if wanted.write:
        PAGE.write_text(written(PAGE.read_text(), flow))
    else:
        sys.stdout.write(as_markdown(flow))
    for where in flow.unknown:
        sys.stderr.write(f"{where}: it is not known what is sent, or to whom\n")


if __name__ == "__main__":
    main()
