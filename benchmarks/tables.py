"""Tables in Markdown, and the shares of packages in a profiled run."""

import cProfile
from collections import Counter
from pathlib import Path
from types import CodeType

__all__ = ["Row", "shares", "table"]

Row = tuple[str, ...]


def table(title: str, head: Row, body: list[Row]) -> str:
    """Return a table under a title."""
    lines = (head, ("---",) * len(head), *body)
    return f"## {title}\n\n" + "\n".join("| " + " | ".join(one) + " |" for one in lines)


def shares(profiler: cProfile.Profile, most: int = 8) -> list[Row]:
    """Return the packages that took most of the time, without waiting, and how much."""
    spent: Counter[str] = Counter()
    for entry in profiler.getstats():
        package = _package(entry.code)
        if package is not None:
            spent[package] += round(entry.inlinetime * 1e6)
    total = spent.total()
    return [
        (package, f"{100 * share / total:.0f}%")
        for package, share in spent.most_common(most)
    ]


def _package(code: CodeType | str) -> str | None:
    if isinstance(code, str):
        is_waiting = "poll" in code
        return None if is_waiting else "built-in functions (msgspec among them)"
    parts = Path(code.co_filename).parts
    if "ccw_actors" in parts:
        where = len(parts) - 1 - parts[::-1].index("ccw_actors")
        return "/".join(parts[where : where + 2])
    return next((name for name in ("asyncio", "msgspec") if name in parts), "others")
