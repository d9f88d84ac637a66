"""Runs `ccw-actors` in this process, as a shell would: bytes out, and a status."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple

from ccw_actors.cli import main

__all__ = ["Ended", "ccw_actors", "is_harmless"]


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


def ccw_actors(
    *words: str | Path, folder: Path | None = None, columns: int = 200
) -> Ended:
    """Run the command; an exception that is not an exit comes out of here."""
    out, err = io.BytesIO(), io.BytesIO()
    with contextlib.ExitStack() as stack:
        if folder is not None:
            stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(_set(sys, "argv", ["ccw-actors", *map(str, words)]))
        stack.enter_context(_set(sys, "path", [*sys.path]))
        stack.enter_context(_set(os, "environ", os.environ | {"COLUMNS": f"{columns}"}))
        new_out = stack.enter_context(_stream(out, "stdout"))
        new_err = stack.enter_context(_stream(err, "stderr"))
        status = -1
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else -1
        for stream in (new_out, new_err):
            with contextlib.suppress(ValueError):  # the command has closed it
                stream.flush()
    return Ended(status, out.getvalue().decode(), err.getvalue().decode())


def is_harmless(text: str) -> bool:
    """Tell whether every character of a text can be seen, or ends a line."""
    return all(char == "\n" or char.isprintable() for char in text)


@contextlib.contextmanager
def _stream(target: io.BytesIO, name: str) -> Generator[io.TextIOWrapper]:
    target.close: Callable[[], None] = lambda: None  # type: ignore[method-assign,misc]
    stream = io.TextIOWrapper(target, encoding="utf-8")
    with _set(sys, name, stream):
        yield stream


@contextlib.contextmanager
def _set(owner: Any, name: str, value: Any) -> Generator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
