"""What the benchmark of links measures of a library, between two processes."""

import asyncio
import socket
import sys
from abc import ABC, abstractmethod
from typing import ClassVar

__all__ = ["LinkPeer", "free_port", "until_end_of_input"]


class LinkPeer(ABC):
    """One library, used as its documentation shows, with an actor in another process.

    The process that measures calls `open`, `tell`, `ask` and `close`; its child calls
    `serve`, unless the library starts the other process itself. Every message is a
    `benchmarks.peers.messages.Record` or `Read`, or has the same content.
    """

    serves: ClassVar[bool] = True
    share: ClassVar[float] = 1.0
    """The share of the messages of the others that it gets, because it is slow."""

    @abstractmethod
    async def serve(self, address: str) -> None:
        """Serve at a Unix socket's path; call `ready`, and end with the input."""

    @abstractmethod
    async def open(self, address: str) -> None:
        """Connect to what serves there."""

    @abstractmethod
    async def tell(self, count: int) -> None:
        """Tell that many messages, and wait until the last one is handled."""

    @abstractmethod
    async def ask(self, number: int) -> None:
        """Ask once, and wait for the answer."""

    async def close(self) -> None:
        """End the connection."""
        return

    @staticmethod
    def ready() -> None:
        """Tell the parent that a connection can be made."""
        print("ready", flush=True)


async def until_end_of_input() -> None:
    """Wait until the parent closes the standard input."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def free_port() -> str:
    """Return an address of this host that nobody listens at, as "HOST:PORT"."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
