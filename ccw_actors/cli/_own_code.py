"""Says why the user's own code, such as a scenario, has failed."""

import sys
import traceback
from pathlib import Path
from typing import Final

import ccw_actors
from ccw_actors.errors import CcwActorsError

__all__ = ["why_failed"]

_OURS: Final = str(Path(ccw_actors.__file__).parent)
_PYTHONS: Final = (sys.prefix, sys.base_prefix, "<frozen")


def why_failed(error: BaseException) -> str:
    """Return what an error says, and in which line of the user's code it was raised.

    Errors of this package, syntax errors and failed imports say enough themselves.
    """
    text = " ".join(str(error).split())
    if isinstance(error, CcwActorsError | SyntaxError | ImportError):
        return text
    if isinstance(error, SystemExit):
        text = f"it ends the process, with exit status {error.code}"
    elif isinstance(error, KeyError):
        text = f"no key {text}"
    elif not text:
        text = type(error).__name__
    place = _place(error)
    return f"{text} ({place})" if place else text


def _place(error: BaseException) -> str:
    """Return the last line of the user's code that an error has come through."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    for frame in frames:
        if not frame.filename.startswith((_OURS, *_PYTHONS)):
            return f"{Path(frame.filename).name}, line {frame.lineno}"
    return ""
