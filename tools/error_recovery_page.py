"""The page of what Linux does about faults of a disk, from what a test has recorded."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tools.markdown import GENERATED, table

__all__ = ["RECORDS", "as_markdown"]

RECORDS: Final = Path(__file__).parents[1] / "tests" / "linux" / "error_recovery.toml"

_INTRODUCTION: Final = """\
What Linux did when a read of a 3390 met a fault (a write for "write inhibited"):
Debian's kernel {kernel} as a guest of QEMU {qemu}, with the disk behind a 2107.
[Faults](../faults.md) says how to make them. `tests/linux/test_error_recovery.py` makes
them, and compares what Linux does with this page, except for the seconds."""

_HEAD: Final = (
    *("fault", "Linux' action", "I/O", "tries", "CLEARs", "seconds"),
    "Linux says",
)

_LEGEND: Final = """\
- Tries: the channel programs that Linux started for the I/O, where their number is the
  same in each run.
- CLEARs: how often Linux ended a channel program by CLEAR SUBCHANNEL.
- Path verification: Linux sent SENSE PATH GROUP ID and SET PATH GROUP ID.
- Seconds: how long the I/O took, in time of the guest, on a busy computer.
- Linux says: kinds of the kernel's messages, in the words of this page."""

_UNKNOWN: Final = "-"


def as_markdown(records: Path = RECORDS) -> str:
    """Render the page."""
    saved = tomllib.loads(records.read_text(encoding="utf-8"))
    rows = [_row(one) for one in saved["row"]]
    return "\n".join(
        (
            GENERATED,
            "# Linux' error recovery",
            "",
            _INTRODUCTION.format(**saved["software"]),
            "",
            table(_HEAD, rows, right=(3, 4, 5)),
            "",
            _LEGEND,
            "",
        )
    )


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    is_counted = one["tries"] > 0
    return (
        one["row"],
        _action(one),
        one["ends"],
        one["tries"] if is_counted else _UNKNOWN,
        one["clears"] if is_counted else _UNKNOWN,
        one["seconds"] or _UNKNOWN,
        ", ".join(one["says"]) or _UNKNOWN,
    )


def _action(one: Mapping[str, Any]) -> str:
    """Say what Linux did: how it ended the I/O, and what it did before."""
    if one["ends"] not in ("done", "error"):
        return str(one["ends"])
    actions = ["path verification"] if one["verifies"] else []
    if one["tries"] != 1:
        actions.append("retry")
    if one["ends"] == "error":
        actions.append("fail")
    return ", ".join(actions) or "none"
