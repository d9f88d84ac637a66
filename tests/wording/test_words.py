"""Values in words: what `ccw-actors trace` prints, and the drawings."""

import io

import pytest

from ccw_actors.trace import HandledRecord, TraceReader, message_of
from ccw_actors.wording import Values, brief_of, fields_of, line_of, named
from tests.show.pages import everything, hostile_trace, trace_of


def fields() -> dict[str, str]:
    """Return the fields of a message with a value of each kind, in words."""
    reader = TraceReader(io.BytesIO(trace_of(everything())))
    (event,) = reader
    assert isinstance(event, HandledRecord)
    values = Values()
    body = values.write(message_of(event, reader.types))
    return fields_of(body, values.types)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("orb", "flags=0x20c2 (key 2, F: format-1 CCWs, P: unlimited prefetch"),
        ("orb", "cpa=0x00002000"),
        ("irb", "fctl=0x04 (start), actl=0x20 (start-pending)"),
        ("irb", "dstat=0x0e (channel-end, device-end, unit-check)"),
        ("irb", "ecw=80000000 00000000"),
        ("irb", "(command reject)"),
        ("irb", "emw=32 bytes of zeros"),
        ("pmcw", "flags=0x1801 (ISC 3, V: "),
        ("errno", "16 (EBUSY)"),
        ("sense", "1002 (equipment check)"),
        ("large", "18446744073709551615"),
        ("program", "Piece(address=0x00002000, data=03400000 00000000 "),
    ],
)
def test_each_field_is_in_words(field: str, words: str) -> None:
    """Bits, commands, errnos and sense bytes have their names."""
    assert words in fields()[field]


def test_a_program_is_its_ccws_in_the_order_of_fetching() -> None:
    """Each CCW has its address; a TIC leads to the next."""
    found = fields()["channel program"].split(", 0x")
    assert [one.lstrip("[0x").split(" ")[0] for one in found] == [
        "2000",
        "2008",
        "3000",
    ]
    assert "code=0x08 (tic)" in found[1]
    assert "count=0x0050" in found[2]


def test_plain_values() -> None:
    """What JSON lacks keeps its value, and long values say how long they are."""
    values = Values()
    for value, text in (
        (None, "none"),
        (True, "yes"),
        (-3, "-3"),
        (0.5, "0.5"),
        ("it's", '"it\'s"'),
        (b"", "no bytes"),
        (bytes(range(40)), "... (40 bytes)"),
        ([1, [2]], "[1, [2]]"),
        ({"a": b"\1"}, "{'a': 01}"),
        (range(1000), "... (1,000 in all)]"),
    ):
        assert line_of(values.write(named(value)), ()).endswith(text), value


def test_hostile_values_are_texts() -> None:
    """Any message of a trace has a text, whatever its fields are called."""
    reader = TraceReader(io.BytesIO(hostile_trace()))
    values = Values()
    for event in reader:
        if isinstance(event, HandledRecord):
            body = values.write(message_of(event, reader.types))
            assert line_of(body, values.types)
            assert isinstance(brief_of(body, values.types), str)


def test_a_field_that_is_called_as_a_program() -> None:
    """The name of a field does not make its value a channel program."""
    odd: dict[str, object] = {"channel program": [1, "x", {"a": 2}, None]}
    values = Values()
    body = values.write(named(odd))
    assert line_of(body, values.types) == (
        "{'channel program': [1, 'x', {'a': 2}, none]}"
    )
