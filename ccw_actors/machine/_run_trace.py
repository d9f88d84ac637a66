"""RunTrace: the trace of a machine's run, if there is to be one."""

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

    `inputs` are files that must not be overwritten, in addition to the images.

    Raises:
        TraceFileError: The file is an image of the machine or its journal; or it exists
            and is not a trace, or another run writes it; or it cannot be written.
    """
    images = [device.image for device in machine.devices if device.image]
    for image in images:
        if path.absolute() == journal_path(image).absolute():
            raise TraceFileError(f"{path}: the journal of {image} goes there")
    return open_trace(path, size_max=size_max, inputs=[*images, *inputs])


class RunTrace:
    """Writes a trace to `target`, if that is not None; the run outlives its errors.

    With `of_part` it is the trace of one of several Systems.
    """

    def __init__(self, target: TraceTarget | None, *, of_part: bool = False) -> None:
        self._target = target
        self._of_part = of_part
        self._writer: TraceWriter | None = None
        self._error: Exception | None = None

    def observe(self, system: System) -> None:
        """Write every message that a system handles from now on."""
        if self._target is None:
            return
        try:
            self._writer = TraceWriter(self._target, of_part=self._of_part)
        except OSError as error:  # the run goes on without its trace
            self._error = error
        else:
            system.observe(self._writer)

    @property
    def name(self) -> str | None:
        """The path of the trace, None if there is none."""
        return None if self._target is None else str(self._target.path)

    @property
    def error(self) -> str | UnsetType:
        """Why the trace is incomplete."""
        error = self._error or (self._writer and self._writer.error)
        if error is None:
            return UNSET
        return getattr(error, "strerror", None) or str(error)

    @property
    def cut(self) -> int | UnsetType:
        """How many bytes are missing at its beginning."""
        if self._target is None or not self._target.cut:
            return UNSET
        return self._target.cut

    def flush(self) -> None:
        """Write what is buffered to the file; any thread may call this."""
        if self._target is None:
            return
        try:
            self._target.flush()
        except OSError as error:
            self._error = error

    def close(self) -> None:
        """Close the file; messages after that are not written."""
        if self._target is None:
            return
        try:
            self._target.close()
        except OSError as error:
            self._error = error
