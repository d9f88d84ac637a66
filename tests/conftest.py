"""Set-up of every test: hypothesis without deadlines, what child processes inherit."""

import gc
import os
import shutil
import signal
import sys
import tempfile

import pytest
from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# Nearly all that is made while tests are imported stays.
THRESHOLD = gc.get_threshold()
gc.set_threshold(100_000, 20, 100)

# A shell lets commands in the background ignore SIGINT, and so would the commands that
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hundreds of commands, and pytest itself. Where the environment forbids
# Python to keep bytecode in the tree, each of them would compile the whole package
# again, so they keep it in a folder for this run, which all inherit from the first.
BYTECODE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Have all that tests run share its bytecode."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        folder = tempfile.mkdtemp(prefix="ccw-actors-bytecode-")
        config.stash[BYTECODE] = os.environ["PYTHONPYCACHEPREFIX"] = folder
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete what they shared."""
    if BYTECODE in config.stash:
        shutil.rmtree(config.stash[BYTECODE], ignore_errors=True)


def pytest_collection_finish() -> None:
    """Let the collector pass over the tests themselves.

    They are millions of objects that live to the end. Some tests collect all garbage
    hundreds of times, and each time looked at all of them.
    """
    # Tests of memory and of descriptors count on what the collector does by default.
    gc.set_threshold(*THRESHOLD)
    gc.collect()
    gc.freeze()
