"""Messages with every kind of field, described independently of the codec."""

from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from hypothesis import strategies as st
from msgspec import Meta, Struct

from ccw_actors.transport import Codec, Message, Request

T = TypeVar("T")

# -- Messages ----------------------------------------------------------------------

U8: TypeAlias = Annotated[int, Meta(ge=0, le=0xFF)]
Address: TypeAlias = Annotated[int, Meta(ge=0)]


class Path:
    """A value that msgpack does not know."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)


class Ref(Path, Generic[T]):
    """Such a value, generic as a reference to an actor is."""


class Box(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value in a message."""

    low: U8
    data: bytes


class Deep(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value with values in it."""

    address: Address
    boxes: tuple[Box, ...]
    maybe: Box | None = None


class Bare(Message, frozen=True):
    """A message without fields."""


class Scalars(Message, frozen=True):
    """A message with one field of every simple kind."""

    flag: bool
    number: int
    small: U8
    address: Address
    real: float
    text: str
    data: bytes = b""


class Optionals(Message, frozen=True):
    """A message with fields that may be None, or absent."""

    data: bytes | None
    text: str | None = None
    timeout: float | None = None
    deep: Deep | None = None


class Many(Message, frozen=True):
    """A message with fields that hold several values."""

    numbers: tuple[int, ...]
    parts: tuple[bytes, ...]
    deeps: tuple[Deep, ...]
    pair: tuple[int, str]
    names: dict[str, int]
    kinds: frozenset[str]


class Reference(Message, frozen=True):
    """A message with custom values."""

    to: Ref[Bare]
    more: tuple[Ref[Any], ...] = ()
    maybe: Ref[Bare] | None = None


class Open(Message, frozen=True):
    """A message with a field of any type."""

    anything: Any = None
    error: str | None = None


class Nest(Message, frozen=True):
    """A message with a message in it, which may be another one of these."""

    inside: "Nest | Scalars | Bare | None"


class Question(Request[Bare | Scalars], frozen=True):
    """A request with one of several messages in it."""

    operation: Many | Optionals


KINDS = (Bare, Scalars, Optionals, Many, Reference, Open, Nest, Question)
ACCEPTED: Any = Bare | Scalars | Optionals | Many | Reference | Open | Nest | Question


def ref_to_wire(value: Any) -> Any:
    """Encode a reference as its path."""
    if isinstance(value, Path):
        return value.path
    raise TypeError(f"{type(value).__name__} cannot travel")


def ref_from_wire(kind: Any, value: Any) -> Any:
    """Decode a reference; an invalid one is quoted whole, as hooks do."""
    if get_origin(kind) is Ref and isinstance(value, str):
        return Ref[Any](value)
    raise TypeError(f"expected {kind}, got {value!r}")


CODEC = Codec(ref_to_wire, ref_from_wire)

# -- What a message is, said without the codec -----------------------------------------


@cache
def _fields(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value has the annotated type; a bool is not an int."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin is Annotated:
        return fits(value, args[0]) and _in_bounds(value, args[1])
    if origin in (Union, UnionType):
        return any(fits(value, arg) for arg in args)
    return type(value) is (origin or kind or NoneType) and _parts_fit(value, args)


def _in_bounds(value: Any, bounds: Meta) -> bool:
    low, high = bounds.ge, bounds.le
    return (low is None or value >= low) and (high is None or value <= high)


def _parts_fit(value: Any, args: tuple[Any, ...]) -> bool:
    if isinstance(value, Struct):
        hints = _fields(type(value)).items()
        return all(fits(getattr(value, name), hint) for name, hint in hints)
    if isinstance(value, Path):
        return type(value.path) is str
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return all(fits(key, args[0]) and fits(item, args[1]) for key, item in pairs)
    if isinstance(value, (tuple, frozenset)):
        items = list(cast("tuple[object, ...]", value))
        fixed = isinstance(value, tuple) and args[1:] != (...,)
        kinds = args if fixed else args[:1] * len(items)
        return len(kinds) == len(items) and all(map(fits, items, kinds))
    return True


def plain(value: Any) -> Any:
    """Return a value as plain msgpack shows it, with dicts and sets in order."""
    if isinstance(value, Struct):
        head = [type(value).__name__] if isinstance(value, Message) else []
        return head + [plain(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, Path):
        return value.path
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = sorted(cast("dict[str, object]", value).items())
        return {key: plain(item) for key, item in pairs}
    return value


# -- Strategies ------------------------------------------------------------------------

INTS = st.integers(-(2**63), 2**64 - 1)
UNSIGNED = st.integers(0, 2**64 - 1)
BYTES = st.binary(max_size=9)
TEXT = st.text(max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTS | st.floats() | TEXT | BYTES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
BOXES = st.builds(Box, st.integers(0, 255), BYTES)
DEEPS = st.builds(
    Deep, UNSIGNED, st.lists(BOXES, max_size=2).map(tuple), st.none() | BOXES
)
SCALARS = st.builds(
    Scalars,
    st.booleans(),
    INTS,
    st.integers(0, 255),
    UNSIGNED,
    st.floats(),
    TEXT,
    BYTES,
)
OPTIONALS = st.builds(
    Optionals,
    st.none() | BYTES,
    st.none() | TEXT,
    st.none() | st.floats(),
    st.none() | DEEPS,
)
MANY = st.builds(
    Many,
    st.lists(INTS, max_size=20).map(tuple),
    st.lists(BYTES, max_size=3).map(tuple),
    st.lists(DEEPS, max_size=2).map(tuple),
    st.tuples(INTS, TEXT),
    st.dictionaries(TEXT, INTS, max_size=3),
    st.frozensets(TEXT, max_size=3),
)
REFS = TEXT.map(Ref[Any])
BARE = st.builds(Bare)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    BARE,
    SCALARS,
    OPTIONALS,
    MANY,
    st.builds(Reference, REFS, st.lists(REFS, max_size=2).map(tuple), st.none() | REFS),
    st.builds(Open, PLAIN, st.none() | TEXT),
    st.recursive(
        st.none() | BARE | SCALARS, lambda inner: st.builds(Nest, inner), max_leaves=3
    ).map(Nest),
    st.builds(Question, MANY | OPTIONALS),
)
