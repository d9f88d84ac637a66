"""Systems in several processes: one of them is killed at some moment."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.links.processes import (
    check,
    line_of,
    numbers_of,
    peer,
    report_of,
    rest_of,
)

loop = pytest.mark.asyncio


async def kill_listener(folder: Path, after: int) -> None:
    """Kill the process of the recipient after so many messages."""
    async with (
        peer("listen", f"unix:{folder}/s") as ledger,
        peer("drive", await line_of(ledger)) as driver,
    ):
        handled = await numbers_of(ledger, after)
        ledger.kill()
        handled += map(int, await rest_of(ledger))
        check(handled, await report_of(driver))


async def kill_driver(folder: Path, after: int) -> None:
    """Kill the process of the sender; another one takes its place."""
    async with peer("listen", f"unix:{folder}/s") as ledger:
        address = await line_of(ledger)
        async with peer("drive", address) as driver:
            handled = await numbers_of(ledger, after)
            driver.kill()
            await driver.wait()
        async with peer("drive", address) as driver:
            while (number := (await numbers_of(ledger, 1))[0]) != 0:
                handled.append(number)
            check(handled, None)
            again = [0, *await numbers_of(ledger, 50)]
            ledger.kill()
            again += map(int, await rest_of(ledger))
            check(again, await report_of(driver))


@loop
async def test_recipient_is_killed(tmp_path: Path) -> None:
    """Asks fail, watchers are told once, and nothing came twice or out of order."""
    await kill_listener(tmp_path, 137)


@loop
async def test_sender_is_killed(tmp_path: Path) -> None:
    """The same, and a new process can link under the same name."""
    await kill_driver(tmp_path, 137)


@pytest.mark.slow
@settings(max_examples=12)
@given(after=st.integers(1, 3000))
def test_recipient_is_killed_at_any_moment(
    after: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same at moments that hypothesis picks; it prints one that fails."""
    asyncio.run(kill_listener(tmp_path_factory.mktemp("killed"), after))


@pytest.mark.slow
@settings(max_examples=12)
@given(after=st.integers(1, 3000))
def test_sender_is_killed_at_any_moment(
    after: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same for the other side."""
    asyncio.run(kill_driver(tmp_path_factory.mktemp("killed"), after))
