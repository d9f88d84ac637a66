"""This package: two linked Systems."""

from benchmarks.link_peer import LinkPeer, until_end_of_input
from benchmarks.peer import DATA
from benchmarks.peers.messages import Read, Record, Total
from ccw_actors.runtime import Actor, ActorRef, System, receive

__all__ = ["PEER"]


class Counter(Actor[Record | Read]):
    """Counts records, and answers requests."""

    def __init__(self) -> None:
        self.count = 0

    @receive
    def record(self, _message: Record) -> None:
        """Count it."""
        self.count += 1

    @receive
    def read(self, message: Read) -> Total:
        """Answer."""
        return Total(message.number)


class Linked(LinkPeer):
    """Two Systems over a Unix socket, with all features and without observers."""

    async def serve(self, address: str) -> None:
        """Listen."""
        async with System(name="server") as system:
            system.spawn(Counter(), "counter")
            await system.listen(f"unix:{address}")
            self.ready()
            await until_end_of_input()

    async def open(self, address: str) -> None:
        """Connect, and find the actor."""
        self.system = System(name="client")
        link = await self.system.connect(f"unix:{address}")
        self.ref: ActorRef[Record | Read] = await link.ref("counter")

    async def tell(self, count: int) -> None:
        """Tell; the answer to an ask behind them says that all are handled."""
        for number in range(count):
            self.ref.tell(Record(number, 1, 2, DATA))
        await self.ask(0)

    async def ask(self, number: int) -> None:
        """Ask."""
        await self.ref.ask(Read(number, 1, 2, DATA))

    async def close(self) -> None:
        """Shut the System down."""
        await self.system.shutdown()


PEER = Linked
