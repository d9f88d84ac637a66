"""What carries out explorations that do not depend on each other: an `Executor`.

The seam is that of `concurrent.futures`: whatever is one (processes here, or machines)
can take the place of these.
"""

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["InlineExecutor", "executor_of", "stop_now"]

P = ParamSpec("P")
T = TypeVar("T")


class InlineExecutor(Executor):
    """Carries out each call where it is submitted, before `submit` returns."""

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Make the call; the future is done. Ctrl-C is raised here, not kept."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where it is asked for
            future.set_exception(error)
        return future


def executor_of(jobs: int) -> Executor:
    """Return what carries out so many calls at once: this process, or others.

    Calls to others and what they return are pickled. The caller shuts it down. Raises
    `ValueError` for fewer than one.
    """
    if jobs < 1:
        raise ValueError(f"jobs are 1 or more, not {jobs}")
    if jobs == 1:
        return InlineExecutor()
    return ProcessPoolExecutor(jobs, initializer=_end_on_ctrl_c)


def stop_now(executor: Executor) -> None:
    """Give up what is under way, and wait for nothing."""
    processes: dict[int, Any] = {}
    if isinstance(executor, ProcessPoolExecutor):
        # `ProcessPoolExecutor.terminate_workers` comes with Python 3.14.
        processes = dict(executor._processes or {})  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes.values():
        process.terminate()


def _end_on_ctrl_c() -> None:
    """Have a process end without a word: the one that began it says what there is."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
