"""Traces of kernels: the file, and the text of tracefs that it is made from."""

import gzip
import json
from pathlib import Path

import pytest

from ccw_actors.designs import DESIGNS, STEPS
from ccw_actors.kernel.refinement import (
    EVENTS,
    INPUTS,
    PROBES,
    VISIBLE,
    Header,
    KernelEvent,
    KernelTrace,
    KernelTraceError,
    check_kernel_trace,
    is_kernel_trace,
    probes,
    read_kernel_trace,
    read_tracefs,
    write_kernel_trace,
)
from tests.kernel.refinement.recorded import traces_of

HEADER = Header(kernel="6.12.118", package="linux-source-6.12 6.12.118-1", qemu="7.2")
TEXT = """\
# tracer: nop
# entries-in-buffer/entries-written: 6/6   #P:1
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
   a name-44      [000] .....    13.046999: enter_cp_free: (cp_free+0x0/0x1) \
initialized=1
          client-44      [001] d.h..    13.326353: s390_cio_tsch: schid=0.0.0000 cc=0 \
dcc=0 pno=0 fctl=0x2 actl=0x0 stctl=0x1 dstat=0x0 cstat=0x0
          client-44      [001] d.h..    13.326354: s390_cio_csch: schid=0.0.0001 cc=0
          client-44      [001] d.h..    13.326484: vfio_ccw_fsm_event: schid=0.0.0000 \
state=3 event=2
          client-44      [000] .....    13.379018: tracing_mark_write: ret read 0 \
irb=00c04017000105080e000001
          client-44      [000] .....    13.379019: some_other_event: a=1
"""


def test_text_of_tracefs() -> None:
    """Each line is an event; those of other subchannels and tracers are left out."""
    trace = read_tracefs(TEXT, HEADER)
    assert trace.header == HEADER
    assert [one.event for one in trace.events] == [
        "enter cp_free",
        "tsch",
        "fsm event",
        "ret",
    ]
    entry, irb, event, mark = trace.events
    assert entry == KernelEvent(
        13.046999, 0, "a name/44", "enter cp_free", values={"initialized": 1}
    )
    assert (irb.cpu, irb.interrupt, irb.number("fctl")) == (1, True, 2)
    assert event.values == {"state": 3, "event": 2}
    assert mark.values["irb"] == "00c04017000105080e000001"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TEXT[: TEXT.index(" actl")], "line 5: s390_cio_tsch is cut short"),
        (TEXT[: TEXT.index("+0x0/0x1")], "line 4: enter_cp_free is cut short"),
        (TEXT[: TEXT.index("[001]")], "line 5: not a line of tracefs"),
        (TEXT.replace("6/6", "6/9"), "6 of 9 events are left: write a larger number"),
        (TEXT + "CPU:1 [LOST 12 EVENTS]\n", "line 10: events were lost"),
        ("# nothing\n", "no event of vfio_ccw: enable the events"),
        (
            TEXT + TEXT.splitlines()[6].replace("0.0.0000", "0.0.0001") + "\n",
            "2 devices of vfio_ccw",
        ),
    ],
)
def test_text_that_is_damaged(text: str, complaint: str) -> None:
    """The error has the line, and what to do."""
    with pytest.raises(KernelTraceError, match=complaint.replace("+", r"\+")):
        read_tracefs(text, HEADER)


def test_every_line_cut_short_is_an_error_or_a_shorter_trace() -> None:
    """Cut at any byte, the text never gives an event with other values."""
    whole = read_tracefs(TEXT, HEADER).events
    for end in range(len(TEXT)):
        try:
            events = read_tracefs(TEXT[:end], HEADER).events
        except KernelTraceError:
            continue
        assert events[:-1] == whole[: len(events) - 1]


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_file(tmp_path: Path, name: str) -> None:
    """A trace is read as it was written, compressed or not."""
    trace = read_tracefs(TEXT, HEADER)
    file = tmp_path / name
    write_kernel_trace(trace, file)
    assert is_kernel_trace(file)
    assert read_kernel_trace(file) == trace
    raw = file.read_bytes()
    lines = (gzip.decompress(raw) if name.endswith("gz") else raw).splitlines()
    assert json.loads(lines[0])["format"] == "ccw-actors kernel trace"
    assert json.loads(lines[1])["task"] == "a name/44"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a trace of a kernel"),
        (b"\x93\xa5trace", "not a trace of a kernel"),
        (b"[]\n", "expected format 'ccw-actors kernel trace'"),
        (b'{"format":"other"}\n', "expected format 'ccw-actors kernel trace'"),
        (
            b'{"format":"ccw-actors kernel trace","version":2}\n',
            "has version 2, this command reads version 1: record it again",
        ),
        (
            b'{"format":"ccw-actors kernel trace","version":1,"cpus":"x"}\n',
            "line 1: Expected `int`, got `str`",
        ),
        (
            b'{"format":"ccw-actors kernel trace","version":1}\n{"at":1.0,"cp',
            "line 2: Input data was truncated",
        ),
        (b"\x1f\x8b\x08\x00", "not a trace of a kernel"),
    ],
)
def test_file_that_is_none(tmp_path: Path, data: bytes, complaint: str) -> None:
    """The error says what was expected."""
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(KernelTraceError, match=complaint):
        read_kernel_trace(file)


def test_calls_that_are_not_nested() -> None:
    """A trace that has lost an event inside is refused with a reason."""
    events = [
        KernelEvent(1.0, 0, "client/1", f"enter {name}")
        for name in ("vfio_ccw_mdev_write", "fsm_io_request")
    ]
    events.append(KernelEvent(2.0, 0, "client/1", "exit vfio_ccw_mdev_write"))
    trace = KernelTrace(HEADER, tuple(events))
    with pytest.raises(KernelTraceError, match="event 3: client/1 leaves"):
        check_kernel_trace(trace, DESIGNS["2026"].choices)


def test_every_step_of_the_models_is_visible_or_an_input() -> None:
    """The table has all of them, and no other."""
    assert set(STEPS) == VISIBLE.keys() | INPUTS.keys()
    assert not VISIBLE.keys() & INPUTS.keys()


def test_what_a_section_shows_can_be_traced() -> None:
    """Each function of the table has a probe, and each event a name in `EVENTS`."""
    functions = {one.function for one in PROBES}
    for visible in VISIBLE.values():
        assert set(visible.inside) <= functions
        assert {*visible.first, *visible.before, *visible.after} <= EVENTS


def test_probes_of_a_kernel() -> None:
    """Functions that it does not have are left out, and named."""
    all_of_them = probes(one.function for one in PROBES)
    assert all_of_them.missing == ()
    assert len(all_of_them.lines) == 2 * len(PROBES)
    assert all_of_them.lines[0] == (
        "p:ccw_actors/enter_vfio_ccw_mdev_write vfio_ccw_mdev_write"
        " offset=+0($arg4):x64"
    )
    some = probes(["cp_free"])
    assert some.lines == (
        "p:ccw_actors/enter_cp_free cp_free initialized=+48($arg1):u8",
        "r16:ccw_actors/exit_cp_free cp_free",
    )
    assert "cp_init" in some.missing


def test_recorded_traces_name_their_kernel() -> None:
    """Version, package, QEMU and number of CPUs are in each header."""
    for design in ("2026", "v6.0", "clear-flag"):
        for name, trace in traces_of(design).items():
            header = trace.header
            assert header.kernel == name.partition("-")[0]
            assert header.package.startswith("linux-source-")
            assert header.qemu
            assert bool(header.change) is (design != "2026")
