"""The parts of docs/verdicts/executed.md: what was executed, by the records."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from ccw_actors.kernel.records import ExecutionRecord, Target
from ccw_actors.verdicts import VERDICT_SCENARIOS, VerdictCell
from tools.markdown import table

__all__ = [
    "RECORDS",
    "differences",
    "executed_mark",
    "kernels",
    "qemus",
    "scenarios",
    "targets",
    "widened",
]

RECORDS: Final = Path(__file__).parents[1] / "docs" / "verdicts" / "records"
"""The folder of the records."""

_SIGNS: Final = {
    "reproduced": "✘ reproduced",
    "not reproduced": "✔ not reproduced",
    "not applicable": "-",
    "undecided": "? undecided",
}
_PRIVATELY: Final = (
    "**Report privately first.** See [the procedure](#report-privately-first)."
)
_MEMORY: Final = "I1"
"""The invariant whose breach lets the channel overwrite memory of others."""


def _linux(records: Sequence[ExecutionRecord]) -> list[ExecutionRecord]:
    """Return what was tried on kernels, but for what delays have made likely."""
    return [
        one for one in records if one.target.kind == "linux" and one.window != "widened"
    ]


def _name(target: Target) -> str:
    more = [*target.configuration, *([target.change] if target.change else [])]
    return " ".join([target.version, *(f"+ {one}" for one in more)])


def _targets(records: Sequence[ExecutionRecord]) -> list[str]:
    def order(record: ExecutionRecord) -> tuple[object, ...]:
        target = record.target
        version = tuple(int(part) for part in target.version.split("."))
        return (target.change, target.configuration, version)

    return list(dict.fromkeys(_name(one.target) for one in sorted(records, key=order)))


def _by_place(
    records: Sequence[ExecutionRecord],
) -> dict[tuple[str, str], ExecutionRecord]:
    return {(one.scenario, _name(one.target)): one for one in records}


def targets(records: Sequence[ExecutionRecord]) -> str:
    """Render the kernels and QEMUs that were tested."""
    rows = {
        (
            one.target.kind,
            _name(one.target),
            one.target.package or "own tree",
            one.target.compiler,
            f"`{one.target.design}`" if one.target.design else "",
        )
        for one in records
    }
    names = {"linux": "Linux", "qemu": "QEMU"}
    return table(
        ("", "version", "package", "compiler", "row of the table"),
        ((names[kind], *rest) for kind, *rest in sorted(rows)),
    )


def kernels(records: Sequence[ExecutionRecord], cells: Sequence[VerdictCell]) -> str:
    """Render a table of scenarios and kernels, beside the models' verdicts."""
    linux = _linux(records)
    places = _by_place(linux)
    tested = _targets(linux)
    designs = list(
        dict.fromkeys(one.target.design for one in linux if one.target.design)
    )
    rows: list[list[str]] = []
    for name in _scenarios(linux):
        verdicts = [_model(cells, design, name) for design in designs]
        found = [_cell(places.get((name, one))) for one in tested]
        rows.append([f"[`{name}`](#{name})", *verdicts, *found])
    heads = ["scenario", *(f"model `{one}`" for one in designs), *tested]
    return table(heads, rows)


def _scenarios(linux: Sequence[ExecutionRecord]) -> list[str]:
    tried = {one.scenario for one in linux}
    return [name for name in VERDICT_SCENARIOS if name in tried]


def _cell(record: ExecutionRecord | None) -> str:
    if record is None:
        return ""
    text = _SIGNS[record.outcome]
    if record.outcome == "reproduced":
        text = f"{text} {record.reproduced} of {record.tries}"
    return text


def _verdicts(cells: Sequence[VerdictCell], design: str, name: str) -> set[str]:
    return {
        one.verdict for one in cells if (one.design, one.scenario) == (design, name)
    }


def _model(cells: Sequence[VerdictCell], design: str, name: str) -> str:
    verdicts = _verdicts(cells, design, name)
    if not verdicts:
        return "-"
    return "✘" if "refuted" in verdicts else "✔"


def widened(records: Sequence[ExecutionRecord]) -> str:
    """Render what was tried without a debugger."""
    tried = [one for one in records if one.window == "widened"]
    lines = [
        table(
            ("scenario", "kernel", "outcome", "why"),
            (
                (f"`{one.scenario}`", _name(one.target), _cell(one), one.why)
                for one in tried
            ),
        )
    ]
    for one in tried:
        lines += ["", f"`{one.scenario}` on {_name(one.target)}:", ""]
        if one.outcome == "reproduced" and one.invariant == _MEMORY:
            lines += [_PRIVATELY, ""]
        lines += [f"{number}. {step}" for number, step in enumerate(one.steps, 1)]
    return "\n".join(lines)


def differences(
    records: Sequence[ExecutionRecord], cells: Sequence[VerdictCell]
) -> str:
    """Render where a kernel and the model of its row do not agree."""
    lines = [
        f"- `{one.scenario}` on {_name(one.target)}: the model `{one.target.design}`"
        f" is {_model(cells, one.target.design, one.scenario)}, the kernel"
        f" {_SIGNS[one.outcome]}: {one.why}."
        for one in _linux(records)
        if one.target.design
        and one.outcome in ("reproduced", "not reproduced")
        and (one.outcome == "reproduced")
        != (_model(cells, one.target.design, one.scenario) == "✘")
    ]
    return "\n".join(lines) or "No record differs from the model of its row."


def scenarios(records: Sequence[ExecutionRecord]) -> str:
    """Render a section for each scenario: the order, the harm, how to see it."""
    linux = sorted(_linux(records), key=lambda one: one.scenario)
    by_name = {
        name: list(group) for name, group in groupby(linux, lambda one: one.scenario)
    }
    return "\n".join(
        line for name in _scenarios(linux) for line in _section(name, by_name[name])
    ).rstrip()


def _section(name: str, records: Sequence[ExecutionRecord]) -> Iterator[str]:
    shown = _shown(records)
    yield f"### {name}"
    yield ""
    scenario = VERDICT_SCENARIOS[name]
    yield f"{scenario.title}: {scenario.summary}. Invariant: {shown.invariant or '-'}."
    yield ""
    if shown.outcome == "not applicable":
        yield f"Not tried: {shown.why}."
        yield ""
        return
    if shown.outcome == "reproduced" and shown.invariant == _MEMORY:
        yield _PRIVATELY
        yield ""
    yield f"On {_name(shown.target)}: {_SIGNS[shown.outcome]}. {_sentence(shown.why)}"
    yield ""
    yield from (f"- {line}" for line in shown.evidence)
    if shown.evidence:
        yield ""
    yield from _order(shown)
    yield f"    ccw-actors kernel test FOLDER --scenario {name}"
    yield ""


def _shown(records: Sequence[ExecutionRecord]) -> ExecutionRecord:
    """Return the record to tell of: the harm on a kernel without a change, if any."""
    for record in records:
        if record.outcome == "reproduced" and not record.target.change:
            return record
    return records[-1]


def _order(record: ExecutionRecord) -> Iterator[str]:
    """Yield how the order came about, and its steps."""
    how = {
        "forced": "The order was forced",
        "none": "There is no order to force",
    }[record.window]
    same = "as in the verdict table" if not record.variant else f"{record.variant}"
    yield f"{how}: {same}." if record.window == "forced" else f"{how}."
    yield ""
    for number, step in enumerate(record.steps, 1):
        yield f"{number}. {step}"
    yield ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def qemus(records: Sequence[ExecutionRecord]) -> str:
    """Render a table of the claims about QEMU's own emulation."""
    tried = [one for one in records if one.target.kind == "qemu"]
    versions = _targets(tried)
    places = _by_place(tried)
    rows = [
        [
            f"`{name}`",
            *(_cell(places.get((name, one))) for one in versions),
            _why(tried, name),
        ]
        for name in dict.fromkeys(one.scenario for one in tried)
    ]
    return table(("scenario", *(f"QEMU {one}" for one in versions), "why"), rows)


def _why(records: Sequence[ExecutionRecord], name: str) -> str:
    return next(one.why for one in reversed(records) if one.scenario == name)


def executed_mark(
    records: Mapping[tuple[str, str], Sequence[ExecutionRecord]],
    design: str,
    scenario: str,
) -> str:
    """Return what a cell of the verdict table says of executions, "" if none."""
    found = [
        one
        for one in _linux(records.get((design, scenario), ()))
        if one.outcome in ("reproduced", "not reproduced")
    ]
    if not found:
        return ""
    return "; ".join(
        f"{outcome} on {', '.join(_name(one.target) for one in group)}"
        for outcome in ("reproduced", "not reproduced")
        if (group := [one for one in found if one.outcome == outcome])
    )
