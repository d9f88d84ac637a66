"""`ccw-actors trace` and `ccw-actors trace check`, as one command."""

from importlib import import_module
from typing import Any

import typer

from ccw_actors.cli._usage import PlainCommand

__all__ = ["TraceCommand"]


class TraceCommand(PlainCommand):
    """`trace FILE`, and `trace check FILE`: a FILE named "check" is ./check."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the command line of either."""
        first, *rest = args or [""]
        if first == "check":
            return _check().make_context(f"{info_name} check", rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


def _check() -> Any:
    """Import the command: it needs the models, which reading a trace does not."""
    inner = typer.Typer(rich_markup_mode=None, add_completion=False)
    module = import_module("ccw_actors.cli._trace_check")
    inner.command(cls=PlainCommand)(module.check)
    return typer.main.get_command(inner)
