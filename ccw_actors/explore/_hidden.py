"""Finds data that an actor keeps outside its declared state."""

import decimal
from collections.abc import Mapping
from contextvars import ContextVar
from enum import Enum
from functools import cache, cached_property, partial
from types import FunctionType
from typing import Any, Final, NamedTuple, cast

import msgspec

from ccw_actors.explore._forms import SIMPLE, form_of, slots_of
from ccw_actors.runtime import Actor, ActorRef, System
from ccw_actors.runtime.stepping import Cell, State

__all__ = ["Attributes", "Cells", "Variables"]

_OPAQUE = (FunctionType, type, System, Actor)
_OWN = {"state", "persistent", "system", "_cell", "__dict__", "__weakref__"}
_ABSENT: Final = object()


class Attributes:
    """The attributes of actors and of their classes, as they were at first sight.

    An actor with its own `snapshot` defines its state itself, and is not checked. A
    `cached_property` may appear.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Actor[Any], dict[str, object]]] = {}
        self._fixed: dict[int, _Fixed | None] = {}
        self._alike: dict[object, Actor[Any]] = {}
        self._first: dict[int, Actor[Any]] = {}

    def first_like(self, actor: Actor[Any], cell: Cell) -> Actor[Any]:
        """Return the first actor seen there of that class and with equal attributes."""
        if id(actor) in self._first:
            return actor
        key = id(cell), type(actor), _identity(actor)
        first = self._alike.setdefault(key, actor)
        self._first[id(first)] = first
        self.learn(first)
        return first

    def learn(self, actor: Actor[Any]) -> None:
        """Remember the attributes of an actor, unless they are known."""
        own = type(actor).snapshot is not Actor.snapshot
        if not own and id(actor) not in self._seen:
            self._seen[id(actor)] = (actor, _attributes(actor))
            self._fixed[id(actor)] = _fixed(actor)

    def changed(self, actor: Actor[Any]) -> tuple[str, ...]:
        """Return the names of attributes that have changed."""
        fixed = self._fixed.get(id(actor))
        if fixed is not None and fixed.holds(actor):
            return ()
        if type(actor).snapshot is not Actor.snapshot:
            return ()
        self.learn(actor)
        return self._differs(actor)

    def _differs(self, actor: Actor[Any]) -> tuple[str, ...]:
        """Return the names of attributes that have another form than at first sight."""
        before = self._seen[id(actor)][1]
        now = _attributes(actor)
        if now == before:
            return ()
        return tuple(
            name
            for name in sorted(before | now)
            if before.get(name) != now.get(name) and not _is_cached(actor, name)
        )


class Cells:
    """The cells of actors: equal ones count as one, the first that was seen.

    An actor spawned at the path of an earlier one may have another bound, another
    supervision, or another restart: then the two cells are different.
    """

    def __init__(self) -> None:
        self._first: dict[int, Cell] = {}
        self._alike: dict[object, Cell] = {}
        self.at: dict[str, list[Cell]] = {}

    def first_like(self, cell: Cell) -> Cell:
        """Return the first cell seen that is equal to this one."""
        if id(cell) in self._first:
            return cell
        parent = None if cell.parent is None else self.first_like(cell.parent)
        forms = [form_of(cell.policy), form_of(cell.supervision), _made_by(cell)]
        forms += [(variable.name, form) for variable, form in _variables(cell).items()]
        key = cell.path, id(parent), cell.decode, repr(forms)
        first = self._alike.setdefault(key, cell)
        if first is cell:
            cell.parent = parent
            self._first[id(cell)] = cell
            self.at.setdefault(cell.path, []).append(cell)
        return first


class Variables:
    """The context variables of actors, as they were at first sight.

    A handler may set one if it resets it before it ends.
    """

    def __init__(self) -> None:
        self._first: dict[int, tuple[Cell, dict[ContextVar[object], object]]] = {}

    def learn(self, cell: Cell) -> None:
        """Remember the variables that an actor begins with, unless they are known."""
        if id(cell) not in self._first:
            self._first[id(cell)] = cell, _variables(cell)

    def changed(self, cell: Cell) -> tuple[str, ...]:
        """Return the names of variables that have changed.

        A suspended handler may still reset them, and an actor that has failed restarts
        with others: for these two the result is empty.
        """
        if cell.turn is not None or cell.life is not State.RUNNING:
            return ()
        known = self._first.get(id(cell))
        if known is None:
            return ()
        before, now = known[1], _variables(cell)
        if before == now:
            return ()
        names = {
            variable
            for variable in before | now
            if before.get(variable, _ABSENT) != now.get(variable, _ABSENT)
        }
        return tuple(sorted(f"the context variable {one.name!r}" for one in names))


def _variables(cell: Cell) -> dict[ContextVar[object], object]:
    """Return the forms of the variables in an actor's context.

    Python adds decimal's settings when they are first used. They do not count while
    they are the defaults, and their flags never do.
    """
    found: dict[ContextVar[object], object] = {}
    for variable, value in cell.context.items():
        if isinstance(value, decimal.Context):
            settings = _settings(value)
            if settings != _settings(decimal.DefaultContext):
                found[variable] = settings
        else:
            found[variable] = form_of(value)
    return found


def _settings(context: decimal.Context) -> object:
    traps = tuple(kind.__name__ for kind, on in context.traps.items() if on)
    limits = context.Emin, context.Emax, context.capitals, context.clamp
    return context.prec, context.rounding, limits, traps


def _made_by(cell: Cell) -> object:
    """Return the form of the actor that a restart makes."""
    make = cast("object", cell.make)
    arguments = cast("tuple[object, ...]", getattr(make, "args", ()))
    if isinstance(make, partial) and arguments and isinstance(arguments[0], Actor):
        actor, *rest = cast("tuple[Actor[Any], ...]", arguments)
        return type(actor).__qualname__, _identity(actor), form_of(rest)
    return form_of(cast("Any", make))


def _identity(actor: Actor[Any]) -> str:
    """Return the form of all of an actor but its class and its state.

    It is empty for an actor with its own `snapshot`, which contains all of that.
    """
    own = type(actor).snapshot is not Actor.snapshot
    return "" if own else repr(_attributes(actor))


class _Fixed(NamedTuple):
    """Attributes with immutable values, to be compared by identity.

    `own` are those of the actor, `shared` those of its classes.
    """

    own: dict[str, object]
    shared: tuple[tuple[Any, str, object], ...]

    def holds(self, actor: Actor[Any]) -> bool:
        """Whether all values are the same objects; if not, they may still be equal."""
        now, own = vars(actor), self.own
        if len(now) != len(own):
            return False
        for name, value in now.items():
            if name not in _OWN and own.get(name, _ABSENT) is not value:
                return False
        return all(
            _of_class(base).get(name) is value for base, name, value in self.shared
        )


def _of_class(base: Any) -> Mapping[str, object]:
    """Return the attributes of a class itself."""
    return cast("Mapping[str, object]", vars(base))


def _fixed(actor: Actor[Any]) -> _Fixed | None:
    """Return an actor's attributes; None if a value is mutable."""
    kind: Any = type(actor)
    shared, slots = _layout(kind)
    if slots:
        return None
    own = vars(actor)
    parts = [(base, name.rpartition(".")[2]) for name, base in shared]
    found = tuple((base, name, vars(base).get(name)) for base, name in parts)
    values = [value for name, value in own.items() if name not in _OWN]
    values += [value for _, _, value in found]
    return _Fixed(dict(own), found) if all(map(_is_fixed, values)) else None


def _is_fixed(value: object) -> bool:
    """Whether a value is immutable throughout."""
    if isinstance(value, (*SIMPLE, *_OPAQUE, ActorRef, Enum)):
        return True
    if isinstance(value, tuple | frozenset):
        return all(map(_is_fixed, cast("tuple[object, ...]", value)))
    if isinstance(value, msgspec.Struct):
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return value.__struct_config__.frozen and all(map(_is_fixed, fields))
    return False


def _is_cached(actor: Actor[Any], name: str) -> bool:
    found = getattr(type(actor), name.rpartition(".")[2], None)
    return isinstance(found, cached_property)


def _attributes(actor: Actor[Any]) -> dict[str, object]:
    kind: Any = type(actor)
    shared, own = _layout(kind)
    found: dict[str, object] = {
        name: form_of(vars(base).get(name.rpartition(".")[2])) for name, base in shared
    }
    for name, value in vars(actor).items():
        if name not in _OWN:
            found[name] = form_of(value)
    for name in own:
        if hasattr(actor, name):
            found[name] = form_of(getattr(actor, name))
    return found


@cache
def _layout(kind: Any) -> tuple[tuple[tuple[str, type], ...], tuple[str, ...]]:
    """Return where a class of actors may keep data: class attributes, and slots."""
    bases: tuple[type, ...] = kind.__mro__[: kind.__mro__.index(Actor)]
    shared = tuple(
        (f"{kind.__name__}.{name}", base)
        for base in bases
        for name, value in vars(base).items()
        if _is_attribute(name, value)
    )
    own = tuple(name for base in bases for name in slots_of(base) if name not in _OWN)
    return shared, own


def _is_attribute(name: str, value: object) -> bool:
    """Whether an attribute of a class is a value: no method, and not Python's own."""
    if name.startswith("__") or name in vars(Actor):
        return False
    return not isinstance(value, type) and not hasattr(value, "__get__")
