"""What Linux does about faults of a disk: rows of faults, and what happened at each.

A row is one read or write of Linux, and the fault that it meets. The guest says that it
is ready, the machine gets the fault by its control socket, and an interruption of
another disk tells the guest to go on. The trace has the channel programs of each row.

tests/linux/error_recovery.toml has what Linux did; the page
docs/generated/linux-error-recovery.md is made of it.
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from ccw_actors.control import ControlClient
from ccw_actors.faults import Fault
from ccw_actors.machine import AddFault, ClearFaults
from ccw_actors.trace import HandledRecord, TraceReader
from examples.linux.software import Software
from tests.linux.harness import Disk, Guest, GuestRun, running_machine

__all__ = ["PANIC", "ROWS", "Observed", "Row", "observe", "record", "recorded"]

RECORDS: Final = Path(__file__).with_suffix(".toml")
BLOCKS: Final = 12
"""Blocks of 4096 bytes of a track."""
FIRST_TRACK: Final = 40
SIGNAL: Final = Fault("unsolicited status", after=0)
"""Tells the guest to go on, at a disk of its own."""
SIGNAL_DISK: Final = "019f"

TRIES: Final = frozenset({0x03, 0xE7})
"""The first command of a read or write is PREFIX, that of another try NO-OPERATION."""
PATH_COMMANDS: Final = frozenset({0x34, 0xAF})
"""SENSE PATH GROUP ID and SET PATH GROUP ID: Linux verifies the path."""
MOVES: Final = (0xA6, 0xA5, 0x86, 0x85)
"""READ and WRITE TRACK DATA, and for single blocks READ and WRITE DATA, multitrack."""


class Row(NamedTuple):
    """A row: its name, the fault, and how Linux meets it.

    `settings` are those of the disk in its sysfs folder. The number of tries may differ
    from run to run if they are not `counted`.
    """

    name: str
    fault: Fault
    how: Literal["read", "write"] = "read"
    disk: str = "0190"
    settings: tuple[tuple[str, int], ...] = ()
    is_slow: bool = False
    counted: bool = True


class Observed(Struct, frozen=True):
    """What Linux did: how the I/O ended, its channel programs, and its messages.

    `tries` are programs that begin as a read or write does, 0 if they are not counted.
    `clears` are CLEARs. It `verifies` the path, or does not. `seconds` is how long the
    I/O took in the guest.
    """

    ends: str
    tries: int = 0
    clears: int = 0
    verifies: bool = False
    says: tuple[str, ...] = ()
    seconds: float = 0.0


def _check(
    sense: str,
    times: int | Literal["always"] = 1,
    *,
    disk: str = "0190",
    slow: bool = False,
) -> Row:
    fault = Fault("unit check", sense=sense, times=times, commands=MOVES)
    how: Literal["read", "write"] = "write" if sense == "write inhibited" else "read"
    often = {1: "once", "always": "always"}.get(times, f"{times} times")
    return Row(f"{sense}, {often}", fault, how, disk, is_slow=slow)


_SHORT: Final = (("expires", 2),)
_THREE_TRIES: Final = (("expires", 2), ("retries", 3))
_FAST: Final = (("failfast", 1),)

ROWS: Final = (
    _check("command reject"),
    _check("invalid command", slow=True),
    _check("write inhibited"),
    _check("intervention required"),
    _check("bus-out parity"),
    _check("bus-out parity", "always", slow=True),
    _check("equipment check"),
    _check("equipment check", "always", slow=True),
    _check("permanent equipment check", slow=True),
    _check("permanent equipment check", "always", slow=True),
    _check("data check"),
    _check("data check", "always", slow=True),
    _check("permanent data check", slow=True),
    _check("permanent data check", "always"),
    _check("overrun"),
    _check("overrun", "always", slow=True),
    _check("invalid track format"),
    _check("end of cylinder", slow=True),
    _check("no record found"),
    _check("file protected"),
    _check("environmental data present"),
    _check("environmental data present", "always", slow=True),
    Row("busy, once", Fault("busy")),
    Row(
        "busy for 1 s",
        Fault("busy", seconds=1),
        settings=_SHORT,
        is_slow=True,
        counted=False,
    ),
    Row("control unit busy, once", Fault("control unit busy")),
    Row("stall of 1 s, timeout of 2 s", Fault("stall", seconds=1), settings=_SHORT),
    Row("stall of 5 s, timeout of 2 s", Fault("stall", seconds=5), settings=_SHORT),
    Row(
        "interrupt 1 s late, timeout of 2 s",
        Fault("late interrupt", seconds=1),
        settings=_SHORT,
        is_slow=True,
    ),
    Row(
        "interrupt 5 s late, timeout of 2 s",
        Fault("late interrupt", seconds=5),
        settings=_SHORT,
        is_slow=True,
    ),
    Row(
        "lost interrupt, once, timeout of 2 s",
        Fault("lost interrupt"),
        settings=_SHORT,
    ),
    Row(
        "lost interrupt, always, timeout of 2 s, 3 retries",
        Fault("lost interrupt", times="always"),
        settings=_THREE_TRIES,
        is_slow=True,
    ),
    Row("lost interrupt, once, default timeout", Fault("lost interrupt"), is_slow=True),
    Row("attention of an idle disk", Fault("unsolicited status", after=0)),
    Row(
        "device end of an idle disk",
        Fault("unsolicited status", status="device end", after=0),
        is_slow=True,
    ),
    Row("path off, on after 2 s", Fault("path off", seconds=2)),
    Row(
        "path off for good, failfast",
        Fault("path off"),
        disk="0191",
        settings=_FAST,
        is_slow=True,
    ),
    Row(
        "not operational, failfast",
        Fault("not operational"),
        disk="0192",
        settings=_FAST,
        is_slow=True,
    ),
    # Linux leaves the disk alone for a minute.
    _check("intervention required", 2, disk="0193", slow=True),
)

PANIC: Final = _check("corrected data check", slow=True)
"""The row after which there is no Linux."""

_KINDS: Final = {
    "cannot be reached on any path": "no path works",
    "ERP failed": "error recovery failed",
    "I/O error, dev": "I/O error of the block device",
    "transport error, dev": "transport error of the block device",
    "timed out": "timeout",
    "writing is inhibited": "writing is inhibited",
    "record was not found": "record not found",
    "cylinder data": "inconsistent cylinder",
    "hardware error": "hardware error",
    "INTERVENTION REQUIRED": "intervention required",
    "reason=": "error of the driver",
    "No operational channel path": "no path is left",
    "has become operational": "a path is back",
}
"""Parts of Linux' messages, and what a table says for them."""

SCRIPT: Final = """
interruptions() { grep DAS: /proc/interrupts; }
row() {
    dmesg -c >/dev/null
    now=$(interruptions)
    tell "ready-$1" it is
    while [ "$(interruptions)" = "$now" ]; do usleep 20000; done
    began=$(seconds)
    rm -f /tmp/status
    if [ "$4" = read ]; then
        what="if=/dev/$2 of=/dev/null iflag=direct skip=$3"
    else
        what="if=/dev/zero of=/dev/$2 oflag=direct conv=notrunc seek=$3"
    fi
    (dd $what bs=4096 count=1 2>/dev/null; echo $? >/tmp/status) &
    left=1500
    while [ ! -s /tmp/status ] && [ $left -gt 0 ]; do
        usleep 100000
        left=$((left - 1))
    done
    ended=$(seconds)
    dmesg | grep -o PARTS | sort -u | while read -r part; do
        tell "said-$1" "$part"
    done
    tell "end-$1" $(cat /tmp/status 2>/dev/null || echo none) $began $ended
}
""".replace("PARTS", " ".join(f"-e '{part}'" for part in _KINDS))


def observe(
    software: Software, rows: Sequence[Row], new_disk: Callable[[str], Disk]
) -> dict[str, Observed]:
    """Run Linux with the rows; return what it did, by the row's name.

    `new_disk` makes a formatted disk in a file of that name.
    """
    numbers = [*sorted({row.disk for row in rows}), SIGNAL_DISK]
    disks = {
        one: Disk(new_disk(f"{one}.img").image, control_unit="2107") for one in numbers
    }
    guest = Guest(software, disks, _script(rows, numbers))
    hosts = {one: f"0.0.{0x500 + index:04x}" for index, one in enumerate(numbers)}
    trace = disks[SIGNAL_DISK].image.with_name("recovery.trace")
    name = f"recovery-{os.getpid()}"
    options = ("--faults", "--name", name)
    with running_machine(guest, trace=trace, options=options) as running:
        for index, row in enumerate(rows):
            running.wait_for("guest", f"ready-{index}")
            with ControlClient(name) as client:
                client.ask(AddFault(hosts[row.disk], row.fault))
                client.ask(AddFault(hosts[SIGNAL_DISK], SIGNAL))
            running.wait_for("guest", f"end-{index}")
            with ControlClient(name) as client:
                client.ask(ClearFaults(hosts[row.disk]))
        run = running.finish()["guest"]
    programs = _programs(trace)
    return {
        row.name: _observed(run, index, row, programs[index])
        for index, row in enumerate(rows)
    }


def recorded() -> dict[str, Observed]:
    """Return what Linux did when it was last recorded, by the row's name."""
    saved = tomllib.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    return {
        one.pop("row"): msgspec.convert(one, Observed) for one in saved.get("row", ())
    }


def record(found: Mapping[str, Observed], software: Mapping[str, str]) -> None:
    """Keep what Linux did, in the order of the rows, and the versions of `software`."""
    known = {**recorded(), **found}
    names = [row.name for row in (*ROWS, PANIC) if row.name in known]
    lines = [
        "# What Linux did about faults: see error_recovery.py.",
        "",
        "[software]",
        *_toml(software.items()),
    ]
    for name in names:
        lines += ["", "[[row]]", *_toml({"row": name, **_plain(known[name])}.items())]
    RECORDS.write_text("\n".join(lines) + "\n")


def _plain(found: Observed) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(found)
    return plain


def _toml(items: Iterable[tuple[str, object]]) -> list[str]:
    """Write keys and values; JSON has these values as TOML has them."""
    return [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in items]


def _script(rows: Sequence[Row], disks: Sequence[str]) -> str:
    lines = [SCRIPT]
    lines += [f"online {one}; disk_{one}=$disk" for one in disks]
    for index, row in enumerate(rows):
        folder = f"/sys/bus/ccw/devices/0.0.{row.disk}"
        settings = {"expires": 30, "retries": 256, **dict(row.settings)}
        lines += [f"echo {value} >{folder}/{key}" for key, value in settings.items()]
        block = (FIRST_TRACK + index) * BLOCKS
        lines.append(f"row {index} $disk_{row.disk} {block} {row.how}")
    return "\n".join(lines)


class _Programs:
    """The channel programs of a row: the command codes of each, and the CLEARs."""

    def __init__(self) -> None:
        self.codes: list[list[int]] = []
        self.clears = 0


def _programs(trace: Path) -> list[_Programs]:
    """Return the channel programs of each row, from its fault to the end of that."""
    rows: list[_Programs] = []
    host = ""
    with trace.open("rb") as file:
        reader = TraceReader(file)
        for event in reader:
            if not isinstance(event, HandledRecord):
                continue
            kind = reader.types[event.message_type].name
            folder, _, part = event.recipient.rpartition("/")
            if kind == "PlanFault" and not host:
                host = folder
                rows.append(_Programs())
            elif folder != host:
                continue
            elif kind == "DropFaults":
                host = ""
            elif kind == "StartSubchannel":
                rows[-1].codes.append([])
            elif kind == "ClearSubchannel":
                rows[-1].clears += 1
            elif kind == "ExecuteCommand" and part == "device":
                rows[-1].codes[-1].append(event.message[2][0])
    return rows


def _observed(run: GuestRun, index: int, row: Row, programs: _Programs) -> Observed:
    (ended,) = run.told(f"end-{index}")
    status, began, end = ended.split()
    said = run.told(f"said-{index}")
    tries = sum(not TRIES.isdisjoint(codes[:1]) for codes in programs.codes)
    return Observed(
        {"0": "done", "none": "not in 150 s"}.get(status, "error"),
        tries if row.counted else 0,
        programs.clears if row.counted else 0,
        any(not PATH_COMMANDS.isdisjoint(codes) for codes in programs.codes),
        tuple(kind for part, kind in _KINDS.items() if part in said),
        round(float(end) - float(began), 1),
    )
