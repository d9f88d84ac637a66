"""One fault: when it happens, how often, and what it does."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct

from ccw_actors.errors import FaultError
from ccw_actors.faults._sense import SENSE_NAMES, is_sense

__all__ = [
    "EFFECTS",
    "FAULT_EXPECTED",
    "OF_THE_PROGRAM",
    "STATUSES",
    "Effect",
    "Fault",
    "FaultProblem",
    "Status",
    "check_fault",
    "fault_problems",
]

Effect: TypeAlias = Literal[
    "unit check",
    "busy",
    "control unit busy",
    "stall",
    "late interrupt",
    "lost interrupt",
    "path off",
    "path on",
    "unsolicited status",
    "not operational",
]
Status: TypeAlias = Literal["attention", "device end", "control unit end"]

EFFECTS: Final[tuple[str, ...]] = get_args(Effect)
STATUSES: Final[tuple[str, ...]] = get_args(Status)

OF_THE_PROGRAM: Final[dict[str, Literal["first", "last"]]] = {
    "busy": "first",
    "control unit busy": "first",
    "late interrupt": "last",
    "lost interrupt": "last",
}
"""Effects that only the first or the last command of a channel program can have."""

_Byte = Annotated[int, Meta(ge=0, le=0xFF)]
_Natural = Annotated[int, Meta(ge=0)]
_Positive = Annotated[int, Meta(ge=1)]
_SECONDS_MAX: Final = 1e6


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault of a device.

    A command can meet the fault if its code is one of `commands` (if there are any;
    otherwise any code but that of SENSE), and if it reads or writes the `track`
    (cylinder and head), the `record` with that number, or the `block`. Of these
    commands it happens to the `nth`, and then to every `every`-th; with a `probability`
    below 1 only to some of them, as a generator of random numbers says that starts with
    `seed`. It happens `times` times.

    With `after` it needs no command: it happens once, that many seconds after the
    device has it.

    | effect | what happens |
    |---|---|
    | unit check | the command is not executed, and ends with the `sense` data |
    | busy, control unit busy | START finds the device busy, for `seconds` more |
    | stall | the command is executed `seconds` later |
    | late interrupt | the end of the program is shown `seconds` later |
    | lost interrupt | the end of the program is not shown, until HALT or CLEAR |
    | path off | the channel path is configured off; after `seconds`, if given, on |
    | path on | the channel path is configured on |
    | unsolicited status | the device shows `status` as well |
    | not operational | the device is gone for good |

    After the seconds of a busy condition the device shows the status that ends it.
    `sense` is a name of `SENSE_NAMES`, or bytes in hexadecimal.
    """

    effect: Effect
    sense: str = ""
    seconds: Annotated[float, Meta(ge=0, le=_SECONDS_MAX)] = 0.0
    status: Status = "attention"
    commands: tuple[_Byte, ...] = ()
    track: tuple[_Natural, _Natural] | None = None
    record: _Byte | None = None
    block: _Natural | None = None
    nth: _Positive = 1
    every: _Positive = 1
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] = 0
    times: _Positive | Literal["always"] = 1
    after: Annotated[float, Meta(ge=0, le=_SECONDS_MAX)] | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The fields that do not have their defaults, and the effect, by name."""
        usual = Fault(self.effect)
        values = msgspec.structs.asdict(self).items()
        others = {key: one for key, one in values if one != getattr(usual, key)}
        return {"effect": self.effect, **others}

    @property
    def has_place(self) -> bool:
        """Whether it depends on where the command goes."""
        places = (self.track, self.record, self.block)
        return any(place is not None for place in places)


FAULT_EXPECTED: Final = {
    "effect": f"one of {', '.join(EFFECTS)}",
    "sense": "the name of sense data, or 1 to 32 bytes in hexadecimal",
    "seconds": "a number of seconds, at least 0 and at most a million",
    "status": f"one of {', '.join(STATUSES)}",
    "commands": "a list of command codes, each 0 to 255",
    "track": "a cylinder and a head, as in [3, 14]",
    "record": "the number of a record, 0 to 255",
    "block": "the number of a block",
    "nth": "a number of commands, at least 1",
    "every": "a number of commands, at least 1",
    "probability": "a number above 0 and at most 1",
    "seed": "a number from 0 to 9223372036854775807",
    "times": 'a number of at least 1, or "always"',
    "after": "a number of seconds, at least 0 and at most a million",
}
"""What is expected of each field."""

_TAKES: Final[dict[str, frozenset[str]]] = {
    "unit check": frozenset({"sense"}),
    "unsolicited status": frozenset({"status"}),
} | dict.fromkeys(
    ("busy", "control unit busy", "stall", "late interrupt", "path off"),
    frozenset({"seconds"}),
)
_NEEDS_SECONDS: Final = ("stall", "late interrupt")
_OF_EFFECTS: Final = frozenset({"sense", "seconds", "status"})
_OF_COMMANDS: Final = frozenset(Fault.__struct_fields__) - {
    *_OF_EFFECTS,
    "effect",
    "after",
}
_WITHOUT_COMMAND: Final = (
    "path off",
    "path on",
    "unsolicited status",
    "not operational",
)


class FaultProblem(NamedTuple):
    """What is wrong with a fault, and the field that says so."""

    field: str
    text: str


def check_fault(fault: Fault) -> None:
    """Check a fault that was made in Python.

    Raises:
        FaultError: A field has a value that it cannot have, or does not fit the others;
            the text has the field and what was expected.
    """
    for field in Fault.__struct_fields__:
        plain = {"effect": "path on", field: getattr(fault, field)}
        try:
            msgspec.convert(plain, Fault)
        except msgspec.ValidationError as error:
            text = f"expected {FAULT_EXPECTED[field]}, got {plain[field]!r}"
            raise FaultError(f"{field}: {text}") from error
    for problem in fault_problems(fault):
        raise FaultError(f"{problem.field}: {problem.text}")


def fault_problems(fault: Fault) -> Iterator[FaultProblem]:
    """Yield what keeps the fields of a fault from fitting together."""
    effect = fault.effect
    for field in sorted(fault.chosen.keys() & _OF_EFFECTS):
        if field not in _TAKES.get(effect, ()):
            yield FaultProblem(field, f"{effect} takes no {field}")
    if effect == "unit check" and not is_sense(fault.sense):
        expected = f"{FAULT_EXPECTED['sense']} (names: {', '.join(SENSE_NAMES)})"
        got = repr(fault.sense) if fault.sense else "none"
        yield FaultProblem("sense", f"expected {expected}, got {got}")
    if effect in _NEEDS_SECONDS and not fault.seconds:
        yield FaultProblem("seconds", f"expected more than 0 for {effect}")
    if fault.block is not None and (fault.track or fault.record is not None):
        yield FaultProblem("block", "expected no track and no record beside it")
    if fault.after is not None:
        yield from _problems_of_time(fault)


def _problems_of_time(fault: Fault) -> Iterator[FaultProblem]:
    if fault.effect not in _WITHOUT_COMMAND:
        expected = f"an effect that needs no command ({', '.join(_WITHOUT_COMMAND)})"
        yield FaultProblem("after", f"expected {expected}, got {fault.effect}")
    for field in sorted(fault.chosen.keys() & _OF_COMMANDS):
        yield FaultProblem(field, "after is given, so it waits for no command")
