"""What may be wrong with a System when the test that used it is over."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ccw_actors.runtime import System

__all__ = ["end", "end_without_loop"]


async def end(system: System, may_fail: Iterable[str]) -> str:
    """Shut a System down; say who refused to stop, and who failed unexpectedly.

    `may_fail` are patterns of paths, with `*` for any text. If something has escalated
    that is raised, and other failures may only come of it. Returns "" if all is well.
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
    raise AssertionError("where no loop runs, a shutdown waits for nothing")
