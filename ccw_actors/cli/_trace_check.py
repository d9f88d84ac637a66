"""`ccw-actors trace check`: decides whether a model allows a trace."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from msgspec import to_builtins

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._completion import models
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._trace import named
from ccw_actors.designs import DESIGNS
from ccw_actors.errors import StreamError
from ccw_actors.kernel.refinement import (
    CONFIGURATIONS_MAX,
    Answer,
    KernelTrace,
    OwnAnswer,
    check_kernel_trace,
    check_own_trace,
    is_kernel_trace,
    is_own_trace,
    read_kernel_trace,
)
from ccw_actors.trace import TraceReader

__all__ = ["check"]

OWN = "ccw-actors"
MODELS = (*DESIGNS, OWN)
_STATUS = {"allowed": 0, "refused": 1, "undecided": 3}

_File: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The trace.", show_default=False),
]
_Model: TypeAlias = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="DESIGN",
        help=f"The model: {', '.join(DESIGNS)}; {OWN} for a trace of its own actors.",
        autocompletion=models,
        show_default=False,
    ),
]
_States: TypeAlias = Annotated[
    int,
    typer.Option(
        "--states",
        metavar="N",
        min=1,
        help="Keep N states of the model at once at most.",
    ),
]
_Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON.")
]


def check(
    file: _File,
    model: _Model,
    *,
    states: _States = CONFIGURATIONS_MAX,
    as_json: _Json = False,
) -> None:
    """Decide whether a model allows a trace.

    A trace of a kernel needs a design of the kernel as its model. A refusal has the
    first event that the model cannot have shown, and what it could have done there
    instead. In a trace that 'ccw-actors run' or 'ccw-actors qemu' has written, the
    model ccw-actors does each step of each actor again.

    Exit status: 0 the model allows the trace; 1 it refuses it; 2 usage error, or the
    file is not such a trace, has another version, or is cut short; 3 undecided, as the
    model has more states than --states.
    """
    if model not in MODELS:
        hint = did_you_mean(model, MODELS) or f"there are {', '.join(MODELS)}"
        raise typer.BadParameter(f"no model {model!r}; {hint}", param_hint="--model")
    if model == OWN:
        _check_own(file, as_json=as_json)
        return
    read = _read(file)
    answer = check_kernel_trace(
        read,
        DESIGNS[model].choices,
        configurations_max=states,
    )
    if as_json:
        say_json({"model": model, "file": str(file), **to_builtins(answer)})
    else:
        _report(answer, read, model)
    if answer.decision != "allowed":
        raise typer.Exit(_STATUS[answer.decision])


def _read(file: Path) -> KernelTrace:
    with reading(file, "a trace of a kernel"), named(file):
        if is_own_trace(file):
            raise StreamError(f"a trace of ccw-actors: give --model {OWN}")
        return read_kernel_trace(file)


def _check_own(file: Path, *, as_json: bool) -> None:
    """Check a trace of this package's actors."""
    with reading(file, "a trace"), named(file):
        if is_kernel_trace(file):
            designs = ", ".join(DESIGNS)
            raise StreamError(f"a trace of a kernel: give --model one of {designs}")
        with file.open("rb") as source:
            reader = TraceReader(source)
            answer = check_own_trace(reader, reader.types)
    if as_json:
        say_json({"model": OWN, "file": str(file), **to_builtins(answer)})
    else:
        _report_own(answer)
    if answer.refused is not None:
        raise typer.Exit(1)


def _report_own(answer: OwnAnswer) -> None:
    """Print which actors agree with the trace, and which are not checked."""
    for path, count in answer.checked.items():
        say(f"allowed: {path}, {count} messages", "green")
    for path, why in answer.unchecked.items():
        say(f"not checked: {path}: {why}")
    refused = answer.refused
    if refused is None:
        return
    at = f"message {refused.number}" if refused.number else "its start"
    say(f"refused: {refused.actor} does something else at {at}", "red")
    say("In the trace:")
    for line in refused.found or ("it sends nothing",):
        say(f"  {line}")
    say("The actor:")
    for line in refused.expected or ("it sends nothing",):
        say(f"  {line}")


def _report(answer: Answer, read: KernelTrace, model: str) -> None:
    """Print the answer in words."""
    kernel = f"{len(read.events)} events of Linux {read.header.kernel}"
    match answer.decision:
        case "allowed":
            say(f"allowed: {model} allows all {kernel}", "green")
        case "undecided":
            say(
                f"undecided: {model} may be in too many states at event"
                f" {answer.number} of {kernel}; see --states",
                "yellow",
            )
        case "refused":
            event = read.events[answer.number - 1]
            say(f"refused: {model} cannot have done event {answer.number}", "red")
            say(f"  at {event.at:.6f} on CPU {event.cpu}: {answer.event}")
            say("It could have done there:")
            for line in answer.instead or ("nothing",):
                say(f"  {line}")
