"""Reads the text of tracefs' file `trace`, recorded with the probes of `PROBES`."""

import re
from collections.abc import Iterator
from typing import Final

from ccw_actors.kernel.refinement._errors import KernelTraceError
from ccw_actors.kernel.refinement._kernel_trace import (
    Header,
    KernelEvent,
    KernelTrace,
    Value,
)
from ccw_actors.kernel.refinement._probes import PROBES

__all__ = ["EVENTS", "read_tracefs"]

_LINE: Final = re.compile(
    r"\s*(?P<task>\S.*)-(?P<pid>\d+)\s+(?:\([-\d\s]+\)\s+)?\[(?P<cpu>\d+)\]"
    r"\s+(?P<flags>\S+)\s+(?P<at>\d+\.\d+): (?P<name>\w+): (?P<rest>.*)"
)
_COUNTS: Final = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)")
_WORD: Final = re.compile(r"(\w+)=(\S+)")
_MARK: Final = re.compile(r"(call|ret) (\w+)(?: (-?\d+))?(?: irb=([0-9a-f]{24}))?$")
_NUMBER: Final = re.compile(r"-?(?:0x[0-9a-fA-F]+|0|[1-9]\d*)$")
_FLAGS_INTERRUPT: Final = frozenset("hHzZ")

_TRACEPOINTS: Final = {
    "s390_cio_ssch": ("ssch", ("cc",)),
    "s390_cio_hsch": ("hsch", ("cc",)),
    "s390_cio_csch": ("csch", ("cc",)),
    "s390_cio_xsch": ("xsch", ("cc",)),
    "s390_cio_msch": ("msch", ("cc", "ena")),
    "s390_cio_tsch": ("tsch", ("cc", "dcc", "fctl", "actl", "stctl", "dstat", "cstat")),
    "s390_cio_interrupt": ("interrupt", ()),
    "vfio_ccw_fsm_event": ("fsm event", ("state", "event")),
    "vfio_ccw_fsm_io_request": ("io request", ("fctl", "errno")),
    "vfio_ccw_fsm_async_request": ("async request", ("command", "errno")),
    "vfio_ccw_chp_event": ("path event", ("mask", "event")),
}
"""By the name of the tracepoint: the name here, and the values."""
_ARGUMENTS: Final = {
    one.function: tuple(part.partition("=")[0] for part in one.arguments.split())
    for one in PROBES
}
_HAS_RESULT: Final = frozenset(one.function for one in PROBES if one.result)
EVENTS: Final = frozenset(
    {name for name, _ in _TRACEPOINTS.values()}
    | {f"{side} {one.function}" for one in PROBES for side in ("enter", "exit")}
    | {"call", "ret"}
)
"""The events that a trace may have; the client writes "call" and "ret" itself."""


def read_tracefs(text: str, header: Header) -> KernelTrace:
    """Read the text of `trace`.

    Lines of tracers, and of events that are not in `EVENTS`, are left out, and so are
    instructions for subchannels that are not the one of vfio_ccw.

    Raises:
        KernelTraceError: A line is cut short or cannot be read, or the kernel has lost
            events; the text has the number of the line.
    """
    found = list(_read_lines(text))
    # vfio_ccw's tracepoints name its subchannel; the others are for every one.
    own = {event.values.get("schid") for event in found if event.event == "fsm event"}
    if len(own) > 1:
        raise KernelTraceError(
            f"the trace has {len(own)} devices of vfio_ccw: trace one at a time"
        )
    events = tuple(
        _without_schid(event)
        for event in found
        if event.values.get("schid") in own | {None}
    )
    if not events:
        raise KernelTraceError(
            "no event of vfio_ccw: enable the events of PROBES before the run"
        )
    return KernelTrace(header, events)


def _without_schid(event: KernelEvent) -> KernelEvent:
    values = {name: one for name, one in event.values.items() if name != "schid"}
    return KernelEvent(
        event.at, event.cpu, event.task, event.event, event.interrupt, values
    )


def _read_lines(text: str) -> Iterator[KernelEvent]:
    for number, line in enumerate(text.splitlines(), 1):
        if counts := _COUNTS.match(line):
            _check_counts(int(counts[1]), int(counts[2]))
        if not line.strip() or line.startswith("#"):
            continue
        if "LOST" in line and "EVENTS]" in line:
            raise KernelTraceError(f"line {number}: events were lost: {_LARGER}")
        parts = _LINE.match(line)
        if parts is None:
            raise KernelTraceError(f"line {number}: not a line of tracefs: {line!r}")
        event = _read_event(parts, number)
        if event is not None:
            yield event


_LARGER: Final = "write a larger number to buffer_size_kb, and record it again"


def _check_counts(there: int, written: int) -> None:
    if there != written:
        raise KernelTraceError(f"{there} of {written} events are left: {_LARGER}")


def _read_event(parts: re.Match[str], number: int) -> KernelEvent | None:
    named = _named(parts["name"], parts["rest"], number)
    if named is None:
        return None
    name, values = named
    return KernelEvent(
        float(parts["at"]),
        int(parts["cpu"]),
        f"{parts['task']}/{parts['pid']}",
        name,
        bool(_FLAGS_INTERRUPT & set(parts["flags"])),
        values,
    )


def _named(name: str, rest: str, number: int) -> tuple[str, dict[str, Value]] | None:
    """Return the name of an event and its values, None for one of no concern."""
    if name == "tracing_mark_write":
        return _mark(rest)
    values = {one[1]: _value(one[2]) for one in _WORD.finditer(rest)}
    if name in _TRACEPOINTS:
        event, wanted = _TRACEPOINTS[name]
        return event, _only(values, ("schid", *wanted), name, number)
    side, _, function = name.partition("_")
    if function not in _ARGUMENTS or side not in ("enter", "exit"):
        return None
    if side == "enter":
        wanted = _ARGUMENTS[function]
    else:
        wanted = ("ret",) if function in _HAS_RESULT else ()
    if not rest.startswith("(") or ")" not in rest:
        raise KernelTraceError(f"line {number}: {name} is cut short")
    return f"{side} {function}", _only(values, wanted, name, number)


def _mark(rest: str) -> tuple[str, dict[str, Value]] | None:
    """Read what a client has written to `trace_marker`."""
    parts = _MARK.match(rest.strip())
    if parts is None:
        return None
    values: dict[str, Value] = {"name": parts[2]}
    if parts[3] is not None:
        values["value"] = int(parts[3])
    if parts[4] is not None:
        values["irb"] = parts[4]
    return parts[1], values


def _value(text: str) -> Value:
    return int(text, 0) if _NUMBER.match(text) else text


def _only(
    values: dict[str, Value], wanted: tuple[str, ...], name: str, number: int
) -> dict[str, Value]:
    missing = [one for one in wanted if one not in values]
    if missing:
        raise KernelTraceError(
            f"line {number}: {name} is cut short: no {', '.join(missing)}"
        )
    return {one: values[one] for one in wanted}
