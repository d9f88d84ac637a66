"""Serves a walk on this host, until Ctrl-C; the extra `browse` has the web server."""

import logging
import socket
import webbrowser
from collections.abc import Callable
from types import FrameType
from typing import Final

from ccw_actors.browse._guard import App, Token
from ccw_actors.browse._outlook import Outlooks
from ccw_actors.browse._walk import BrowseError, Walk
from ccw_actors.errors import CcwActorsError

__all__ = ["MissingExtraError", "Port", "app_of", "serve"]

_HOST: Final = "127.0.0.1"
_QUIET: Final = logging.CRITICAL + 1


class MissingExtraError(CcwActorsError):
    """The web server is not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is not installed; expected what"
            " pip install 'ccw-actors[browse]' adds"
        )


class Port:
    """A port of this host that is taken; `token` goes with it.

    Raises `BrowseError` if the port cannot be taken.
    """

    def __init__(self, number: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind((_HOST, number))
        except OSError as error:
            self.socket.close()
            raise BrowseError(f"port {number}: {error.strerror}") from error
        self.token = Token(self.socket.getsockname()[1])


def app_of(walk: Walk, outlooks: Outlooks, token: Token) -> App:
    """Return the ASGI application that serves a walk to the browser with a token.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    try:
        from ccw_actors.browse._app import make_app  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "starlette") from error
    return make_app(walk, outlooks, token)


def serve(
    walk: Walk,
    outlooks: Outlooks,
    port: int,
    tell: Callable[[str], object],
    *,
    opens: bool = False,
) -> None:
    """Serve a walk, and explore the whole scenario meanwhile, until Ctrl-C.

    `tell` is called once with the address, when it can be opened; with `opens` a
    browser opens it. `KeyboardInterrupt` is raised after the server has ended.

    Raises:
        MissingExtraError: The web server is not installed.
        BrowseError: The port cannot be taken.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "uvicorn") from error

    class Server(uvicorn.Server):
        """Gives up its searches at the first signal, so that it can end."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            outlooks.end()
            super().handle_exit(sig, frame)

    taken = Port(port)
    config = uvicorn.Config(
        app_of(walk, outlooks, taken.token),
        log_config=None,
        log_level=_QUIET,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    # A failure of an actor is a step here, which the page shows.
    logging.getLogger("ccw_actors").setLevel(_QUIET)
    with taken.socket:
        taken.socket.listen()
        outlooks.begin()
        tell(taken.token.address)
        if opens:
            webbrowser.open(taken.token.address)
        try:
            Server(config).run(sockets=[taken.socket])
        finally:
            outlooks.end()
