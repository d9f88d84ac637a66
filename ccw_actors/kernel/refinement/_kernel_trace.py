"""KernelTrace: what a kernel did in one run, as a file of JSON lines.

The first line is the header, and each further line one event, in the order of the
kernel's trace clock. A file whose name ends in ".gz" is compressed.
"""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct, field

from ccw_actors.kernel.refinement._errors import KernelTraceError

__all__ = [
    "TRACE_FORMAT",
    "TRACE_VERSION",
    "Header",
    "KernelEvent",
    "KernelTrace",
    "is_kernel_trace",
    "read_kernel_trace",
    "write_kernel_trace",
]

TRACE_FORMAT: Final = "ccw-actors kernel trace"
TRACE_VERSION: Final = 1
_SIZE_MAX: Final = 256 << 20

Value: TypeAlias = int | str


class Header(Struct, frozen=True, kw_only=True):
    """Which kernel was traced, and where it ran.

    `kernel` is its version, such as "6.12.118". `package` is Debian's, "" for one's own
    tree. `configuration` names what was added, `change` the change under test. `qemu`
    is the version of the QEMU that it ran in. `missing` are functions of `PROBES` that
    could not be probed. `note` is for the reader.
    """

    format: str = TRACE_FORMAT
    version: int = TRACE_VERSION
    kernel: str = ""
    package: str = ""
    configuration: tuple[str, ...] = ()
    change: str = ""
    qemu: str = ""
    cpus: int = 1
    missing: tuple[str, ...] = ()
    note: str = ""


class KernelEvent(Struct, frozen=True, omit_defaults=True):
    """One event: its time in seconds, its CPU, and the task that the CPU had.

    `task` is a name and a number, as in "client/44". `interrupt` says that the CPU was
    in an interrupt. `event` is "enter" or "exit" and a function, the name of an
    instruction, or another one of `EVENTS`; `values` are its data.
    """

    at: float
    cpu: int
    task: str
    event: str
    interrupt: bool = False
    values: dict[str, Value] = field(default_factory=dict[str, Value])

    def number(self, name: str) -> int:
        """Return a value that is a number.

        Raises `KernelTraceError` if there is none.
        """
        value = self.values.get(name)
        if not isinstance(value, int):
            raise KernelTraceError(f"{self.event}: expected a number {name!r}")
        return value


class KernelTrace(Struct, frozen=True):
    """A header, and the events in their order."""

    header: Header
    events: tuple[KernelEvent, ...]


_header = msgspec.json.Decoder(Header)
_event = msgspec.json.Decoder(KernelEvent)


def is_kernel_trace(path: Path) -> bool:
    """Whether a file begins as a trace of a kernel does, of whatever version.

    Raises `OSError` if it cannot be read.
    """
    with _opened(path) as source:
        try:
            first = source.read(4096)
        except (OSError, EOFError):
            return False
    return TRACE_FORMAT.encode() in first.partition(b"\n")[0]


def read_kernel_trace(path: Path) -> KernelTrace:
    """Read a file.

    Raises:
        KernelTraceError: It is not a trace of a kernel, has another version, or is cut
            short; the text names the line.
        OSError: It cannot be read.
    """
    try:
        with _opened(path) as source:
            data = source.read(_SIZE_MAX + 1)
    except (EOFError, gzip.BadGzipFile) as error:
        raise KernelTraceError(f"not a trace of a kernel: {error}") from error
    if len(data) > _SIZE_MAX:
        raise KernelTraceError(f"more than {_SIZE_MAX >> 20} MiB")
    first, _, rest = data.partition(b"\n")
    return KernelTrace(_read_header(first), tuple(_read_events(rest)))


def write_kernel_trace(trace: KernelTrace, path: Path) -> None:
    """Write a file. Raises `OSError` if it cannot be written."""
    parts = (trace.header, *trace.events)
    data = b"".join(msgspec.json.encode(one) + b"\n" for one in parts)
    if trace.header == Header():
        raise KernelTraceError("the header names no kernel")
    # Without a time in it, the same trace gives the same bytes.
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _opened(path: Path) -> "gzip.GzipFile":
    """Open a file, compressed or not, as its first bytes say."""
    with path.open("rb") as source:
        is_compressed = source.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_compressed else path.open("rb")  # type: ignore[return-value]


class _Begin(Struct):
    """The fields of a header that every version has."""

    format: str = ""
    version: int = 0


def _read_header(line: bytes) -> Header:
    try:
        begin = msgspec.json.decode(line, type=_Begin)
    except msgspec.ValidationError:
        begin = _Begin()
    except msgspec.DecodeError as error:
        raise KernelTraceError(f"not a trace of a kernel: {error}") from error
    if begin.format != TRACE_FORMAT:
        raise KernelTraceError(
            f"not a trace of a kernel: expected format {TRACE_FORMAT!r}"
        )
    if begin.version != TRACE_VERSION:
        raise KernelTraceError(
            f"the trace has version {begin.version}, this command reads version"
            f" {TRACE_VERSION}: record it again, or use the ccw-actors that wrote it"
        )
    try:
        return _header.decode(line)
    except msgspec.ValidationError as error:
        raise KernelTraceError(f"line 1: {error}") from error


def _read_events(rest: bytes) -> Iterator[KernelEvent]:
    lines: Iterable[bytes] = rest.split(b"\n")
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        try:
            yield _event.decode(line)
        except msgspec.DecodeError as error:
            raise KernelTraceError(f"line {number}: {error}") from error
