"""The benchmark of flooding guests measures what it claims."""

import gzip
from pathlib import Path

import pytest

from benchmarks.neighbours import COUNTS, FLOODS, measured, rows, text
from tests.machine.contents import ALICE


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Unpack an image."""
    path = tmp_path / "disk.img"
    path.write_bytes(gzip.decompress(ALICE.read_bytes()))
    return path


@pytest.mark.parametrize("name", FLOODS)
def test_every_flood_runs_beside_the_quiet_guest(name: str, image: Path) -> None:
    """Each I/O of the quiet guest is timed, and the floods end with it."""
    found = measured(FLOODS[name], 2, 5, image)
    assert len(found) == 5
    assert all(one.real > 0 and one.busy > 0 for one in found)


def test_table(image: Path) -> None:
    """The table has a row for the quiet guest alone, and for each flood and number."""
    table = rows(1, 3, image)
    assert [(row.flood, row.others) for row in table] == [
        ("alone", 0),
        *((name, count) for name in FLOODS for count in COUNTS),
    ]
    assert len(text(table).splitlines()) == 2 + len(table)
