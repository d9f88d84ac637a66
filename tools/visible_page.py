"""The page of how the steps of the models show in a trace of a kernel."""

from typing import Final

from ccw_actors.kernel.refinement import (
    INPUTS,
    PROBES,
    TRACEPOINTS,
    VISIBLE,
    Visible,
)
from tools.markdown import GENERATED, table

__all__ = ["as_markdown"]

_HEAD: Final = f"""\
{GENERATED}
# How the steps of the models show in a trace of a kernel

`ccw-actors trace check` takes this table, which continues [the steps](steps.md).
[Holding a model to a kernel](../../verdicts/refinement.md) says how. The functions that
a step is inside of are entered before it and left after it, the outermost first. A step
is executed after the events in "before", and before those in "after". Where the table
has no event, the step is hidden: it may be executed at any time between the events of
its thread.
"""
_INPUTS: Final = """\
## What the trace decides

These steps are not code of the host. The trace takes their place.
"""
_PROBES: Final = """\
## What is traced

A probe at the entry and at the exit of each function, with these values, and these
tracepoints. A function that a compiler has inlined is named in the header of the trace,
and its events are not expected.
"""


def as_markdown() -> str:
    """Render the page."""
    steps = table(
        ("step", "inside of", "before", "after", "shows"),
        (_row(step, visible) for step, visible in VISIBLE.items()),
    )
    inputs = table(("step", "what takes its place"), INPUTS.items())
    probes = table(
        ("function", "values at its entry", "result"),
        ((f"`{one.function}`", _code(one.arguments), one.result) for one in PROBES),
    )
    points = "\n".join(f"- `{one}`" for one in TRACEPOINTS)
    parts = (_HEAD, steps, "", _INPUTS, inputs, "", _PROBES, probes, "", points, "")
    return "\n".join(parts)


def _row(step: str, visible: Visible) -> tuple[str, str, str, str, str]:
    before = (*visible.first, *visible.before)
    return (
        step,
        ", ".join(f"`{one}`" for one in visible.inside),
        ", ".join(before),
        ", ".join(visible.after),
        visible.shows,
    )


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
