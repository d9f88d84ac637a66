"""Checks of a System at the end of the test that used it."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ccw_actors.runtime import System

__all__ = ["end", "end_without_loop"]


async def end(system: System, may_fail: Iterable[str]) -> str:
    """Shut a System down; name actors that did not stop or failed unexpectedly.

    `may_fail` are patterns of paths, with `*` for any text. Raises an escalated error,
    which may have caused the other failures. Returns "" if nothing is wrong.
    """
    patterns = tuple(may_fail)
    left = await system.shutdown()
    wrong = [f"{path} refuses to stop" for path in left]
    if not any(failure.escalated for failure in system.failures):
        wrong += [
            str(failure)
            for failure in system.failures
            if not any(fnmatchcase(failure.actor, pattern) for pattern in patterns)
        ]
    return "\n".join(wrong)


def end_without_loop(system: System, may_fail: Iterable[str]) -> str:
    """Do the same for a System that no event loop runs."""
    ending = end(system, may_fail)
    try:
        ending.send(None)
    except StopIteration as returned:
        return str(returned.value)
    finally:
        ending.close()
    raise AssertionError("without a loop a shutdown does not wait")
