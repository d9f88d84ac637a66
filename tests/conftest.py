"""Set-up of every test: hypothesis without deadlines, Ctrl-C for child processes."""

import gc
import signal

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# A shell lets commands in the background ignore SIGINT, and so would the commands that
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the collector pass over the tests themselves.

    They are millions of objects that live to the end. Some tests collect all garbage
    hundreds of times, and each time looked at all of them.
    """
    gc.collect()
    gc.freeze()
