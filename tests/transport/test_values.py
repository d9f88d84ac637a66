"""The tables in the docs: decoded values of fields, and types that cannot travel.

Each row is Python: the type of a field, and a value for it. What comes back, or what is
said, is what the codec does, and the page of the documents has to say the same.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec
import pytest

from ccw_actors.errors import MessageError
from ccw_actors.transport import Codec, Message

PAGE = Path(__file__).parents[2] / "docs" / "runtime" / "messages.md"

PROGRAM = """
import datetime as dt
import re
from collections import OrderedDict, deque, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
"""


class Colour(enum.Enum):
    """An enum of texts."""

    RED = "r"


class Level(enum.IntEnum):
    """An enum whose members are ints."""

    LOW = 1


class Odd(enum.Enum):
    """An enum of neither."""

    HALF = 0.5


class Note(Message, frozen=True):
    """A message in a message."""

    text: str


class Ping(Message, frozen=True):
    """Another one."""


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A struct."""

    x: int


class Point3(Point, frozen=True, array_like=True):
    """One that has more fields."""

    z: int = 0


class Pair(NamedTuple):
    """A tuple whose fields have names."""

    x: int


class Size(TypedDict):
    """A dict whose keys are known."""

    x: int


@dataclass
class Place:
    """A dataclass."""

    x: int


class Custom:
    """A plain class."""

    def __repr__(self) -> str:
        return "Custom()"


# Decoded values: a field's type, and values for it.
TRAVELS = """
bool | True
int | -2**63 | 2**64 - 1
int | Level.LOW
float | 1.5 | float("inf") | -0.0
float | 3
float | 2**53 + 1
str | "\\u00e9"
bytes | b"a"
bytes | bytearray(b"a")
bytearray | bytearray(b"a")
None | None
list[int] | [1, 2]
list[int] | (1, 2)
tuple[int, str] | (1, "a")
tuple[int, ...] | (1, 2) | ()
tuple[int, ...] | [1, 2]
set[int] | {1, 2}
frozenset[str] | frozenset("a")
dict[str, int] | {"b": 1, "a": 2}
dict[int, str] | {1: "a"}
dict[tuple[int, str], int] | {(1, "a"): 2}
dict[str, int] | defaultdict(int, a=1)
Sequence[int] | [1] | (1,)
Mapping[str, int] | {"a": 1}
Point | Point(1)
Point | Point3(1, 2)
Note \\| Ping | Note("a") | Ping()
Place | Place(1)
Pair | Pair(1)
Size | Size(x=1)
Colour | Colour.RED
Level | Level.LOW
Literal["a", 1] | "a" | 1
Annotated[int, Meta(ge=0)] | 1
int \\| str \\| None | 1 | "a" | None
int \\| float | 3 | 3.0
UUID | UUID(int=5)
Decimal | Decimal("1.10")
dt.date | dt.date(2026, 1, 31)
dt.datetime | dt.datetime(2026, 1, 31)
dt.datetime | dt.datetime(2026, 1, 31, fold=1)
dt.datetime | dt.datetime(2026, 1, 31, tzinfo=dt.timezone(dt.timedelta(hours=1)))
dt.time | dt.time(1, 2, 3)
dt.time | dt.time(1, tzinfo=dt.timezone(dt.timedelta(seconds=61)))
dt.timedelta | dt.timedelta(microseconds=1)
Any | {"a": [1, 2.5, None, b"b"]}
Any | (1, {2})
Any | Colour.RED | UUID(int=5)
Any | Point(1) | Place(1)
"""

# Types that are refused when a decoder is created.
TYPES = """
object
complex
Fraction
deque[int]
OrderedDict[str, int]
Iterable[int]
Path
IPv4Address
dt.timezone
re.Pattern[str]
ValueError
type
Callable[[int], int]
Custom
Odd
str \\| bytes
str \\| UUID
list[int] \\| tuple[int, ...]
dict[str, int] \\| dict[int, str]
"""

# Values that are refused when they are sent or received.
VALUES = """
int | 2**64
int | True
int | 1.0
bool | 1
str | "\\ud800"
str | b"a"
list[int] | {1: 2}
Annotated[int, Meta(ge=0)] | -1
Literal["a"] | "b"
Colour | "green"
tuple[int, str] | (1,)
Any | 1j
Any | Path("a")
Any | deque([1])
Any | ValueError("a")
Any | {Colour.RED: 1, "r": 2}
"""

NAMES: dict[str, Any] = {}
exec(PROGRAM, NAMES)  # noqa: S102 - the rows below are Python, and stand in the page
NAMES.update(
    (one.__name__, one)
    for one in (
        *(Colour, Level, Odd, Custom),
        *(Note, Ping, Point, Point3, Pair, Size, Place),
    )
)


def value_of(text: str) -> Any:
    """Return the Python value of a table cell."""
    return eval(text.replace("\\|", "|"), NAMES)  # noqa: S307 - see above


def message_of(text: str) -> Any:
    """Return a message with a field of that type."""
    fields = [("field", value_of(text))]
    return msgspec.defstruct("M", fields, bases=(Message,), frozen=True)


def rows(table: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the type and the values of each row."""
    for line in table.strip().splitlines():
        kind, *values = line.replace("\\|", "\0").split(" | ")
        yield kind.replace("\0", "\\|"), values


def sent(kind: str, value: str) -> Any:
    """Return the decoded value of a field."""
    message = message_of(kind)
    codec = Codec()
    return codec.decoder(message)(codec.encode(message(value_of(value)))).field


def back(kind: str, value: str) -> str:
    """Return the last cell of a row: the decoded value, or "the same"."""
    before, after = value_of(value), sent(kind, value)
    same = type(before) is type(after) and repr(before) == repr(after)
    return "the same" if same else f"`{shown(after)}`"


def shown(value: object) -> str:
    """Return how a value is written in the page."""
    return repr(value).replace("datetime.", "dt.").replace("dt.dt.", "dt.")


def travel_table() -> str:
    """Return the table of decoded values."""
    lines = ["| field | value | comes back as |", "|---|---|---|"]
    for kind, values in rows(TRAVELS):
        found = [back(kind, value) for value in values]
        same = found if len(set(found)) > 1 else found[:1]
        cells = ", ".join(f"`{value}`" for value in values)
        lines.append(f"| `{kind}` | {cells} | {', '.join(same)} |")
    return "\n".join(lines) + "\n"


def refusal_of_type(kind: str) -> str:
    """Return the error for a type when a decoder is created."""
    with pytest.raises(TypeError) as info:
        Codec().decoder(message_of(kind))
    return str(info.value)


def type_table() -> str:
    """Return the table of types that are refused."""
    lines = ["| field | error when the decoder is created |", "|---|---|"]
    for kind, _ in rows(TYPES):
        said = refusal_of_type(kind).replace("|", "\\|")
        lines.append(f"| `{kind}` | {said} |")
    return "\n".join(lines) + "\n"


def refusal_of_value(kind: str, value: str) -> tuple[str, str]:
    """Return when a value is refused, and the error."""
    message = message_of(kind)
    codec = Codec()
    try:
        payload = codec.encode(message(value_of(value)))
    except (TypeError, OverflowError) as error:
        return "sent", str(error)
    with pytest.raises(MessageError) as info:
        codec.decoder(message)(payload)
    return "received", str(info.value)


def value_table() -> str:
    """Return the table of values that are refused."""
    lines = ["| field | value | when | error |", "|---|---|---|---|"]
    for kind, (value,) in rows(VALUES):
        when, said = refusal_of_value(kind, value)
        lines.append(f"| `{kind}` | `{value}` | {when} | {said} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("table", [travel_table, type_table, value_table])
def test_page_has_the_table(table: Any) -> None:
    """The page agrees with the codec, row by row."""
    assert table() in PAGE.read_text()


if __name__ == "__main__":
    print(travel_table(), type_table(), value_table(), sep="\n")  # noqa: T201
