"""RunTrace: the trace of a machine's run, if there is one, from start to end."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from msgspec import UNSET, UnsetType

from ccw_actors.actors.hardware.image import journal_path
from ccw_actors.errors import TraceFileError
from ccw_actors.machine._config import Machine
from ccw_actors.runtime import System
from ccw_actors.trace import TRACE_SIZE, TraceTarget, TraceWriter, open_trace

__all__ = ["RunTrace", "begin_trace"]


def begin_trace(
    machine: Machine,
    path: Path,
    *,
    size_max: int | None = TRACE_SIZE,
    inputs: Iterable[Path] = (),
) -> TraceTarget:
    """Open a file for the trace of a machine; see `open_trace`.

    `inputs` are files that must not be overwritten besides the images.

    Raises:
        TraceFileError: It is an image of the machine, or what belongs to one; or it is
            there, and is no trace, or another run's; or it cannot be written.
    """
    images = [device.image for device in machine.devices if device.image]
    for image in images:
        if path.absolute() == journal_path(image).absolute():
            raise TraceFileError(f"{path}: is the place of the journal of {image}")
    return open_trace(path, size_max=size_max, inputs=[*images, *inputs])


class RunTrace:
    """What is written to `target`, None if nothing is to be; a run goes on without."""

    def __init__(self, target: TraceTarget | None) -> None:
        self._target = target
        self._writer: TraceWriter | None = None
        self._error: Exception | None = None

    def observe(self, system: System) -> None:
        """Write every message of a system from now on."""
        if self._target is None:
            return
        try:
            self._writer = TraceWriter(self._target)
        except OSError as error:  # a run is worth more than its trace
            self._error = error
        else:
            system.observe(self._writer)

    @property
    def name(self) -> str | None:
        """Where it is."""
        return None if self._target is None else str(self._target.path)

    @property
    def error(self) -> str | UnsetType:
        """Why it is not whole."""
        error = self._error or (self._writer and self._writer.error)
        return UNSET if error is None else str(error)

    @property
    def cut(self) -> int | UnsetType:
        """How much of it has been left out at its beginning."""
        if self._target is None or not self._target.cut:
            return UNSET
        return self._target.cut

    def flush(self) -> None:
        """Save what there is; any thread may ask for it."""
        if self._target is not None:
            with contextlib.suppress(OSError):
                self._target.flush()

    def close(self) -> None:
        """Write no more."""
        if self._target is None:
            return
        try:
            self._target.close()
        except OSError as error:
            self._error = error
