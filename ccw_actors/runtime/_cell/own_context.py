"""The context (`contextvars`) that an actor has for itself."""

import decimal
from contextvars import Context, ContextVar, copy_context
from typing import Any

__all__ = ["own_context"]


def _variable_of_decimal() -> ContextVar[Any] | None:
    """Return where decimal keeps its settings; None if it keeps them elsewhere."""
    context = Context()
    context.run(decimal.getcontext)
    return next(iter(context), None)


_DECIMAL = _variable_of_decimal()


def own_context(original: Context | None = None) -> Context:
    """Return a copy of a context (of the present one if None) for an actor.

    Decimal's settings are one object, which a mere copy would share with the original:
    whoever set the precision there would set it for both. So they are copied, too.
    """
    copy = copy_context() if original is None else original.copy()
    if _DECIMAL is not None and _DECIMAL in copy:
        copy.run(decimal.setcontext, copy[_DECIMAL].copy())
    return copy
