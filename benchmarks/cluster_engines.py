"""Executors with two workers: local processes, a Dask cluster, and Ray."""

import importlib
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib.metadata import distribution
from typing import Any, Protocol

import psutil

from ccw_actors.cluster import ClusterExecutor
from ccw_actors.explore import process_pool, stop_now

__all__ = ["ENGINES", "WorkEngine", "memory_of_children", "size_of"]

WORKERS = 2
MIB = 1 << 20


class WorkEngine(Protocol):
    """Makes calls in two processes. Raises `ModuleNotFoundError` if not installed."""

    @property
    def packages(self) -> tuple[str, ...]:
        """What it needs of other packages."""
        ...

    def submit(self, work: Callable[..., int], /, *args: object) -> "Future[int]":
        """Make a call."""
        ...

    def stop(self) -> None:
        """End everything."""
        ...


class _OnExecutor:
    packages: tuple[str, ...] = ()

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, work: Callable[..., int], /, *args: object) -> "Future[int]":
        """Make a call."""
        return self._executor.submit(work, *args)

    def stop(self) -> None:
        """End the processes."""
        stop_now(self._executor)


class Dask(_OnExecutor):
    """A scheduler in this process, two workers, and our executor."""

    packages = ("dask", "distributed")

    def __init__(self) -> None:
        distributed: Any = importlib.import_module("distributed")
        self._cluster = distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        )
        super().__init__(ClusterExecutor(self._cluster.scheduler_address))

    def stop(self) -> None:
        """End the executor, then the cluster."""
        super().stop()
        self._cluster.close()


class Ray:
    """Ray on this host; a call is a task, which is made again if its worker dies."""

    packages = ("ray",)

    def __init__(self) -> None:
        self._ray: Any = importlib.import_module("ray")
        self._ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)

    def submit(self, work: Callable[..., int], /, *args: object) -> "Future[int]":
        """Make a call."""
        future: Future[int] = self._ray.remote(work).remote(*args).future()
        return future

    def stop(self) -> None:
        """End everything."""
        self._ray.shutdown()


def processes() -> WorkEngine:
    """Return an executor of the standard library."""
    return _OnExecutor(process_pool(WORKERS))


ENGINES: dict[str, Callable[[], WorkEngine]] = {
    "processes": processes,
    "Dask": Dask,
    "Ray": Ray,
}


def memory_of_children() -> int:
    """Return the MiB of all processes that this one has started."""
    found = 0
    for one in psutil.Process().children(recursive=True):
        try:
            found += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return found // MIB


def size_of(packages: tuple[str, ...]) -> int:
    """Return the MiB that packages have on the disk, without what they depend on."""
    files = (
        file.locate() for name in packages for file in distribution(name).files or ()
    )
    return sum(os.path.getsize(one) for one in files if os.path.isfile(one)) // MIB  # noqa: PTH202, PTH113 - a locate is no Path


def kill(process: int) -> None:
    """End a process at once."""
    os.kill(process, signal.SIGKILL)
