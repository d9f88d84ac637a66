"""The reserved names of `Actor`, which no actor may use for something else."""

from types import MethodType
from typing import TYPE_CHECKING, Any, Final, NoReturn

__all__ = ["check_class", "guard_methods", "own"]

_SET: Final = frozenset(
    {"on_start", "on_restart", "on_stop", "on_failure", "state", "persistent"}
)
"""Hooks, and the attributes that an actor may set."""


def _methods_of(base: type) -> frozenset[str]:
    """Return the reserved names of methods."""
    return _own_names(base) - _SET - _properties_of(base)


def _properties_of(base: type) -> frozenset[str]:
    """Return the reserved names of properties."""
    names = _own_names(base)
    return frozenset(name for name in names if isinstance(vars(base)[name], property))


def check_class(cls: type, base: type) -> None:
    """Raise `TypeError` if a class has a value under a reserved name of `base`.

    A class may override methods and properties with its own.
    """
    for name in (_methods_of(base) | _properties_of(base)).intersection(vars(cls)):
        value = vars(cls)[name]
        if not callable(value) and not hasattr(value, "__get__"):
            raise TypeError(
                f"{cls.__name__}.{name} is {value!r}, but {name!r} is a reserved"
                f" name of {base.__name__}: choose another one"
            )


def _own_names(base: type) -> frozenset[str]:
    return frozenset(name for name in vars(base) if not name.startswith("_"))


def guard_methods(base: type) -> None:
    """Make setting an attribute of a reserved name raise.

    Checking the attributes of an instance instead would make them slow (CPython keeps
    them in a dict as soon as code asks for `__dict__`).
    """
    for name in _methods_of(base):
        setattr(base, name, _Method(vars(base)[name], name, base.__name__))


def _refuse(actor: object, name: str, owner: str) -> NoReturn:
    raise AttributeError(
        f"{type(actor).__name__} cannot set {name!r}, a reserved name of {owner}:"
        " choose another one"
    )


class _Method:
    """A method that no attribute of an instance can replace."""

    def __init__(self, function: Any, name: str, owner: str) -> None:
        self._function, self._name, self._owner = function, name, owner
        self.__doc__ = function.__doc__

    def __get__(self, actor: object, kind: type | None = None) -> Any:
        function = self._function
        return function if actor is None else MethodType(function, actor)

    def __set__(self, actor: object, value: Any) -> NoReturn:
        _refuse(actor, self._name, self._owner)


if TYPE_CHECKING:
    own = property
else:

    class own(property):  # noqa: N801 - used like `property`
        """A property that raises when code sets it."""

        def __set_name__(self, owner: type, name: str) -> None:
            self._name, self._owner = name, owner.__name__

        def __set__(self, actor: object, value: Any) -> NoReturn:
            _refuse(actor, self._name, self._owner)
