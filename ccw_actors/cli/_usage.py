"""The help of a command, and errors of a command line, in plain words.

Typer takes its texts from Pydantic, which speaks to programmers: "Value error, ...",
"Input should be a valid integer, unable to parse string as an integer". All of them
reach the user through `usage_error`.
"""

from collections.abc import Collection, Iterable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

__all__ = ["PlainCommand", "PlainGroup", "refuse_others", "usage_error"]

_VALUE_ERROR = "Value error, "
_NOT_THE_NUMBER = ("int_", "float_", "greater_than", "less_than")


def usage_error(error: typer.TyperException) -> str:
    """Return what is wrong: first the option or argument, then what was expected."""
    if not isinstance(error, typer.BadParameter) or not error.message:
        return error.format_message()
    where, text = _where(error), _in_words(error)
    return f"{where}: {text}" if where else text


def refuse_others(context: typer.Context, option: str, taken: Collection[str]) -> None:
    """Refuse the options of a command line that are not among those `taken`.

    Raises:
        typer.BadParameter: There is one, which `option` would ignore.
    """
    for param in context.command.params:
        source = context.get_parameter_source(str(param.name))
        is_given = source is not None and source.name == "COMMANDLINE"
        name = param.opts[0]
        if is_given and name.startswith("-") and name not in taken:
            raise typer.BadParameter(f"{option} does not take {name}")


def _where(error: typer.BadParameter) -> str:
    """Return the option or argument that is wrong, "" if the error names none."""
    hint = error.param_hint
    if hint is None and error.param is not None:
        hint = error.param.get_error_hint()
    return hint.strip("'") if isinstance(hint, str) else ""


def _in_words(error: typer.BadParameter) -> str:
    """Return the text of an error; of one of Pydantic's, what was expected."""
    errors: Any = getattr(error.__cause__, "errors", None)
    if error.param is None or errors is None:
        return error.message
    problem: dict[str, Any] = errors()[0]
    if not problem["type"].startswith(_NOT_THE_NUMBER):
        return error.message.removeprefix(_VALUE_ERROR)
    takes = error.param.type_descriptor
    number = "a number" if "float" in str(takes.annotation) else "a whole number"
    range_ = _range(takes.parameter_info)
    return f"expected {number}{range_}, got {problem['input']!r}"


def _range(info: Any) -> str:
    """Return the limits of a number, as the end of a phrase."""
    if info.min is not None and info.max is not None:
        return f" from {info.min} to {info.max}"
    return "" if info.min is None else f" of at least {info.min}"


class PlainCommand(TyperCommand):
    """A command whose help names arguments plainly: FILE, [DATASET], NAME..."""

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002
        """Return the line for the list of commands."""
        return _first_sentence(self.help)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage line."""
        arguments = [
            one for one in self.get_params(ctx) if isinstance(one, TyperArgument)
        ]
        return ["[OPTIONS]", *map(_piece, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, without the types that Typer adds, and the options."""
        params = self.get_params(ctx)
        arguments = [one for one in params if isinstance(one, TyperArgument)]
        options = [one for one in params if not isinstance(one, TyperArgument)]
        plain = [(name.split(" <")[0], text) for name, text in _records(arguments, ctx)]
        _write(formatter, "Arguments", plain)
        _write(formatter, "Options", _records(options, ctx))


class PlainGroup(TyperGroup):
    """A group that is listed with a whole sentence, as its commands are."""

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002
        """Return the line for the list of commands."""
        return _first_sentence(self.help)


def _first_sentence(text: str | None) -> str:
    """Return the first paragraph of a help, which is one sentence."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())


def _piece(argument: TyperArgument) -> str:
    name = argument.display_name_raw
    return name if argument.required else f"[{name}]"


def _records(params: Iterable[Any], ctx: Any) -> list[tuple[str, str]]:
    """Return names and helps, as Typer shows them."""
    return [*filter(None, (one.get_help_record(ctx) for one in params))]


def _write(formatter: Any, title: str, records: list[tuple[str, str]]) -> None:
    if records:
        with formatter.section(title):
            formatter.write_dl(records)
