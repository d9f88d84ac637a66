"""An actor's own context (`contextvars`)."""

import decimal
from contextvars import Context, ContextVar, copy_context
from typing import Any

__all__ = ["own_context"]


def _variable_of_decimal() -> ContextVar[Any] | None:
    """Return the variable with the settings of decimal; None if it has none."""
    context = Context()
    context.run(decimal.getcontext)
    return next(iter(context), None)


_DECIMAL = _variable_of_decimal()


def own_context(original: Context | None = None) -> Context:
    """Return a copy of a context (of the current one if None) for an actor.

    Decimal's settings are one object, which a simple copy would share with the
    original: setting the precision in one would set it in both. So this copies them as
    well.
    """
    copy = copy_context() if original is None else original.copy()
    if _DECIMAL is not None and _DECIMAL in copy:
        copy.run(decimal.setcontext, copy[_DECIMAL].copy())
    return copy
