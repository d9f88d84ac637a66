"""An executor on a Dask cluster, for calls that do not depend on each other."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor, Future
from contextvars import Context
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from threading import Event, Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from ccw_actors.cluster._errors import CallLostError, ClusterError
from ccw_actors.cluster._package import package_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ClusterExecutor"]

P = ParamSpec("P")
T = TypeVar("T")

_TIMEOUT: Final = 5.0
"""Seconds for the scheduler to answer, and for a first worker to be there."""

_PATIENCE: Final = 60.0
"""Seconds that calls wait for a worker when the last one has gone."""

_WATCH_EVERY: Final = 1.0


class ClusterExecutor(Executor):
    """Makes calls on the workers of the Dask scheduler at an address.

    A call whose worker dies is made again on another one, as often as the scheduler
    allows (`distributed.scheduler.allowed-failures`, by default 3). A worker has to
    have the same version and source of this package. Functions and arguments are
    pickled.

    Calls fail with `CallLostError` if their workers died too often, and with
    `ClusterError` if the scheduler has gone, or if there has been no worker for
    `patience` seconds.

    Raises `ClusterError` if Dask is not installed, no scheduler answers, no worker is
    there, or one has another version of this package.
    """

    def __init__(self, address: str, *, patience: float = _PATIENCE) -> None:
        if find_spec("distributed") is None:
            raise ClusterError(
                "a cluster needs Dask, which is not installed; expected what"
                " pip install 'ccw-actors[cluster]' adds"
            )
        self.address = address
        self._client = _connected(address)
        self._patience = patience
        self._waiting: dict[Future[Any], Any] = {}
        self._lock = Lock()
        self._ended = Event()
        try:
            self._check_workers()
        except BaseException:
            self._client.close(timeout=1)
            raise
        Thread(target=self._watch, daemon=True, name="cluster").start()

    @property
    def slots(self) -> int:
        """How many calls the workers make at once, all together."""
        return sum(self._client.nthreads().values())

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Make a call on some worker."""
        future: Future[T] = Future()
        # `pure=False`: two calls are two calls, also with the same arguments.
        call = self._client.submit(
            _made_here, package_name(), fn, args, kwargs, pure=False
        )
        with self._lock:
            self._waiting[future] = call
        future.add_done_callback(self._give_up)
        call.add_done_callback(partial(self._settle, future))
        return future

    def _give_up(self, future: Future[Any]) -> None:
        """Take back a call whose future has been cancelled."""
        with self._lock:
            call = self._waiting.pop(future, None)
        if call is not None:
            call.cancel(force=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as `Executor` has it
        """Leave the cluster, which goes on without us."""
        with self._lock:
            waiting = dict(self._waiting)
        if wait and not cancel_futures:
            for future in waiting:
                future.exception()
        self._ended.set()
        if cancel_futures:
            self._client.cancel(list(waiting.values()), force=True)
        self._client.close(timeout=1)

    def _settle(self, future: Future[Any], call: Any) -> None:
        """Hand the outcome of a call over, unless it has been given up."""
        with self._lock:
            if self._waiting.pop(future, None) is None:
                return
        if not future.set_running_or_notify_cancel():
            return
        if call.status == "finished":
            future.set_result(call.result())
        elif call.status == "error":
            future.set_exception(_in_words(call.exception()))
        else:
            future.set_exception(ClusterError(f"{self.address} has dropped the call"))

    def _watch(self) -> None:
        """Fail the calls when nobody is left who could make them."""
        last = perf_counter()
        while not self._ended.wait(_WATCH_EVERY):
            try:
                if self._client.nthreads():
                    last = perf_counter()
                elif perf_counter() - last > self._patience:
                    self._fail(f"there has been no worker for {self._patience:g} s")
            except (OSError, RuntimeError, ValueError):
                self._fail("the scheduler has gone")
                return

    def _fail(self, why: str) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(ClusterError(f"{self.address}: {why}"))

    def _check_workers(self) -> None:
        """Raise `ClusterError` if there is no worker, or one has another package."""
        try:
            self._client.wait_for_workers(1, timeout=_TIMEOUT)
        except TimeoutError as error:
            raise ClusterError(f"{self.address}: it has no worker") from error

        def package_there() -> str:
            """Return which package a worker has; it is pickled with its code."""
            try:
                from ccw_actors.cluster._package import (  # noqa: PLC0415
                    package_name,
                )
            except ImportError as error:
                return f"none that fits: {error}"
            return package_name()

        ours = package_name()
        for worker, theirs in sorted(self._client.run(package_there).items()):
            if theirs != ours:
                raise ClusterError(
                    f"worker {worker} has ccw-actors {theirs}; expected {ours}"
                )


def _connected(address: str) -> Any:
    """Return a client of a scheduler."""
    # An extra, which is not typed.
    distributed: Any = import_module("distributed")
    for name in logging.root.manager.loggerDict:
        # What it logs, with tracebacks, is said by our errors in one line.
        if name.startswith(("distributed", "tornado")):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        # A client that finds no scheduler keeps a thread that goes on trying.
        asyncio.run(_try(address))
        return distributed.Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"{address}: no scheduler answers; expected an address as tcp://HOST:8786"
        ) from error


async def _try(address: str) -> None:
    """Connect to a scheduler and leave it. Raises `OSError` or `ValueError`."""
    distributed: Any = import_module("distributed")
    arguments = distributed.Security().get_connection_args("client")
    comm = await distributed.comm.connect(address, timeout=_TIMEOUT, **arguments)
    await comm.close()


def _made_here(
    package: str, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> T:
    """Make a call in a worker, if that has the same package as who asks for it."""
    if package != package_name():
        raise ClusterError(
            f"a worker has ccw-actors {package_name()}; expected {package}"
        )
    # Without Dask's own context variables, which other threads of the worker change: an
    # exploration looks at those that its handlers could see.
    return Context().run(fn, *args, **kwargs)


def _in_words(error: BaseException) -> BaseException:
    """Return an error of Dask's as one of ours, any other as it is."""
    if type(error).__name__ == "KilledWorker":
        return CallLostError(
            "workers have ended, one after the other, while they made this call"
        )
    return error
