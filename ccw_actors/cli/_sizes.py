"""Sizes as options: bytes, or a number with a binary unit."""

import typer

from ccw_actors._sizes import read_size

__all__ = ["size_option"]

_DIGITS_MAX = 20


def size_option(text: str, option: str, *, least: int = 1) -> int:
    """Read "4096", "64 KiB" or "1 GiB".

    Raises:
        typer.BadParameter: It is not a size, or one below `least` bytes.
    """
    try:
        is_bytes = text.isdecimal() and len(text) <= _DIGITS_MAX
        size = read_size(int(text) if is_bytes else text)
        if size < least:
            raise ValueError(f"expected at least {least} bytes, got {text!r}")  # noqa: TRY301
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    return size
