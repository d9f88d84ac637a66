"""A process with a System of its own, for the tests of faults.

    peer.py listen ADDRESS [FOLDER]     has the actor "ledger"
    peer.py drive ADDRESS [FOLDER]      sends numbers to that until the link is lost

The first prints its address, and then each number that it handles. The second prints
what happened to its messages, as JSON, at its end. FOLDER has its certificates.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from ccw_actors.errors import LinkLostError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Request,
    System,
    Terminated,
    receive,
)
from ccw_actors.runtime.links import Link, LinkOptions, Tls

ASKS_EVERY = 10


class Put(Message, frozen=True):
    """The next number."""

    number: int


class Kept(Message, frozen=True):
    """The answer to `Keep`."""

    number: int


class Keep(Request[Kept], frozen=True):
    """The next number, to be answered."""

    number: int


class Ledger(Actor[Put | Keep]):
    """Prints each number at once, so that it is known even after a kill -9."""

    @receive
    def put(self, message: Put) -> None:
        """Print."""
        os.write(1, b"%d\n" % message.number)

    @receive
    def keep(self, message: Keep) -> Kept:
        """Print and answer."""
        os.write(1, b"%d\n" % message.number)
        return Kept(message.number)


class Drive(Message, frozen=True):
    """Makes the driver send."""

    to: ActorRef[Any]


class Driver(Actor[Drive | Terminated]):
    """Sends numbers, every tenth as an ask, until an ask fails."""

    def __init__(self) -> None:
        self.answered: list[int] = []
        self.errors: list[str] = []
        self.ends: list[str] = []
        self.told = asyncio.Event()

    @receive
    async def drive(self, message: Drive) -> None:
        """Send."""
        self.watch(message.to)
        number = 0
        while not self.errors:
            try:
                if number % ASKS_EVERY:
                    message.to.tell(Put(number))
                else:
                    kept = await message.to.ask(Keep(number), timeout=60.0)
                    self.answered.append(kept.number)
            except LinkLostError as error:
                self.errors.append(type(error).__name__)
            number += 1

    @receive
    def terminated(self, message: Terminated) -> None:
        """Keep."""
        self.ends.append(message.reason)
        self.told.set()


def options_of(folder: str) -> LinkOptions:
    """Return the options of both ends."""
    if not folder:
        return LinkOptions(heartbeat=0.5, timeout=30.0)
    one = Path(folder)
    tls = Tls(one / "own.pem", one / "own.key", one / "authority.pem")
    return LinkOptions(tls=tls, heartbeat=0.5, timeout=30.0)


async def listen(address: str, options: LinkOptions) -> None:
    """Serve until the process is killed."""
    async with System(name="ledger") as system:
        system.spawn(Ledger(), "ledger")
        listener = await system.listen(address, options)
        print(listener.address, flush=True)  # noqa: T201 - for the test
        await asyncio.Event().wait()


async def drive(address: str, options: LinkOptions) -> dict[str, Any]:
    """Send until the link is lost; return what happened."""
    async with System(name="driver") as system:
        link: Link = await system.connect(address, options)
        driver = Driver()
        home = system.spawn(driver, "driver")
        home.tell(Drive(await link.ref("ledger")))
        reason = await link.ended()
        await driver.told.wait()
        home.stop()
        await home.stopped()
        return {
            "answered": driver.answered,
            "errors": driver.errors,
            "ends": driver.ends,
            "reason": reason,
        }


if __name__ == "__main__":
    mode, place, *rest = sys.argv[1:]
    given = options_of(rest[0] if rest else "")
    if mode == "listen":
        asyncio.run(listen(place, given))
    else:
        print(json.dumps(asyncio.run(drive(place, given))))  # noqa: T201
