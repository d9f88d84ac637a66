"""Executors for independent explorations: this process, or several.

Any executor of `concurrent.futures` will do in their place, also one of many machines.
"""

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["InlineExecutor", "executor_of", "stop_now"]

P = ParamSpec("P")
T = TypeVar("T")


class InlineExecutor(Executor):
    """Carries out each call in this process, before `submit` returns."""

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Make the call, and return a finished future. Ctrl-C is raised here."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where it is asked for
            future.set_exception(error)
        return future


def executor_of(jobs: int) -> Executor:
    """Return an executor for `jobs` calls at once: this process for 1, else others.

    Calls to other processes and their results are pickled. The caller shuts the
    executor down. Raises `ValueError` for fewer than one job.
    """
    if jobs < 1:
        raise ValueError(f"jobs: expected 1 or more, got {jobs}")
    if jobs == 1:
        return InlineExecutor()
    return ProcessPoolExecutor(jobs, initializer=_end_on_ctrl_c)


def stop_now(executor: Executor) -> None:
    """Give up the calls in progress, without waiting for them."""
    processes: dict[int, Any] = {}
    if isinstance(executor, ProcessPoolExecutor):
        # `ProcessPoolExecutor.terminate_workers` comes with Python 3.14.
        processes = dict(executor._processes or {})  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes.values():
        process.terminate()


def _end_on_ctrl_c() -> None:
    """End a process on Ctrl-C without output: its parent prints the results."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
