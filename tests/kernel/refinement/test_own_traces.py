"""Traces of this package's actors: each step is done again, and compared."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import pytest
from msgspec.structs import replace

from ccw_actors.errors import StreamError
from ccw_actors.kernel.refinement import check_own_trace
from ccw_actors.trace import EventRecord, HandledRecord, TraceReader, TypeRecord
from tests.cli.in_process import ccw_actors

OWN = Path(__file__).parent / "own" / "qemu.trace"
"""One run of the client on Linux 6.12.118, as `ccw-actors qemu --trace` wrote it."""


def read(file: Path) -> tuple[list[EventRecord], dict[int, TypeRecord]]:
    """Return the events of a trace, and its types."""
    with file.open("rb") as source:
        reader = TraceReader(source)
        return list(reader), reader.types


def test_trace_of_a_qemu() -> None:
    """Regions, Cio and subchannel have done what they would do."""
    answer = check_own_trace(*read(OWN))
    assert answer.refused is None
    assert set(answer.checked) == {
        "host/0.0.0190/cio",
        "host/0.0.0190/subchannel",
        "qemu/0.0.0190/vfio-ccw",
    }
    assert all(count > 20 for count in answer.checked.values())


def test_trace_of_a_run(tmp_path: Path) -> None:
    """In the shipped machine every layer of both guests agrees, and no one fails."""
    file = tmp_path / "run.trace"
    assert ccw_actors("run", "--trace", file).status == 0
    events, types = read(file)
    # A trace may end anywhere: the rest takes longer and adds nothing.
    answer = check_own_trace(events[:5000], types)
    assert answer.refused is None
    layers = {path.rpartition("/")[2] for path in answer.checked}
    assert layers == {"cio", "css", "emulator", "subchannel", "vfio-ccw"}
    assert sum(answer.checked.values()) > 2_000
    assert all(answer.unchecked.values())


def is_handled(one: EventRecord) -> TypeGuard[HandledRecord]:
    """Whether an event is a message that was handled."""
    return isinstance(one, HandledRecord)


def dropped(one: HandledRecord) -> HandledRecord | None:
    """Leave the message out."""
    del one
    return None


def changed(one: HandledRecord) -> HandledRecord | None:
    """Change the first number in the message."""
    name, *fields = one.message
    at = next(n for n, value in enumerate(fields) if type(value) is int)
    fields[at] += 1
    return replace(one, message=[name, *fields])


@pytest.mark.parametrize("change", [dropped, changed])
def test_other_messages_are_refused(
    change: Callable[[HandledRecord], HandledRecord | None],
) -> None:
    """A message of a checked actor that is missing, or another one, is noticed."""
    events, types = read(OWN)
    checked = set(check_own_trace(events, types).checked)
    last = {(one.sender, one.recipient): one for one in events if is_handled(one)}
    tried = 0
    for at, one in enumerate(events):
        if not is_handled(one) or one.sender not in checked:
            continue
        if last[one.sender, one.recipient] is one:
            continue  # a trace may end before it
        if not any(type(value) is int for value in one.message[1:]):
            continue
        other = change(one)
        others = [*events[:at], *([] if other is None else [other]), *events[at + 1 :]]
        refused = check_own_trace(others, types).refused
        assert refused is not None, one
        tried += 1
    assert tried > 10


def test_trace_without_its_beginning() -> None:
    """An actor's state is not known then."""
    events, types = read(OWN)
    with pytest.raises(StreamError, match="its beginning was cut off"):
        check_own_trace(events[150:], types)
