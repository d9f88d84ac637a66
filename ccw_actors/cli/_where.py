"""Where explorations run: in this process, in several, or on a cluster."""

from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import typer

from ccw_actors.cluster import ClusterExecutor, KeptExecutor
from ccw_actors.explore import executor_of, stop_now

__all__ = ["Certificates", "Cluster", "Resume", "Where"]

Cluster: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Explore on the Dask cluster with this scheduler, as tcp://HOST:8786.",
        show_default=False,
    ),
]
Resume: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Keep what is done in this folder; what is there is not done again.",
        show_default=False,
    ),
]
Certificates: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="For shares on several hosts: certificate.pem, key.pem, authority.pem.",
        show_default=False,
    ),
]


class Where(NamedTuple):
    """What runs explorations: so many jobs here, or those of a cluster.

    Results are kept in the folder `resume`, if there is one.
    """

    jobs: int
    cluster: str = ""
    resume: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether this process explores, and keeps nothing."""
        return self.jobs == 1 and not self.cluster and self.resume is None

    @contextmanager
    def executor(
        self, is_kept: Callable[[Any], bool] = lambda _: True
    ) -> Generator[Executor]:
        """Provide an executor, and stop it afterwards.

        Raises:
            ClusterError: The cluster cannot be used.
            typer.BadParameter: Two options exclude each other.
        """
        if self.cluster and self.jobs != 1:
            raise typer.BadParameter(
                "--cluster and --jobs exclude each other: workers say how many jobs"
            )
        executor = self._fresh()
        try:
            if self.resume is None:
                yield executor
            else:
                yield KeptExecutor(executor, self.resume, is_kept)
        finally:
            stop_now(executor)

    def _fresh(self) -> Executor:
        return ClusterExecutor(self.cluster) if self.cluster else executor_of(self.jobs)
