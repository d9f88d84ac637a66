"""Set-up of every test: hypothesis without deadlines, for machines under load."""

import gc

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


def pytest_collection_finish() -> None:
    """Let the collector pass over the tests themselves.

    They are millions of objects that live to the end. Some tests collect all garbage
    hundreds of times, and each time looked at all of them.
    """
    gc.collect()
    gc.freeze()
