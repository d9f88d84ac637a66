"""A real kernel, whose folder is named by CCW_ACTORS_KERNEL."""

import os
from pathlib import Path

import msgspec
import pytest

from ccw_actors.kernel.records import ExecutionRecord
from tests.cli.in_process import ccw_actors

pytestmark = pytest.mark.kernel

EXPECTED = {"mail": "reproduced", "sequence": "not reproduced"}


def test_a_real_kernel(tmp_path: Path) -> None:
    """The mail's order lets the channel overwrite memory; a sequence does no harm.

    That is so for the kernels that come with Debian 12 and 13, and in sid.
    """
    folder = os.environ.get("CCW_ACTORS_KERNEL")
    if folder is None:
        pytest.skip("CCW_ACTORS_KERNEL names no folder of 'ccw-actors kernel build'")
    words = [word for name in EXPECTED for word in ("--scenario", name)]
    junit = tmp_path / "junit.xml"
    ended = ccw_actors("kernel", "test", folder, *words, "--json", "--junit", junit)
    assert ended.status == 1
    records = msgspec.json.decode(ended.out, type=list[ExecutionRecord])
    assert {one.scenario: one.outcome for one in records} == EXPECTED
    mail = records[0]
    assert mail.window == "forced"
    assert "CPU 0 is at cp_free()" in mail.steps
    assert junit.read_text().count("<failure") == 1
