"""Decides which requests are answered: those of the one browser that has the token.

Another program on this host, or a page of another site in the same browser, can also
reach the port. It is refused at the first of these that it does not meet:

| asked for | refuses |
|---|---|
| Host is the loopback name and the port | names of other sites that lead here |
| the token in the address, or the cookie that it is exchanged for | all others |
| Origin and Sec-Fetch-Site, if there, are this page's own | other sites' pages |
| a POST has this page's Origin | forms and pages without one |

A refusal is status 403 and one line of text.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

__all__ = ["Guard", "Token"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_FETCHED_BY_US: Final = frozenset(("same-origin", "none"))
_ALWAYS: Final = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
)
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"


class Token:
    """The secret in the address that is printed, and that of the cookie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.text = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        # All ports of a host share its cookies.
        self._name = f"ccw-actors-{port}"

    @property
    def address(self) -> str:
        """The address to open in the browser."""
        return f"http://127.0.0.1:{self.port}/?token={self.text}"

    @property
    def hosts(self) -> frozenset[str]:
        """The values of Host under which the page is served."""
        # Browsers leave out the port that HTTP has by default.
        port = "" if self.port == 80 else f":{self.port}"
        return frozenset(f"{name}{port}" for name in ("127.0.0.1", "localhost"))

    @property
    def set_cookie(self) -> str:
        """The header that makes the browser keep the cookie."""
        return f"{self._name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def is_in_query(self, query: str) -> bool:
        """Whether a query has the token."""
        given = parse_qs(query).get("token", [""])
        return len(given) == 1 and _same(given[0], self.text)

    def is_in_cookies(self, header: str) -> bool:
        """Whether the header Cookie has the cookie."""
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._name and _same(value, self._cookie):
                return True
        return False


class Guard:
    """An application that passes on the requests of the one browser, and no others."""

    def __init__(self, app: App, token: Token) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        query = scope["query_string"].decode("latin-1")
        brings_token = (
            scope["method"] == "GET"
            and scope["path"] == "/"
            and self._token.is_in_query(query)
        )
        why = self._why_not(scope["method"], headers, brings_token=brings_token)
        if why:
            await _answer(send, 403, why)
        elif brings_token:
            more = (("location", "/"), ("set-cookie", self._token.set_cookie))
            await _answer(send, 303, "", more)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _why_not(
        self, method: str, headers: dict[str, list[str]], *, brings_token: bool
    ) -> str:
        """Return why a request is refused, "" if it is not."""
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0] not in self._token.hosts:
            return "the name of the host is not the one that is served"
        cookies = "; ".join(headers.get("cookie", []))
        if not (brings_token or self._token.is_in_cookies(cookies)):
            return "the token is missing: open the address that the command printed"
        own = f"http://{hosts[0]}"
        origins = headers.get("origin", [])
        if any(one != own for one in origins) or (method == "POST" and not origins):
            return "the request comes from another origin"
        if not set(headers.get("sec-fetch-site", [])) <= _FETCHED_BY_US:
            return "the request comes from another site"
        return ""


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(
            value.decode("latin-1")
        )
    return found


def _with_headers(send: Send) -> Send:
    """Return a `send` that adds what every answer has."""

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            more = [*_ALWAYS, ("content-security-policy", _POLICY)]
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in more
                    if name.encode() not in there
                ),
            ]
        await send(message)

    return sends


async def _answer(
    send: Send, status: int, text: str, more: tuple[tuple[str, str], ...] = ()
) -> None:
    body = f"{text}\n".encode() if text else b""
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        *more,
    ]
    raw = [(name.encode(), value.encode()) for name, value in headers]
    sends = _with_headers(send)
    await sends({"type": "http.response.start", "status": status, "headers": raw})
    await sends({"type": "http.response.body", "body": body})
