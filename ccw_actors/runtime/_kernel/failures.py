"""The failures of actors so far."""

import logging
import traceback
from typing import Final

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime._kernel.observers import Observers

__all__ = ["Failures"]

log = logging.getLogger("ccw_actors")

_KEPT_MAX: Final = 1000
_TEXT_MAX: Final = 10_000


class Failures:
    """Keeps, logs and reports failures of actors.

    `kept` are the last thousand, the oldest first; `count` counts all. Unless it
    `keeps_causes`, it keeps only text: no exception and no frame that it refers to, and
    only the beginning and the end of a long text.
    """

    def __init__(self, observers: Observers, *, keeps_causes: bool = False) -> None:
        self._observers = observers
        self._keeps_causes = keeps_causes
        self.kept: list[ActorFailedError] = []
        self.count = 0

    def add(
        self, path: str, what: str, error: BaseException, *, escalates: bool = False
    ) -> ActorFailedError:
        """Note that an actor raised on `what`; return the error for that.

        An error that `escalates` is raised elsewhere, and so not logged as an error.
        """
        self.count += 1
        reason = _cut(f"{type(error).__name__}: {error}")
        if self._keeps_causes:
            failure = ActorFailedError(path, what, reason)
            failure.__cause__ = error
        else:
            text = _cut("".join(traceback.format_exception(error)))
            failure = ActorFailedError(path, what, reason, text)
        failure.escalated = escalates
        self._keep(failure)
        level = logging.INFO if escalates else logging.ERROR
        log.log(level, "%s", failure, exc_info=error)
        self._observers.failed(path, what, error)
        told = ActorFailedError(path, what, reason)
        told.__cause__ = error
        return told

    def _keep(self, failure: ActorFailedError) -> None:
        """Keep a failure while it is one of the last."""
        self.kept.append(failure)
        if len(self.kept) > _KEPT_MAX:
            del self.kept[0]


def _cut(text: str) -> str:
    """Return a long text without its middle: it may contain a message."""
    if len(text) <= _TEXT_MAX:
        return text
    half = _TEXT_MAX // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters]\n{text[-half:]}"
