"""httpx and aiohttp in a handler: they work as in a task.

Each coroutine runs as a task, and as a handler in each of the two ways.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import aiohttp.web
import anyio
import httpx
import pytest
import pytest_asyncio

from ccw_actors.runtime import System
from tests.runtime.handled import WAYS, Runs, begun, driven_by, me
from tests.runtime.worlds import until

pytestmark = pytest.mark.asyncio

SHORT = 0.01
"""Seconds that a server which never answers is waited for."""


class Server:
    """An HTTP server on loopback; `url` is where it is.

    `silent` never answers: `waiting` counts the requests there.
    """

    def __init__(self) -> None:
        self.url = self.silent = ""
        self.waiting = 0
        application = aiohttp.web.Application()
        application.router.add_get("/", self.hello)
        application.router.add_post("/echo", self.echo)
        application.router.add_get("/silent", self.wait)
        self.runner = aiohttp.web.AppRunner(
            application, handler_cancellation=True, shutdown_timeout=1
        )

    async def start(self) -> None:
        """Listen."""
        await self.runner.setup()
        site = aiohttp.web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/"
        self.silent = f"{self.url}silent"

    async def hello(self, _request: aiohttp.web.Request) -> aiohttp.web.Response:
        """Answer."""
        return aiohttp.web.Response(text="hello")

    async def echo(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        """Echo the request, in pieces."""
        return aiohttp.web.Response(body=await request.read())

    async def wait(self, _request: aiohttp.web.Request) -> aiohttp.web.Response:
        """Never answer."""
        self.waiting += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.waiting -= 1
        return aiohttp.web.Response()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    """Serve on loopback."""
    made = Server()
    await made.start()
    yield made
    await made.runner.cleanup()


def client() -> httpx.AsyncClient:
    """Return a client that ignores the proxies of the environment."""
    return httpx.AsyncClient(trust_env=False)


# -- httpx --------------------------------------------------------------------------


async def test_httpx_with_its_mock_transport(runs: Runs) -> None:
    """A function answers a request."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"{request.method} {request.url.path}")

    async def body() -> object:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            return (await http.get("http://nowhere.test/path")).text

    assert await runs(body) == "GET /path"


async def test_httpx(runs: Runs, server: Server) -> None:
    """Requests on one connection, one after the other and at once."""

    async def body() -> object:
        texts: list[str] = []

        async def get(http: httpx.AsyncClient) -> None:
            texts.append((await http.get(server.url)).text)

        async with client() as http:
            await get(http)
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(get, http)
            sent = b"x" * 100_000
            received = b""
            async with http.stream("POST", f"{server.url}echo", content=sent) as stream:
                async for piece in stream.aiter_bytes():
                    received += piece
        return texts, received == sent

    assert await runs(body) == (["hello"] * 4, True)


async def test_httpx_whose_time_is_over(runs: Runs, server: Server) -> None:
    """Its own timeout, and one around it, end a request; the client still works."""

    async def body() -> object:
        async with client() as http:
            only_reading = httpx.Timeout(None, read=SHORT)
            with pytest.raises(httpx.ReadTimeout):
                await http.get(server.silent, timeout=only_reading)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT):
                    await http.get(server.silent)
            with anyio.move_on_after(SHORT) as scope:
                await http.get(server.silent)
            assert scope.cancelled_caught
            assert me().cancelling() == 0
            return (await http.get(server.url)).text

    assert await runs(body) == "hello"


async def test_httpx_that_finds_nobody(runs: Runs) -> None:
    """It raises if no server listens."""
    gone = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = gone.sockets[0].getsockname()[1]
    gone.close()
    await gone.wait_closed()

    async def body() -> object:
        async with client() as http:
            return await http.get(f"http://127.0.0.1:{port}/")

    with pytest.raises(httpx.ConnectError):
        await runs(body)


# -- aiohttp ------------------------------------------------------------------------


async def test_aiohttp(runs: Runs, server: Server) -> None:
    """Requests on one connection, one after the other and at once."""

    async def body() -> object:
        async def get(http: aiohttp.ClientSession) -> str:
            async with http.get(server.url) as response:
                return await response.text()

        async with aiohttp.ClientSession() as http:
            texts = [await get(http)]
            texts += await asyncio.gather(*(get(http) for _ in range(3)))
            sent = b"x" * 100_000
            async with http.post(f"{server.url}echo", data=sent) as response:
                received = await response.read()
        return texts, received == sent

    assert await runs(body) == (["hello"] * 4, True)


async def test_aiohttp_whose_time_is_over(runs: Runs, server: Server) -> None:
    """Its own timeout, and one around it, end a request; the client still works."""

    async def body() -> object:
        async with aiohttp.ClientSession() as http:
            for timeout in (
                aiohttp.ClientTimeout(total=SHORT),
                aiohttp.ClientTimeout(sock_read=SHORT),
            ):
                with pytest.raises(TimeoutError):
                    await http.get(server.silent, timeout=timeout)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT):
                    await http.get(server.silent)
            with anyio.move_on_after(SHORT) as scope:
                await http.get(server.silent)
            assert scope.cancelled_caught
            assert me().cancelling() == 0
            async with http.get(server.url) as response:
                return await response.text()

    assert await runs(body) == "hello"


# -- stops --------------------------------------------------------------------------


async def in_httpx(url: str) -> None:
    """Wait for an answer."""
    async with client() as http:
        await http.get(url, timeout=None)


async def in_aiohttp(url: str) -> None:
    """Wait for an answer."""
    async with aiohttp.ClientSession() as http:
        await http.get(url)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [in_httpx, in_aiohttp])
async def test_stop(way: str, body: Callable[[str], Any], server: Server) -> None:
    """A stop ends the request: the server sees its end, and no task is left."""
    with driven_by(way):
        async with System() as system:
            doer, ref = await begun(system, lambda: body(server.silent))
            await until(lambda: server.waiting == 1)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
        assert system.failures == []
    await until(lambda: server.waiting == 0)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
