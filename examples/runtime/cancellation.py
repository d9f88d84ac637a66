"""asyncio.timeout and asyncio.TaskGroup inside an async handler."""

import asyncio

from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Price(Message, frozen=True):
    """A price."""

    amount: int


class GetPrice(Request[Price], frozen=True):
    """Asks for a price."""


class Shop(Actor[GetPrice]):
    """Answers with its price after some time (seconds)."""

    def __init__(self, amount: int, delay: float) -> None:
        self.amount, self.delay = amount, delay

    @receive
    async def price(self, _message: GetPrice) -> Price:
        """Wait, and answer."""
        await asyncio.sleep(self.delay)
        return Price(self.amount)


class Buyer(Actor[GetPrice]):
    """Asks all shops at once, and takes the lowest price that arrives in time."""

    def __init__(self, *shops: ActorRef[GetPrice]) -> None:
        self.shops = shops

    @receive
    async def price(self, _message: GetPrice) -> Price:
        """Ask the shops; the actor handles no other message until it has answered."""
        found: list[int] = []

        async def ask(shop: ActorRef[GetPrice]) -> None:
            found.append((await shop.ask(GetPrice())).amount)

        try:
            async with asyncio.timeout(0.2), asyncio.TaskGroup() as group:
                for shop in self.shops:
                    group.create_task(ask(shop))
        except TimeoutError:
            print("one shop is too slow")
        return Price(min(found))


async def main() -> None:
    """Find the lowest price."""
    async with System() as system:
        shops = [
            system.spawn(Shop(amount, delay))
            for amount, delay in ((30, 0.001), (20, 0.002), (10, 30.0))
        ]
        price = await system.spawn(Buyer(*shops)).ask(GetPrice())
        print("lowest price in time:", price.amount)
        assert price.amount == 20


if __name__ == "__main__":
    asyncio.run(main())
