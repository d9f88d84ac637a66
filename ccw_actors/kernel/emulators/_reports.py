"""Files about a test of a QEMU: a record for each scenario, and JUnit's XML."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import msgspec

from ccw_actors.kernel.records import Record

__all__ = ["junit_of", "save_record"]

_SUITE: Final = "ccw-actors qemu test"
_ELEMENTS: Final = {
    "reproduced": "failure",
    "undecided": "error",
    "not applicable": "skipped",
}


def save_record(record: Record, folder: Path) -> Path:
    """Write a record to a file whose name has the version and the scenario."""
    short = ".".join(record.target.version.split(".")[:2])
    file = folder / f"{record.target.kind}-{short}-{record.scenario}.json"
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    file.write_bytes(text + b"\n")
    return file


def junit_of(records: Sequence[Record]) -> bytes:
    """Return records as JUnit's XML: what was reproduced is a failure."""
    suite = ET.Element("testsuite", name=_SUITE, tests=str(len(records)))
    for kind in ("failure", "error", "skipped"):
        count = sum(_ELEMENTS.get(one.outcome) == kind for one in records)
        suite.set(kind if kind == "skipped" else f"{kind}s", str(count))
    for record in records:
        _add(suite, record)
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ET.Element, record: Record) -> None:
    where = f"qemu {record.target.version}"
    case = ET.SubElement(suite, "testcase", name=record.scenario, classname=where)
    element = _ELEMENTS.get(record.outcome)
    if element is not None:
        result = ET.SubElement(case, element, message=record.why)
        result.text = "\n".join((*record.evidence, "", *record.steps))
