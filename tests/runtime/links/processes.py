"""Starts processes of peer.py and reads what they print."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PEER = Path(__file__).with_name("peer.py")
PATIENCE = 60.0

Process = asyncio.subprocess.Process


@asynccontextmanager
async def peer(*words: str, inside: Sequence[str] = ()) -> AsyncGenerator[Process]:
    """Run a peer, behind the words of another command; kill it in the end."""
    process = await asyncio.create_subprocess_exec(
        *inside,
        sys.executable,
        str(PEER),
        *words,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)]),
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await rest_of(process)
        await process.wait()


async def line_of(process: Process) -> str:
    """Return the next line that a peer prints."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()


async def numbers_of(process: Process, count: int) -> list[int]:
    """Return the next numbers that a ledger has handled."""
    return [int(await line_of(process)) for _ in range(count)]


async def rest_of(process: Process) -> list[str]:
    """Return all lines until the end of a peer."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.read()).decode().split()


async def report_of(process: Process) -> dict[str, Any]:
    """Return the report of a driver, which has to end well."""
    lines = await rest_of(process)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
    found: dict[str, Any] = json.loads(" ".join(lines))
    return found


def check(handled: list[int], report: dict[str, Any] | None) -> None:
    """Assert what a lost link promises: of one sender, and its report if it lives."""
    assert handled == list(range(len(handled)))  # nothing twice or out of order
    if report is not None:
        assert report["errors"] == ["LinkLostError"]
        assert len(report["ends"]) == 1
        assert report["ends"][0] == f"the link to ledger has ended: {report['reason']}"
        assert set(report["answered"]) <= set(handled)
        assert report["answered"] == sorted(set(report["answered"]))
