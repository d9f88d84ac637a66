"""What all tests of commands need."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_nohup() -> Iterator[None]:
    """Let runs receive SIGHUP, even if the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
