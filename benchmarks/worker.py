"""One process of a benchmark run: one case of one library; prints a line of JSON.

python -m benchmarks.worker '{"module": ..., "case": ..., "counts": {...}}'
"""

import asyncio
import cProfile
import importlib
import io
import json
import os
import platform
import pstats
import sys
from importlib.metadata import version
from typing import Any

from benchmarks.cases import CASES
from benchmarks.clock import calibrate
from benchmarks.measures import Counts
from benchmarks.peer import Peer, UnsupportedError

__all__ = ["answer"]

PROFILE_LINES = 14


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order.

    Without a case the answer describes the installation: "python", and "version" for a
    "distribution". Otherwise it has "rows" and "calibration" (milliseconds, before and
    after), or "unsupported" with the reason, or with "profile" a profile.
    """
    module = importlib.import_module(order["module"])
    if "case" not in order:
        found = order.get("distribution")
        python = f"{platform.python_implementation()} {platform.python_version()}"
        return {"python": python, "version": version(found) if found else None}
    case = next(case for case in CASES if case.name == order["case"])
    counts = Counts(**order["counts"])

    async def run() -> dict[str, float]:
        peer: Peer = module.PEER(*order.get("options", ()))
        await peer.open()
        measured = await case.measure(peer, counts)
        await peer.close()
        return measured

    if order.get("profile"):
        return {"profile": profiled(lambda: asyncio.run(run()))}
    before = calibrate()
    try:
        rows = asyncio.run(run())
    except UnsupportedError as error:
        return {"unsupported": str(error)}
    return {"rows": rows, "calibration": [before, calibrate()]}


def profiled(work: Any) -> str:
    """Return a table of the functions that took most of the time of some work."""
    profile = cProfile.Profile()
    profile.runcall(work)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(PROFILE_LINES)
    return text.getvalue()


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))), flush=True)
    # Do not wait for thousands of threads, or a library's own.
    os._exit(0)
