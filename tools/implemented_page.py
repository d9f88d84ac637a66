"""The page of what the package implements of the architecture, and what it does not."""

from collections.abc import Iterable, Mapping
from typing import Final

from ccw_actors.actors.guest.instructions import INSTRUCTIONS
from ccw_actors.channel import Ccw, Cstat, Orb, chsc
from ccw_actors.channel.fields import Flag
from ccw_actors.devices import DEVICE_MODELS
from ccw_actors.devices.eckd import COMMANDS as DISK_COMMANDS
from ccw_actors.devices.eckd import CONTROL_UNITS
from ccw_actors.devices.eckd import DISKS as DISK_TYPES
from ccw_actors.devices.fba import COMMANDS as BLOCK_COMMANDS
from ccw_actors.devices.fba import HARDWARE as BLOCK_TYPES
from ccw_actors.devices.virtual import KINDS as VIRTIO_TYPES
from ccw_actors.devices.virtual import TERMINAL_COMMANDS, VIRTIO_COMMANDS
from tools.markdown import GENERATED, table

__all__ = ["as_markdown"]

_NOT_INSTRUCTIONS: Final = {
    "SIGA": "SIGNAL ADAPTER, for queued direct I/O",
    "SSCH, transport mode": "the ORB's B bit is an operand exception",
}
_NO_EFFECT: Final = ("streaming", "modification", "synchronization", "prefetch")
"""Bits of the ORB that change nothing in how a subchannel runs a program."""
_NEVER_SHOWN: Final = Cstat.CHANNEL_DATA_CHECK | Cstat.CHANNEL_CONTROL_CHECK
_NOT_COMMANDS: Final = {
    "A5, A6": "write and read track data",
    "EA": "prefix read",
    "F7": "define subsystem operation",
    "F9": "device support functions",
}
"""Commands of newer control units that none here accepts."""
_SOME_UNITS: Final = " (some control units)"
_NEWER_UNITS: Final = " (control units from the 3880 on)"
_NOT_THE_OLDEST: Final = " (not 2311, 2314)"
_CCWS: Final = (
    "Formats 0 and 1. MIDAWs need a machine with the facility (`midaws` of `Guest` and"
    " `Cpu`). A MIDAW that asks for an interruption ends in program check."
)
_INTRODUCTION: Final = (
    "This page lists what the code accepts. [Conformance](../conformance.md) compares"
    " it with real systems."
)
_OTHERS_NOT: Final = (
    "measurement blocks beyond the counts of START and RESUME",
    "unit record, tape",
    "queues of virtio devices",
    "the screen of a 3270",
    "devices attached while the host runs",
)


def as_markdown() -> str:
    """Render the page."""
    return "\n".join(
        (
            GENERATED,
            "# What is implemented",
            "",
            _INTRODUCTION,
            "",
            "## Instructions",
            "",
            table(("instruction", "", ""), _instructions()),
            "",
            "## CHANNEL SUBSYSTEM CALL",
            "",
            table(
                ("command", ""),
                ((f"{code:04X}", name) for code, (name, _) in chsc.COMMANDS.items()),
            ),
            "",
            "## ORB",
            "",
            table(("bit", "", "what it says"), _orb()),
            "",
            "## CCW flags",
            "",
            table(("flag", "what it says"), _meanings(Ccw)),
            "",
            _CCWS,
            "",
            "## Checks",
            "",
            table(("subchannel status", ""), _checks()),
            "",
            "## Devices",
            "",
            table(("device types", "model"), _devices()),
            "",
            *_commands(", ".join(DISK_TYPES), _disk_commands()),
            *_commands(", ".join(BLOCK_TYPES), _names(BLOCK_COMMANDS)),
            *_commands(", ".join(VIRTIO_TYPES), _names(VIRTIO_COMMANDS)),
            *_commands("3270", TERMINAL_COMMANDS),
            "## Not implemented",
            "",
            *(f"- 3990: {code} {name}" for code, name in _NOT_COMMANDS.items()),
            *(f"- {one}" for one in _OTHERS_NOT),
            "",
        )
    )


def _instructions() -> Iterable[tuple[str, ...]]:
    for name, function in INSTRUCTIONS.items():
        summary = (function.__doc__ or "").partition("\n")[0]
        yield name, "yes", summary.removeprefix(name).lstrip(":. ")
    for name, text in _NOT_INSTRUCTIONS.items():
        yield name, "no", text


def _flags(structure: type) -> Mapping[str, Flag]:
    return {
        name: flag for name, flag in vars(structure).items() if isinstance(flag, Flag)
    }


def _meanings(structure: type) -> Iterable[tuple[str, ...]]:
    for flag in _flags(structure).values():
        name, _, meaning = flag.meaning.partition(": ")
        yield name, meaning


def _orb() -> Iterable[tuple[str, ...]]:
    for name, flag in _flags(Orb).items():
        letter, _, meaning = flag.meaning.partition(": ")
        orb = Orb(**{"flags": Orb.format_1.mask} | {flag.field: flag.mask})
        if name in _NO_EFFECT:
            state = "accepted, no effect"
        elif name == "suppress_length" or orb.invalid(midaws=True) is None:
            state = "yes"
        else:
            state = "operand exception"
        yield letter, state, meaning


def _checks() -> Iterable[tuple[str, ...]]:
    for bit, name in Cstat.NAMES.items():
        yield name, "never shown" if bit & _NEVER_SHOWN else "yes"


def _devices() -> Iterable[tuple[str, ...]]:
    models: dict[str, list[str]] = {}
    for device_type, model in DEVICE_MODELS.items():
        models.setdefault(getattr(model, "__name__", str(model)), []).append(
            device_type
        )
    for name, types in models.items():
        yield ", ".join(types), f"`{name}`"


def _disk_commands() -> dict[int, str]:
    """Names of a disk's commands; some control units lack some of them."""
    return {
        code: entry.name + _known_to(code, special=entry.special)
        for code, entry in DISK_COMMANDS.items()
    }


def _known_to(code: int, *, special: bool) -> str:
    old = [unit for unit in CONTROL_UNITS.values() if not unit.extended]
    known = [unit.knows(code, special=special) for unit in old]
    if special:
        return _SOME_UNITS
    if all(known):
        return ""
    return _NOT_THE_OLDEST if any(known) else _NEWER_UNITS


def _names(commands: Mapping[int, tuple[str, object]]) -> dict[int, str]:
    return {code: name for code, (name, _) in commands.items()}


def _commands(of: str, commands: Mapping[int, str]) -> Iterable[str]:
    """Render a table of commands; commands of one name share a row."""
    codes: dict[str, list[int]] = {}
    for code in sorted(commands):
        codes.setdefault(commands[code], []).append(code)
    yield f"### {of}"
    yield ""
    rows = (
        (", ".join(f"{c:02X}" for c in several), name)
        for name, several in codes.items()
    )
    yield table(("command", ""), rows)
    yield ""
