"""How every command ends when it cannot go on: with one line and an exit status.

| status | what it says |
|---|---|
| 0 | yes: the command did what it was asked |
| 1 | no: it ran, and the answer is no, or what it was asked for cannot be done |
| 2 | the command line is wrong, or a file cannot be used |
| 130 | Ctrl-C |

Commands with more than one kind of "no" have more statuses: see their helps.
"""

import contextlib
import errno
import io
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ccw_actors.cli._inputs import UnusableFileError
from ccw_actors.cli._printing import complain, visible
from ccw_actors.cli._usage import usage_error
from ccw_actors.errors import (
    CcwActorsError,
    ImageError,
    MachineFileError,
    NameInUseError,
    StreamError,
    TraceFileError,
    UnknownControlUnitError,
    UnknownDeviceTypeError,
    VectorError,
)

__all__ = ["OneLineGroup", "run_to_an_end"]

_NO, _UNUSABLE, _INTERRUPTED = 1, 2, 130
_UNUSABLE_INPUTS = (
    ImageError,
    MachineFileError,
    NameInUseError,
    StreamError,
    TraceFileError,
    UnknownControlUnitError,
    UnknownDeviceTypeError,
    UnusableFileError,
    VectorError,
)
_OF_PACKAGES = (
    ("ccw_actors.explore", "CounterexampleError"),
    ("ccw_actors.show", "SourceError"),
)
_UNUSABLE_PATHS = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


class OneLineGroup(TyperGroup):
    """Commands that answer wrong use with one line."""

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
            status = _INTERRUPTED
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def run_to_an_end(app: Callable[[], Any]) -> NoReturn:
    """Run the commands; end with the exit status that the module's table gives."""
    _escape_output()
    try:
        app()
    except CcwActorsError as error:
        complain(error)
        sys.exit(_UNUSABLE if isinstance(error, _unusable_inputs()) else _NO)
    except OSError as error:
        if error.errno == errno.EPIPE:
            _close_quietly()
        else:
            complain(_in_words(error))
        is_path = error.filename is not None and isinstance(error, _UNUSABLE_PATHS)
        sys.exit(_UNUSABLE if is_path else _NO)
    sys.exit(0)


def _unusable_inputs() -> tuple[type[Exception], ...]:
    """Return the errors of files that cannot be used."""
    # A command that has not imported a package cannot raise its error.
    packages = ((sys.modules.get(name), error) for name, error in _OF_PACKAGES)
    own = (getattr(package, error) for package, error in packages if package)
    return (*_UNUSABLE_INPUTS, *own)


def _escape_output() -> None:
    """Write characters that the terminal's encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Without this a name in another script would end in a traceback.
            stream.reconfigure(errors="backslashreplace")
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_VisibleFormatter())


class _VisibleFormatter(logging.Formatter):
    """Formats warnings without a handler as one line each."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(f"ccw-actors: {record.getMessage()}")


def _complain_of_usage(error: typer.TyperException) -> None:
    text = usage_error(error)
    if text.startswith("Usage: "):  # the help: there were no arguments
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
    """Close the streams: the reader of a pipe has seen enough."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.close()
