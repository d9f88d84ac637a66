"""Test an actor with a probe: on the loop, in virtual time, and step by step."""

import asyncio

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)
from ccw_actors.testkit import Probe


class Order(Message, frozen=True):
    """A dish, and the guest who orders it."""

    dish: str
    guest: ActorRef["Served"]


class Served(Message, frozen=True):
    """A dish that is served."""

    dish: str


class Cook(Actor[Order]):
    """Serves a dish one minute after its order."""

    @receive
    async def order(self, message: Order) -> None:
        """Cook and serve."""
        await self.sleep(60.0)
        message.guest.tell(Served(message.dish))


def in_virtual_time() -> None:
    """Let a minute pass at once."""
    clock = VirtualDispatcher()
    system = System(clock)
    guest = Probe(system, Served)
    system.spawn(Cook()).tell(Order("soup", guest.ref))
    clock.advance(59.0)
    guest.expect_nothing_now()
    clock.advance(1.0)
    guest.expect_now(Served("soup"))


def step_by_step() -> None:
    """Choose which of two cooks is first."""
    orders: set[tuple[Message, ...]] = set()
    for pick in (0, -1):
        steps = SteppingDispatcher("mailbox")
        system = System(steps)
        guest = Probe(system, Served)
        for dish in ("soup", "salad"):
            system.spawn(Cook()).tell(Order(dish, guest.ref))
        while choices := steps.enabled():
            steps.step(choices[pick])
        orders.add(guest.received)
    assert len(orders) == 2, orders


async def on_the_loop() -> None:
    """Await the same probe."""
    async with System() as system:
        guest = Probe(system, Served)
        system.ref(guest.ref.path).tell(Served("bread"))
        await guest.expect(Served, timeout=1.0)


if __name__ == "__main__":
    in_virtual_time()
    step_by_step()
    asyncio.run(on_the_loop())
    print("all as expected")
