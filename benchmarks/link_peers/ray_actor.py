"""Ray: an actor in a worker process that Ray starts."""

import importlib
from typing import Any

from benchmarks.link_peer import LinkPeer
from benchmarks.peer import DATA

__all__ = ["PEER"]

# It may not be installed.
ray: Any = importlib.import_module("ray")
Record = tuple[int, int, int, bytes]


class Counter:
    """Counts records, and answers requests."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, _message: Record) -> None:
        """Count it."""
        self.count += 1

    def read(self, message: Record) -> int:
        """Answer."""
        return message[0]


class RayActor(LinkPeer):
    """One actor; tuples in place of messages."""

    serves = False
    share = 0.05

    async def serve(self, address: str) -> None:
        """Never called: Ray starts the process."""
        raise NotImplementedError(address)

    async def open(self, address: str) -> None:
        """Start Ray and the actor."""
        del address
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
        self.actor = ray.remote(Counter).remote()
        await self.ask(0)

    async def tell(self, count: int) -> None:
        """Call without waiting; the answer to the last call ends it."""
        for number in range(count):
            self.actor.record.remote((number, 1, 2, DATA))
        await self.ask(0)

    async def ask(self, number: int) -> None:
        """Call, and wait."""
        await self.actor.read.remote((number, 1, 2, DATA))

    async def close(self) -> None:
        """Stop Ray."""
        ray.shutdown()


PEER = RayActor
