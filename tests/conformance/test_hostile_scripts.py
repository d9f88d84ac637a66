"""Whatever a guest does, it gets only answers that the architecture has."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.actors.guest.instructions import INSTRUCTIONS
from ccw_actors.channel import Irb
from tests.conformance.hostile_scripts import run, seeds

ROOT = Path(__file__).parents[2]
SECONDS = 60
EXCEPTIONS = {"0005", "0006", "0015"}
SEEDS = seeds()


@st.composite
def scripts(draw: st.DrawFn) -> bytes:
    """Make the bytes of a script, mostly those of a real program."""
    program = bytearray(draw(st.sampled_from(SEEDS)))
    for at, value in draw(
        st.lists(st.tuples(st.integers(37, 300), st.integers(0, 255)), max_size=6)
    ):
        if at < len(program):
            program[at] = value
    device, words, orb = draw(
        st.tuples(
            st.binary(min_size=1, max_size=1),
            st.binary(max_size=24),
            st.just(bytes(12)) | st.binary(min_size=12, max_size=12),
        )
    )
    return device + words.ljust(24, b"\0") + orb + program[37:]


@given(scripts() | st.binary(max_size=200))
def test_every_instruction_is_answered(raw: bytes) -> None:
    """A condition code or a program exception; what TSCH shows is an IRB."""
    made, observation = run(raw)
    assert len(observation.entries) == len(made.instructions)
    for one, entry in zip(made.instructions, observation.entries, strict=True):
        assert entry.op == one.op
        if entry.program_interruption is not None:
            assert entry.program_interruption in EXCEPTIONS
        elif one.op == "TSCH" and entry.cc == 0:
            assert entry.irb is not None
            shown = bytes.fromhex(entry.irb)[:64]
            assert Irb.from_bytes(shown).to_bytes()[:64] == shown
        elif one.op in INSTRUCTIONS:
            assert entry.cc in range(4)


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("atheris") is None, reason="pip install 'ccw-actors[fuzz]'"
)
def test_no_script_does_harm(tmp_path: Path) -> None:
    """A coverage-guided fuzzer finds no script that raises or takes five seconds."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    limits = ["-timeout=5", "-rss_limit_mb=2048", "-max_len=600"]
    limits += [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.fuzz_scripts", str(corpus), *limits],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS + 180,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done " in done.stderr
