"""Three tasks and a queue under the seeded event loops that PyPI has.

Run by `explore.py` with the Python that has them (3.12 or later): prints as JSON, for
each tool, how many schedules it takes in a second, and after how many it has found that
the last of three tasks may come first and the first one last. All of them run asyncio
code as it is, which the explorer of actors does not.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from time import perf_counter
from typing import Any

SECONDS = 2.0
SEEDS_MAX = 2_000
EXPECTED = ("c", "b", "a")


async def three(check: Callable[[tuple[str, ...]], None]) -> None:
    """Have three tasks put their names into a queue, and check the order."""
    queue: asyncio.Queue[str] = asyncio.Queue()

    async def put(name: str) -> None:
        await asyncio.sleep(0)
        await queue.put(name)

    tasks = [asyncio.ensure_future(put(name)) for name in "abc"]
    order = [await queue.get() for _ in tasks]
    await asyncio.gather(*tasks)
    check(tuple(order))


class FoundError(Exception):
    """The order looked for has been seen."""


def look(order: tuple[str, ...]) -> None:
    """Raise `FoundError` for the order looked for."""
    if order == EXPECTED:
        raise FoundError


def ignore(order: tuple[str, ...]) -> None:
    """Accept any order."""


Main = Callable[[], Coroutine[Any, Any, None]]
RunOne = Callable[[Main, int], bool]


def simloom(main: Main, seed: int) -> bool:
    """Run one order; return whether it has failed."""
    tool: Any = import_module("simloom")

    try:
        tool.run(main, seed=seed)
    except Exception:  # noqa: BLE001 - that is what was looked for
        return True
    return False


def simloop(main: Main, seed: int) -> bool:
    """Run one order."""
    tool: Any = import_module("simloop")

    return tool.explore(main, [seed]) is not None


def seedloop(main: Main, seed: int) -> bool:
    """Run one order."""
    tool: Any = import_module("seedloop")

    async def scenario(_world: Any) -> None:
        await main()

    checked = tool.check(scenario, seeds=[seed], on_failure="return")
    return checked.failing_seed is not None


def detangle(main: Main, seed: int) -> bool:
    """Run one order."""
    tool: Any = import_module("detangle")

    try:
        tool.explore(
            main, runs=1, seed=seed, strategy="random", shrink=False, database=False
        )
    except Exception:  # noqa: BLE001 - that is what was looked for
        return True
    return False


TOOLS: dict[str, RunOne] = {
    "simloom": simloom,
    "simloop": simloop,
    "seedloop": seedloop,
    "detangle": detangle,
}


def measure(run: RunOne) -> dict[str, object]:
    """Return schedules a second, and after how many the order was found."""

    async def quiet() -> None:
        await three(ignore)

    async def looking() -> None:
        await three(look)

    began, count = perf_counter(), 0
    while perf_counter() - began < SECONDS:
        if run(quiet, count):
            return {"error": "it fails where nothing is wrong"}
        count += 1
    rate = count / (perf_counter() - began)
    began = perf_counter()
    found, seed = None, 0
    for seed in range(SEEDS_MAX):
        if run(looking, seed):
            found = seed + 1
            break
        if perf_counter() - began > 4 * SECONDS:
            break
    return {"rate": rate, "found_after": found, "tried": seed + 1}


def main() -> None:
    """Measure every tool that there is."""
    results: dict[str, object] = {}
    for name, run in TOOLS.items():
        try:
            import_module(name)
        except ImportError as error:
            results[name] = {"error": f"not installed: {error}"}
            continue
        try:
            results[name] = measure(run)
        except Exception as error:  # noqa: BLE001 - it is told of
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
