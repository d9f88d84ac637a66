"""A Dask cluster of two workers, each a process of this host with one thread."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return the cluster; its workers come back when they are killed.

    It ends with its module: its threads would be seen by tests of memory and of files.
    """
    distributed: Any = import_module("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as running:
        yield running
