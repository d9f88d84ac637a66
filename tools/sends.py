"""What a module of actors sends, handles and answers, by the types of its code."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mypy.inspections import find_by_location
from mypy.nodes import Decorator, Expression, MypyFile, TypeInfo
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Type,
    UnionType,
    get_proper_type,
)

__all__ = ["ACTOR", "MESSAGE", "Send", "SendVisitor", "instances", "names_in"]

ACTOR: Final = "ccw_actors.runtime._actor.Actor"
MESSAGE: Final = "ccw_actors.transport._codec.Message"
_REFERENCE: Final = "ccw_actors.runtime._values.reference.ActorRef"
_SENDS: Final = frozenset({"tell", "ask", "offer"})
_TIMERS: Final = frozenset({"after", "every"})


class Send(NamedTuple):
    """A message that a class, `owner`, sends to a reference.

    `messages` are its possible types. `takes` are the types that the reference takes,
    None if it takes anything or if the message goes to the sender itself.
    """

    owner: str
    messages: frozenset[str]
    takes: frozenset[str] | None
    itself: bool
    where: str
    to_part: bool = False
    """Whether a part of an actor may take the recipient's place."""


class SendVisitor(ast.NodeVisitor):
    """Collects what a module sends, handles and answers."""

    def __init__(
        self, name: str, module: MypyFile, types: dict[Expression, Type]
    ) -> None:
        self._name = name
        self._module = module
        self._types = types
        self._classes: list[str] = []
        self._handles = 0
        self.sends: list[Send] = []
        self.handled: dict[str, set[str]] = {}
        self.answered: set[str] = set()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Note which class the code inside belongs to."""
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Note which messages a handler takes."""
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
        """Note what a handler answers by returning it."""
        if self._handles and node.value is not None:
            self.answered |= names_in(self._type(node.value))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note a call that sends, answers or sets a timer."""
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
            to_part = any(one.type.is_protocol for one in instances(kind))
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
        send = Send(self._owner, messages, takes, itself, where, to_part)
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
        """Everything that the module sends or answers."""
        yield from self.answered
        for send in self.sends:
            yield from send.messages

    @property
    def _owner(self) -> str:
        return ".".join((self._name, *self._classes[-1:]))


def names_in(kind: Type | None) -> frozenset[str]:
    """Return the full names of the messages in a type, a union or not."""
    return frozenset(
        one.type.fullname for one in instances(kind) if one.type.has_base(MESSAGE)
    )


def _takes_messages(receiver: Type | None, name: str) -> bool:
    """Whether it is a reference to an actor, or a part of one that takes messages."""
    return any(
        one.type.fullname == _REFERENCE or (name == "tell" and one.type.is_protocol)
        for one in instances(receiver)
    )


def _taken_by(receiver: Type | None, callee: Type | None) -> frozenset[str] | None:
    """Return what a reference takes; None if it takes anything."""
    for one in instances(receiver):
        if one.type.fullname == _REFERENCE:
            takes = get_proper_type(one.args[0])
            return None if isinstance(takes, AnyType) else names_in(takes)
    method = get_proper_type(callee)
    return names_in(method.arg_types[0]) if isinstance(method, CallableType) else None


def instances(kind: Type | None) -> Iterator[Instance]:
    """Yield the classes in a type, or in a union of types; skip None."""
    proper = get_proper_type(kind)
    if isinstance(proper, UnionType):
        for item in proper.items:
            yield from instances(item)
    elif isinstance(proper, Instance):
        yield proper


def _is_actor(kind: Type | None) -> bool:
    return any(one.type.has_base(ACTOR) for one in instances(kind))


def _is_own_reference(node: ast.expr) -> bool:
    """Whether it is `self.ref`, or `self._owner.ref` in a part of an actor."""
    return ast.unparse(node) in ("self.ref", "self._owner.ref")


def _sides(node: ast.expr) -> Iterator[ast.expr]:
    """Yield an expression, or both its sides if it is `one or another`."""
    if isinstance(node, ast.BoolOp):
        for side in node.values:
            yield from _sides(side)
    else:
        yield node


def _is_receive(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "receive"
