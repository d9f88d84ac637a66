"""Records as files: JSON, one file for each, and JUnit's XML for all of a run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import msgspec

from ccw_actors.errors import CcwActorsError
from ccw_actors.kernel.records._record import FORMAT, ExecutionRecord

__all__ = ["RecordError", "junit_of", "load_records", "save_record"]

_ELEMENTS: Final = {
    "reproduced": "failure",
    "undecided": "error",
    "not applicable": "skipped",
}


class RecordError(CcwActorsError):
    """A file is no record; the message names the file."""


def save_record(record: ExecutionRecord, folder: Path) -> Path:
    """Write a record to a file named after its target and its scenario.

    A widened window is in the name: it does not replace what was forced.
    """
    target = record.target
    short = ".".join(target.version.split(".")[:2])
    added = target.configuration if target.kind == "linux" else ()
    window = "widened" if record.window == "widened" else ""
    parts = (target.kind, short, *added, target.change, record.scenario, window)
    name = "-".join(filter(None, parts))
    file = folder / f"{re.sub(r'[^A-Za-z0-9.-]', '-', name)}.json"
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    file.write_bytes(text + b"\n")
    return file


def load_records(folder: Path) -> list[ExecutionRecord]:
    """Return the records in a folder, in the order of the names of their files.

    Raises:
        RecordError: A file is no record.
    """
    found: list[ExecutionRecord] = []
    for file in sorted(folder.glob("*.json")):
        try:
            record = msgspec.json.decode(file.read_bytes(), type=ExecutionRecord)
        except msgspec.MsgspecError as error:
            raise RecordError(f"{file.name}: {error}") from error
        if record.format != FORMAT:
            raise RecordError(
                f"{file.name}: expected {FORMAT!r}, got {record.format!r}"
            )
        found.append(record)
    return found


def junit_of(records: Sequence[ExecutionRecord], suite: str) -> bytes:
    """Return records as JUnit's XML: what was reproduced is a failure."""
    root = ET.Element("testsuite", name=suite, tests=str(len(records)))
    for kind in ("failure", "error", "skipped"):
        count = sum(_ELEMENTS.get(one.outcome) == kind for one in records)
        root.set(kind if kind == "skipped" else f"{kind}s", str(count))
    for record in records:
        _add(root, record)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ET.Element, record: ExecutionRecord) -> None:
    where = f"{record.target.kind} {record.target.version}"
    case = ET.SubElement(suite, "testcase", name=record.scenario, classname=where)
    element = _ELEMENTS.get(record.outcome)
    if element is not None:
        result = ET.SubElement(case, element, message=record.why)
        result.text = "\n".join((*record.evidence, "", *record.steps))
