"""Writes the pages that are generated from the code.

    python -m tools.pages [--check] [NAME ...]

NAME is a page as `--list` prints it, such as "implemented", or a folder of pages, such
as "verdicts"; without one all pages are written. `--check` writes none: it names the
pages that differ from what would be written, and ends with 1 if there is one.

Exit status: 0 done; 1 a page differs, with --check; 2 usage error.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final, NamedTuple

from ccw_actors.conformance.rules import HERCULES_RULES, QEMU_RULES, Rule
from ccw_actors.kernel.records import ExecutionRecord, load_records
from ccw_actors.scenarios import MAKERS
from ccw_actors.verdicts import VERDICT_SCENARIOS, VerdictCell, load
from tools import (
    claims_page,
    coverage_page,
    error_recovery_page,
    executed_page,
    implemented_page,
    life_cycle_page,
    message_flow_page,
    race_picture,
    rules_page,
    runs_page,
    scenario_page,
    seed_table,
    steps_page,
    subchannel_states_page,
    verdict_table_page,
    visible_page,
)
from tools.markdown import with_part
from tools.message_flow import flow_of
from tools.subchannel_states import explored

__all__ = ["PAGES", "ROOT", "Page", "differing", "left_over", "main", "write"]

ROOT: Final = Path(__file__).parents[1]
GENERATED: Final = "docs/generated"
_MEASURED: Final = "speed"
"""The folder of pages that benchmarks write."""


class Page(NamedTuple):
    """A generated page, or a page with generated parts.

    `render` returns the text of the page that is wanted, given its text now: "" if
    there is none.
    """

    name: str
    path: Path
    render: Callable[[str], str]

    @property
    def text(self) -> str:
        """The text of the file, "" if there is none."""
        return self.path.read_text(encoding="utf-8") if self.path.is_file() else ""


@cache
def _records() -> list[ExecutionRecord]:
    return load_records(executed_page.RECORDS)


@cache
def _cells() -> tuple[VerdictCell, ...]:
    return load().cells


def _whole(name: str, render: Callable[[], str]) -> Page:
    """Return a page that is generated from its first line to its last."""

    def whole(_now: str) -> str:
        return render()

    return Page(name, ROOT / GENERATED / f"{name}.md", whole)


def _parts(path: str, parts: dict[str, Callable[[], str]]) -> Page:
    """Return a page that is written by hand, but for the parts between marks."""

    def render(now: str) -> str:
        for name, part in parts.items():
            now = with_part(now, name, part())
        return now

    return Page(Path(path).stem, ROOT / path, render)


def _subchannel_states() -> str:
    return subchannel_states_page.as_markdown(explored())


def _coverage() -> str:
    scenarios = {name: maker(None) for name, maker in MAKERS.items()}
    return coverage_page.as_markdown(coverage_page.explored(scenarios))


def _message_flow() -> str:
    return message_flow_page.as_markdown(flow_of())


def _rules(rules: Iterable[type[Rule]]) -> Callable[[], str]:
    return partial(rules_page.as_markdown, rules)


def _scenarios() -> Iterator[Page]:
    for name in VERDICT_SCENARIOS:
        render = partial(_scenario, name)
        yield _whole(f"verdicts/scenarios/{name}", render)


def _scenario(name: str) -> str:
    return scenario_page.as_markdown(name, _cells())


PAGES: Final[dict[str, Page]] = {
    page.name: page
    for page in (
        _parts(
            "README.md",
            {
                "race": lambda: race_picture.as_markdown(_cells()),
                "seed": lambda: seed_table.seed_table(_cells()),
                "legend": lambda: seed_table.legend(_cells()),
            },
        ),
        _parts(
            "docs/conformance.md",
            {
                "Hercules rules": _rules(HERCULES_RULES),
                "QEMU rules": _rules(QEMU_RULES),
            },
        ),
        _parts("docs/pass-through.md", {"message flow": _message_flow}),
        _parts(
            "docs/verdicts/executed.md",
            {
                "targets": lambda: executed_page.targets(_records()),
                "kernels": lambda: executed_page.kernels(_records(), _cells()),
                "differences": lambda: executed_page.differences(_records(), _cells()),
                "widened": lambda: executed_page.widened(_records()),
                "scenarios": lambda: executed_page.scenarios(_records()),
                "QEMU": lambda: executed_page.qemus(_records()),
            },
        ),
        _parts(
            "docs/verdicts/refinement.md",
            {"runs": lambda: runs_page.as_markdown(runs_page.load_runs())},
        ),
        _whole("implemented", implemented_page.as_markdown),
        _whole("life-cycle", life_cycle_page.as_markdown),
        _whole("subchannel-states", _subchannel_states),
        _whole("coverage", _coverage),
        _whole("linux-error-recovery", error_recovery_page.as_markdown),
        _whole("verdicts/table", lambda: verdict_table_page.as_markdown(_cells())),
        _whole("verdicts/claims", lambda: claims_page.as_markdown(_cells())),
        _whole("verdicts/steps", steps_page.as_markdown),
        _whole("verdicts/visible", visible_page.as_markdown),
        *_scenarios(),
    )
}
"""By name. "coverage" takes about a minute, the others take seconds."""


def chosen(names: Sequence[str]) -> list[Page]:
    """Return the pages of these names and in these folders; all if none is given.

    Raises `LookupError` for a name that no page has.
    """
    found: dict[str, Page] = {} if names else dict(PAGES)
    for name in names:
        mine = {
            one: page
            for one, page in PAGES.items()
            if one == name or one.startswith(f"{name}/")
        }
        if not mine:
            raise LookupError(f"no page {name!r}; there are {', '.join(PAGES)}")
        found |= mine
    return list(found.values())


def differing(pages: Iterable[Page]) -> list[Page]:
    """Return the pages whose files are not what would be written."""
    return [page for page in pages if page.render(page.text) != page.text]


def write(pages: Iterable[Page]) -> None:
    """Write pages into their files."""
    for page in pages:
        text = page.render(page.text)
        page.path.parent.mkdir(parents=True, exist_ok=True)
        page.path.write_text(text, encoding="utf-8")


def left_over(folder: Path = ROOT / GENERATED) -> list[Path]:
    """Return the files among the generated pages that no page is for any longer."""
    known = {page.path for page in PAGES.values()}
    return [
        path
        for path in sorted(folder.rglob("*.md"))
        if path not in known and path.relative_to(folder).parts[0] != _MEASURED
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write pages, or check them; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.pages",
        description="Write the pages that are generated from the code.",
    )
    parser.add_argument("name", nargs="*", help="a page or a folder; all unless given")
    parser.add_argument(
        "--check", action="store_true", help="end with 1 if one differs"
    )
    parser.add_argument("--list", action="store_true", help="print the names, and end")
    wanted = parser.parse_args(arguments)
    try:
        pages = chosen(wanted.name)
    except LookupError as error:
        parser.error(str(error.args[0]))
    if wanted.list:
        print("\n".join(page.name for page in pages))
        return 0
    old = [] if wanted.name else left_over()
    if wanted.check:
        return _check(differing(pages), old)
    write(pages)
    for path in old:
        path.unlink()
    return 0


def _check(different: Sequence[Page], old: Sequence[Path]) -> int:
    """Print what differs; return the exit status."""
    for page in different:
        where = page.path.relative_to(ROOT)
        print(f"{where} differs: run `python -m tools.pages {page.name}`")
    for path in old:
        where = path.relative_to(ROOT)
        print(f"{where} is left over: run `python -m tools.pages`")
    return 1 if different or old else 0


if __name__ == "__main__":
    # The exploration of a subchannel crashes actors on purpose, which would be logged.
    logging.getLogger("ccw_actors").setLevel(logging.CRITICAL)
    sys.exit(main())
