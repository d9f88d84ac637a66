"""Events as lines and as JSON: names, bytes, and unknown types."""

import json
from typing import Any

import pytest

from ccw_actors.trace import (
    DeadLetterRecord,
    FailureRecord,
    HandledRecord,
    TypeRecord,
    as_json,
    as_line,
)
from ccw_actors.trace._records import FieldRecord
from tests.trace.play import events_of, recorded

PAIR = TypeRecord(1, "Pair", False, (FieldRecord("left"), FieldRecord("right")))  # noqa: FBT003
MOVE = TypeRecord(
    2,
    "Move",
    True,  # noqa: FBT003
    (
        FieldRecord("by"),
        FieldRecord("pair", (1,)),
        FieldRecord("pairs", (1,), many=True),
    ),
)
TYPES = {1: PAIR, 2: MOVE}


def handled(*fields: Any) -> HandledRecord:
    """Return the record of a `Move` with these fields."""
    return HandledRecord(12, 7, 1.0, 1.25, "a/b", "", 2, ["Move", *fields])


SHOWN: list[tuple[tuple[Any, ...], str]] = [
    ((1, None, []), "Move(by=1, pair=None, pairs=[])"),
    ((1, [2, "x"], []), "Move(by=1, pair=Pair(left=2, right='x'), pairs=[])"),
    (
        (1, None, [[1, 2], [3, 4]]),
        "Move(by=1, pair=None, pairs=[Pair(left=1, right=2), Pair(left=3, right=4)])",
    ),
    ((b"\x00\xff",), "Move(by=x'00ff')"),
    ((bytes(16),), f"Move(by=x'{'00' * 16}')"),
    ((bytes(17),), f"Move(by=x'{'00' * 16}...' (17 bytes))"),
    (({"k": [b"\x01", 1.5, True]},), "Move(by={'k': [x'01', 1.5, True]})"),
    ((1, None, [], "more"), "Move(by=1, pair=None, pairs=[], [0]='more')"),
    ((1, 5, 6), "Move(by=1, pair=5, pairs=6)"),
    (("line\nfeed",), r"Move(by='line\nfeed')"),
]


@pytest.mark.parametrize(("fields", "shown"), SHOWN)
def test_line(fields: tuple[Any, ...], shown: str) -> None:
    """A line has time, number, cause, sender, recipient, and the fields by name."""
    line = as_line(handled(*fields), TYPES)
    assert line == f"    1.250000 #12     #7      a/b -> outside  {shown}"


def test_line_of_a_dead_letter() -> None:
    """The line of a dead letter ends with the reason."""
    event = DeadLetterRecord(3, 0, 0.0, 2.0, "", "x", 1, [1, 2], "nobody there")
    assert as_line(event, TYPES) == (
        "    2.000000 #3      -       outside -> x  Pair(left=1, right=2)"
        "  dead letter: nobody there"
    )


def test_line_of_a_failure() -> None:
    """The line of a failure has the actor, the message and the reason."""
    event = FailureRecord(3, 2.0, "x", "Move", "ValueError: no")
    assert (
        as_line(event, TYPES) == "    2.000000 #3      x failed on Move: ValueError: no"
    )


def test_json() -> None:
    """As JSON every field has its name, and bytes are digits, all of them."""
    event = handled(bytes(20), [1, b"\xff"], [[{"k": b"\x01"}, None]])
    assert json.loads(json.dumps(as_json(event, TYPES))) == {
        "event": "handled",
        "number": 12,
        "cause": 7,
        "sent_at": 1.0,
        "handled_at": 1.25,
        "sender": "a/b",
        "recipient": "",
        "message": {
            "type": "Move",
            "fields": {
                "by": "00" * 20,
                "pair": {"type": "Pair", "fields": {"left": 1, "right": "ff"}},
                "pairs": [
                    {"type": "Pair", "fields": {"left": {"k": "01"}, "right": None}}
                ],
            },
        },
    }


def test_json_of_a_failure() -> None:
    """A failure is an object with its fields."""
    event = FailureRecord(3, 2.0, "x", "Move", "ValueError: no")
    assert as_json(event, TYPES) == {
        "event": "failure",
        "number": 3,
        "failed_at": 2.0,
        "actor": "x",
        "message": "Move",
        "reason": "ValueError: no",
    }


def test_a_whole_trace() -> None:
    """Every event of a real trace is one line, and one JSON object."""
    events, reader = events_of(recorded())
    lines = [as_line(event, reader.types) for event in events]
    assert not any("\n" in line for line in lines)
    assert lines[1].endswith(
        "host/driver -> host/disk  Write("
        "blocks=[Block(address=16, data=x'0102'), Block(address=32, data="
        "x'000102030405060708090a0b0c0d0e0f...' (40 bytes))],"
        " first=Block(address=1, data=x''), steps=[Skip(count=2), Jump(target=9)],"
        " to=ReplyTo(ref=None, ask=0, system='system'), options={'deep': [x'ff']})"
    )
    assert all(json.dumps(as_json(event, reader.types)) for event in events)
