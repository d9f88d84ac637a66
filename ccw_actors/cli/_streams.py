"""Keeps standard output and error for the command while guest programs run here."""

import contextlib
import io
import os
import sys
from typing import Self, TextIO

__all__ = ["KeptStreams"]

_NAMES = ("stdout", "stderr")


class KeptStreams:
    """Restores both streams on exit, even if a program has closed them.

    With `stdout_for_us`, what programs print goes to standard error.
    """

    def __init__(self, *, stdout_for_us: bool) -> None:
        self._stdout_for_us = stdout_for_us
        self._kept: list[tuple[str, TextIO, int, int]] = []

    def __enter__(self) -> Self:
        for name in _NAMES:
            stream: TextIO | None = getattr(sys, name)
            if stream is None:
                continue
            number = copy = -1
            with contextlib.suppress(OSError, ValueError):
                number = stream.fileno()
                copy = os.dup(number)
            self._kept.append((name, stream, number, copy))
        if self._stdout_for_us:
            sys.stdout = sys.stderr
        return self

    def restore(self) -> None:
        """Restore both streams."""
        for name, kept, number, copy in self._kept:
            stream = kept
            if copy >= 0:
                with contextlib.suppress(OSError):
                    os.dup2(copy, number)
                if stream.closed:
                    raw = open(number, "wb", closefd=False)  # noqa: SIM115
                    stream = io.TextIOWrapper(
                        raw,
                        encoding="utf-8",
                        errors="backslashreplace",
                        write_through=True,
                    )
            setattr(sys, name, stream)

    def __exit__(self, *_: object) -> None:
        self.restore()
        for *_names, copy in self._kept:
            if copy >= 0:
                os.close(copy)
