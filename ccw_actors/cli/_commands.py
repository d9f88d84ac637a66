"""The commands, each imported when it is used.

Together they import the whole package, which takes longer than most of them.
"""

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer

from ccw_actors.cli._group import OneLineGroup
from ccw_actors.cli._trace_command import TraceCommand
from ccw_actors.cli._usage import PlainCommand

__all__ = ["LazyGroup"]


class _Place(NamedTuple):
    """Where a command is: a function or Typer in a module; `kind` is its class."""

    module: str
    attribute: str
    kind: type[PlainCommand] = PlainCommand


_COMMANDS: Final = {
    "run": _Place("_run", "run"),
    "machines": _Place("_machines", "machines"),
    "stop": _Place("_machines", "stop"),
    "dump": _Place("_dump", "dump"),
    "explore": _Place("_explore", "explore"),
    "replay": _Place("_replay", "replay"),
    "show": _Place("_show", "show"),
    "conform": _Place("_conform", "conform"),
    "verdicts": _Place("_verdicts", "verdicts"),
    "trace": _Place("_trace", "trace", TraceCommand),
    "qemu": _Place("_qemu", "qemu"),
    "fault": _Place("_fault", "fault"),
    "dasd": _Place("_dasd", "dasd"),
    "kernel": _Place("_kernel", "kernel"),
}


class LazyGroup(OneLineGroup):
    """Imports a command when its help or itself is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as it is called
        """Return the names, in the order of the help."""
        return [*_COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a command, None if there is none of that name."""
        if cmd_name not in self.commands and cmd_name in _COMMANDS:
            self.commands[cmd_name] = _imported(cmd_name)
        return self.commands.get(cmd_name)


def _imported(name: str) -> Any:
    place = _COMMANDS[name]
    module = import_module(f"ccw_actors.cli.{place.module}")
    found = getattr(module, place.attribute)
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name, cls=place.kind)(found)
    return typer.main.get_group(alone).commands[name]
