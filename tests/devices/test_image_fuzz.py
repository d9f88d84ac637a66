"""A coverage-guided fuzzer finds no image that ends in anything but an ImageError."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 30


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("atheris") is None, reason="pip install 'ccw-actors[fuzz]'"
)
def test_no_image_does_harm(tmp_path: Path) -> None:
    """No other exception occurs, and no input takes five seconds or a gigabyte."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    script = Path(__file__).with_name("fuzz_images.py")
    limits = ["-timeout=5", "-rss_limit_mb=1024", "-max_len=700000"]
    limits += [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, str(script), str(corpus), *limits],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS + 120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done " in done.stderr
