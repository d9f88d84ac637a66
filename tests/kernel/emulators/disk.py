"""A disk, targets on it, and the saved records of QEMUs."""

import json
from pathlib import Path

import msgspec

from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.kernel.records import ExecutionRecord

SAVED = Path(__file__).parents[3] / "docs" / "verdicts" / "records"
VERSIONS = ("7.2", "10.0")
"""The QEMUs that have been tested."""

NOT_IN_THE_MODEL = frozenset({"interruption", "path-mask"})
"""What TCG or the host's paths do, which the verdict table's model leaves out."""


def make_disk(folder: Path) -> Path:
    """Make a 3390 of one cylinder."""
    disk = folder / "disk.img"
    create_tracks(disk, ckd_volume(ckd_type("3390")[0], 1), "EMPTY1")
    return disk


def saved_record(version: str, scenario: str) -> ExecutionRecord:
    """Read a saved record."""
    text = (SAVED / f"qemu-{version}-{scenario}.json").read_text()
    return msgspec.convert(json.loads(text), ExecutionRecord)
