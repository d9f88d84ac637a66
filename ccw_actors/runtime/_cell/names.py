"""The names of `Actor` itself, which no actor may use for something else."""

from typing import TYPE_CHECKING, Any, Final, NoReturn

__all__ = ["check_class", "check_instance", "methods_of", "own", "properties_of"]

_SET: Final = frozenset(
    {"on_start", "on_restart", "on_stop", "on_failure", "state", "persistent"}
)
"""Hooks, and what is there to be set."""


def methods_of(base: type) -> frozenset[str]:
    """Return the names of methods that no actor may have for something else."""
    return _own_names(base) - _SET - properties_of(base)


def properties_of(base: type) -> frozenset[str]:
    """Return the names of properties."""
    names = _own_names(base)
    return frozenset(name for name in names if isinstance(vars(base)[name], property))


def check_class(cls: type, base: type) -> None:
    """Raise `TypeError` if a class has a value in place of what `base` has.

    It may override methods, and properties, by its own.
    """
    for name in (methods_of(base) | properties_of(base)).intersection(vars(cls)):
        value = vars(cls)[name]
        if not callable(value) and not hasattr(value, "__get__"):
            raise TypeError(
                f"{cls.__name__}.{name} is {value!r}, and {name!r} is a name of"
                f" {base.__name__}'s own: choose another one"
            )


def check_instance(actor: object, methods: frozenset[str]) -> None:
    """Raise `TypeError` if an actor has a value in place of one of its methods."""
    if not methods.isdisjoint(vars(actor)):
        name = min(methods.intersection(vars(actor)))
        raise TypeError(
            f"{type(actor).__name__} has set {name!r}, which is the name of a method of"
            " Actor's own: choose another one"
        )


def _own_names(base: type) -> frozenset[str]:
    return frozenset(name for name in vars(base) if not name.startswith("_"))


if TYPE_CHECKING:
    own = property
else:

    class own(property):  # noqa: N801 - it stands where `property` would
        """A property that says whose name it is when somebody sets it."""

        def __set_name__(self, owner: type, name: str) -> None:
            self._name, self._owner = name, owner.__name__

        def __set__(self, actor: object, value: Any) -> NoReturn:
            raise AttributeError(
                f"{type(actor).__name__} cannot set {self._name!r}, which is a name of"
                f" {self._owner}'s own: choose another one"
            )
