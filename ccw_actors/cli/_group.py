"""The commands, and how each ends when it cannot go on: a line and an exit status."""

import contextlib
import errno
import io
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ccw_actors.cli._printing import complain, visible
from ccw_actors.errors import (
    CcwActorsError,
    MachineFileError,
    NameInUseError,
    StreamError,
    TraceFileError,
    VectorError,
)
from ccw_actors.explore import CounterexampleError

__all__ = ["OneLineGroup", "run_to_an_end"]

_FAILED, _BAD_INPUT, _CUT_SHORT = 1, 2, 130
_BAD_INPUTS = (
    CounterexampleError,
    MachineFileError,
    NameInUseError,
    StreamError,
    TraceFileError,
    VectorError,
)


class OneLineGroup(TyperGroup):
    """Commands whose wrong use is told in one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - as it is called
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> Any:
        """Run a command and exit; see the base class."""
        try:
            status = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except typer.TyperException as error:
            if not standalone_mode:
                raise
            _complain_of_usage(error)
            status = error.exit_code
        except typer.Abort:
            if not standalone_mode:
                raise
            status = _CUT_SHORT
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def run_to_an_end(app: Callable[[], Any]) -> NoReturn:
    """Run the commands; whatever is wrong is one line, and an exit status.

    That is 2 for usage and for a file that is not what it has to be, 130 for Ctrl-C,
    and 1 for what else keeps a command from its work.
    """
    _escape_output()
    try:
        app()
    except CcwActorsError as error:
        complain(error)
        sys.exit(_BAD_INPUT if isinstance(error, _BAD_INPUTS) else _FAILED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            _close_quietly()
        else:
            complain(_in_words(error))
        sys.exit(_FAILED)
    sys.exit(0)


def _escape_output() -> None:
    """Have what cannot be shown as it is written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What has not the letter gets an escape, and the user no traceback.
            stream.reconfigure(errors="backslashreplace")
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_VisibleFormatter())


class _VisibleFormatter(logging.Formatter):
    """One line for each warning that nobody else handles."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(f"ccw-actors: {record.getMessage()}")


def _complain_of_usage(error: typer.TyperException) -> None:
    text = error.format_message()
    if text.startswith("Usage: "):  # the help, for who gave no arguments
        typer.echo(text, err=True)
        return
    command = getattr(getattr(error, "ctx", None), "command_path", "")
    hint = f" (see {command} --help)" if command else ""
    complain(f"{text.rstrip('.')}{hint}")


def _in_words(error: OSError) -> str:
    if error.strerror is None:
        return str(error)
    names = [str(one) for one in (error.filename, error.filename2) if one is not None]
    return ": ".join([*names, error.strerror])


def _close_quietly() -> None:
    """Let nothing more be written to a pipe whose reader has seen enough."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.close()
