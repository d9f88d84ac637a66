"""PartTraces: the traces of a machine's processes, which become one at its end."""

import threading
from pathlib import Path

from ccw_actors.machine._run_trace import RunTrace
from ccw_actors.machine.processes._messages import PARENT, PartEnd
from ccw_actors.runtime import System
from ccw_actors.trace import TracePart, TraceTarget, merge_traces, open_trace

__all__ = ["PartTraces"]


class PartTraces:
    """The parts of a trace whose `target` is not None.

    Each keeps its newest `size` bytes, None for all. `error` says why the trace is
    incomplete, "" if it is not, and `cut` how many bytes of the parts are missing.
    """

    def __init__(self, target: TraceTarget | None, size: int | None) -> None:
        self.size = size
        self.error = ""
        self._target = target
        self._own = RunTrace(None)
        self._files: dict[str, Path] = {}
        self._offsets: dict[str, float] = {}
        self._ends: dict[str, PartEnd] = {}
        self._died: list[str] = []
        self._lock = threading.Lock()
        self._is_merged = False

    @property
    def name(self) -> str | None:
        """The path of the trace, None if there is none."""
        return None if self._target is None else str(self._target.path)

    @property
    def cut(self) -> int:
        """How many bytes are missing at its beginning."""
        cut = sum(end.trace_cut for end in self._ends.values())
        return cut + (0 if self._target is None else self._target.cut)

    def observe(self, system: System, path: Path) -> None:
        """Write a part of this process's own System to a path."""
        if self._target is None:
            return
        self._files[PARENT] = path
        try:
            self._own = RunTrace(open_trace(path, size_max=self.size), of_part=True)
        except OSError as error:
            self.error = error.strerror or str(error)
        else:
            self._own.observe(system)

    def add(self, process: str, path: Path) -> Path | None:
        """Return where a process has to write its part, None for nowhere."""
        if self._target is None:
            return None
        self._files[process] = path
        return path

    def shift(self, process: str, offset: float) -> None:
        """Note what to add to the times of a process."""
        self._offsets[process] = offset

    def ended(self, process: str, end: PartEnd | None, *, has_died: bool) -> None:
        """Note what a process has said at its end, if anything."""
        if end is not None:
            self._ends[process] = end
        if has_died:
            self._died.append(process)

    def merge(self) -> None:
        """Write the trace from its parts; only the first call does, from any thread."""
        with self._lock:
            if self._is_merged or self._target is None:
                return
            self._is_merged = True
        self._own.close()
        parts = [
            TracePart(name, path, self._offsets.get(name, 0.0))
            for name, path in self._files.items()
            if path.exists()  # not for a process that was ended before it began
        ]
        try:
            short = merge_traces(parts, self._target)
            self._target.close()
        except OSError as error:
            self.error = self.error or error.strerror or str(error)
            return
        self.error = self.error or self._why_short(short)

    def _why_short(self, short: dict[str, str]) -> str:
        if self._died:
            died = ", ".join(self._died)
            return f"without the last messages of {died}, which died"
        for name, end in self._ends.items():
            if end.trace_error:
                return f"process {name}: {end.trace_error}"
        return "; ".join(f"process {name}: {why}" for name, why in short.items())
