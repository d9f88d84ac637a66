"""The event loop that a command runs its machine on: asyncio's, or that of uvloop."""

import asyncio
import importlib
from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

__all__ = ["LoopFactory", "UseUvloop", "loop_factory"]

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

UseUvloop: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--uvloop",
        help="Run on the event loop of uvloop, which 'ccw-actors[uvloop]' installs.",
    ),
]


def loop_factory(*, uvloop: bool) -> LoopFactory | None:
    """Return what makes an event loop for `asyncio.Runner`; None is asyncio's own.

    Raises `typer.BadParameter` if uvloop is asked for and is not installed.
    """
    if not uvloop:
        return None
    try:
        factory: LoopFactory = importlib.import_module("uvloop").new_event_loop
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            "--uvloop: uvloop is not installed; expected what"
            " pip install 'ccw-actors[uvloop]' adds"
        ) from error
    return factory
