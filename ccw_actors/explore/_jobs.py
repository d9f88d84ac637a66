"""Executors for independent explorations: this process, or several.

Any executor of `concurrent.futures` will do in their place, also one of many machines.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, ParamSpec, TypeVar

__all__ = ["InlineExecutor", "executor_of", "process_pool", "stop_now"]

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
    return process_pool(jobs)


def process_pool(jobs: int, start_method: str | None = None) -> ProcessPoolExecutor:
    """Return an executor of so many processes, which end with this one.

    `start_method` is one of `multiprocessing`; None is its default.
    """
    context = multiprocessing.get_context(start_method)
    return ProcessPoolExecutor(jobs, context, initializer=_prepare)


def stop_now(executor: Executor) -> None:
    """Give up the calls in progress, without waiting for them."""
    processes: dict[int, Any] = {}
    if isinstance(executor, ProcessPoolExecutor):
        # `ProcessPoolExecutor.terminate_workers` comes with Python 3.14.
        processes = dict(executor._processes or {})  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes.values():
        process.terminate()


def _prepare() -> None:
    """Let a process end without output on Ctrl-C, and whenever its parent has ended.

    The parent prints the results. The pool itself does not notice a parent that is
    killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
