"""The application: the page, and what the page asks for.

| request | answer |
|---|---|
| GET / | the page |
| POST /walk, `{"way": [...]}` | the picture of a way up to its first fault |
| POST /outlook, `{"way": [...]}` | an `Outlook` |
| GET /known | a `Known` |

Bodies and answers are JSON. Errors are `{"error": "one line"}`: 400 for a body of
another form, 409 for a search that was given up, 422 for a step that is not possible,
500 for an error of the scenario's own code. No address names a file.
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ccw_actors.browse._guard import App, Guard, Token
from ccw_actors.browse._outlook import GivenUpError, Outlooks
from ccw_actors.browse._walk import BrowseError, Walk
from ccw_actors.show import live_page, packed

__all__ = ["make_app"]

_SIZE_MAX: Final = 1 << 20
_MODULES: Final = ("link.js", "next.js", "browse.js")


class _Body(Struct, forbid_unknown_fields=True):
    """What the page sends: the names of the steps of a way."""

    way: list[str]


class _Answer(Struct):
    """A place as the page gets it."""

    way: tuple[str, ...]
    picture: Raw
    violation: str
    is_over: bool


class _RequestError(Exception):
    """A request that is not answered: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def make_app(walk: Walk, outlooks: Outlooks, token: Token) -> App:
    """Return the application that serves a walk to the browser with a token."""
    server = _Server(walk, outlooks)
    routes = [
        Route("/", server.page),
        Route("/walk", server.walk, methods=["POST"]),
        Route("/outlook", server.outlook, methods=["POST"]),
        Route("/known", server.known),
    ]
    return Guard(Starlette(routes=routes), token)


class _Server:
    """Answers requests. Walks and searches run on threads."""

    def __init__(self, walk: Walk, outlooks: Outlooks) -> None:
        self._walk = walk
        self._outlooks = outlooks
        folder = files("ccw_actors.browse") / "web"
        modules = [(folder / name).read_text(encoding="utf-8") for name in _MODULES]
        style = (folder / "browse.css").read_text(encoding="utf-8")
        self._page, self._policy = live_page(walk.name, "explorer", modules, style)

    async def page(self, _request: Request) -> Response:
        """Return the page."""
        policy = f"{self._policy}; frame-ancestors 'none'"
        headers = {"content-security-policy": policy}
        return Response(self._page, media_type="text/html", headers=headers)

    async def walk(self, request: Request) -> Response:
        """Return the place at the end of a way."""

        def place(way: list[str]) -> _Answer:
            self._outlooks.move_on()
            found = self._walk.at(way)
            picture = Raw(packed(found.picture))
            return _Answer(found.way, picture, found.violation, found.is_over)

        return await _answered(request, place)

    async def outlook(self, request: Request) -> Response:
        """Return whether a fault can follow a way."""
        return await _answered(request, self._outlooks.after)

    async def known(self, _request: Request) -> Response:
        """Return what is known of the whole scenario."""
        return _json(self._outlooks.known)


async def _answered(request: Request, call: Callable[[list[str]], Any]) -> Response:
    """Call with the way in a request, on a thread; errors become answers."""
    try:
        way = await _way(request)
        return _json(await run_in_threadpool(call, way))
    except _RequestError as error:
        return _refused(error.status, str(error))
    except GivenUpError as error:
        return _refused(409, str(error))
    except BrowseError as error:
        return _refused(422, str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the scenario's own
        return _refused(500, f"{type(error).__name__}: {error}")


async def _way(request: Request) -> list[str]:
    """Return the way in the body of a request."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise _RequestError(400, "expected a body of the type application/json")
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > _SIZE_MAX:
            raise _RequestError(400, f"expected at most {_SIZE_MAX} bytes")
    try:
        return msgspec.json.decode(raw, type=_Body).way
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _RequestError(400, f"expected a way: {error}") from error


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _refused(status: int, why: str) -> Response:
    return _json({"error": " ".join(why.split())}, status)
