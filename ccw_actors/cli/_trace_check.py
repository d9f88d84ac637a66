"""`ccw-actors trace check`: decides whether a model allows a trace."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from msgspec.structs import asdict

from ccw_actors._suggestions import did_you_mean
from ccw_actors.cli._completion import models
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._usage import PlainCommand
from ccw_actors.designs import DESIGNS
from ccw_actors.errors import StreamError
from ccw_actors.kernel.refinement import (
    CONFIGURATIONS_MAX,
    CORRECTIONS,
    Answer,
    KernelTrace,
    check_kernel_trace,
    is_kernel_trace,
    read_kernel_trace,
)

__all__ = ["TraceCommand", "check"]

_STATUS = {"allowed": 0, "refused": 1, "undecided": 3}

_File: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The trace of a kernel.", show_default=False),
]
_Model: TypeAlias = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="DESIGN",
        help=f"The model: {', '.join(DESIGNS)}.",
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
_AsWritten: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--as-written",
        help="Take the model as it is, without what every kernel is known to do"
        " beyond it.",
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
    as_written: _AsWritten = False,
    as_json: _Json = False,
) -> None:
    """Decide whether a model allows a trace.

    A refusal has the first event that the model cannot have shown, and what it could
    have done there instead.

    Exit status: 0 the model allows the trace; 1 it refuses it; 2 usage error, or the
    file is not a trace of a kernel, has another version, or is cut short; 3 undecided,
    as the model has more states than --states.
    """
    if model not in DESIGNS:
        hint = did_you_mean(model, DESIGNS) or f"there are {', '.join(DESIGNS)}"
        raise typer.BadParameter(f"no model {model!r}; {hint}", param_hint="--model")
    read = _read(file)
    corrections = () if as_written else tuple(CORRECTIONS)
    answer = check_kernel_trace(
        read,
        DESIGNS[model].choices,
        corrections=corrections,
        configurations_max=states,
    )
    if as_json:
        say_json({"model": model, "file": str(file), **asdict(answer)})
    else:
        _report(answer, read, model)
    if answer.decision != "allowed":
        raise typer.Exit(_STATUS[answer.decision])


def _read(file: Path) -> KernelTrace:
    with reading(file, "a trace of a kernel"):
        try:
            return read_kernel_trace(file)
        except StreamError as error:
            raise type(error)(f"{file}: {error}") from error


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


class TraceCommand(PlainCommand):
    """`trace FILE`, and `trace check FILE`: a FILE named "check" is ./check."""

    commands: dict[str, Any]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        inner = typer.Typer(rich_markup_mode=None)
        inner.command(cls=PlainCommand)(check)
        self.commands = {"check": typer.main.get_command(inner)}

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the command line of either."""
        first, *rest = args or [""]
        if first in self.commands:
            name = f"{info_name} {first}"
            return self.commands[first].make_context(name, rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

