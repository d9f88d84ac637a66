"""Two Systems in two processes: the second is a child, linked by its standard streams.

Run this file without an argument. It starts itself again as the child.
"""

import asyncio
import os
import shlex
import sys

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


class Deposit(Message, frozen=True):
    """Adds to an account, in pounds."""

    amount: int


class Balance(Message, frozen=True):
    """The answer to `Read`."""

    amount: int
    process: int


class Read(Request[Balance], frozen=True):
    """Asks for the balance."""


class Crash(Request[Balance], frozen=True):
    """Ends the process of the account at once."""


class Account(Actor[Deposit | Read | Crash]):
    """An account, which lives in the child."""

    def __init__(self) -> None:
        self.amount = 0

    @receive
    def deposit(self, message: Deposit) -> None:
        """Add."""
        self.amount += message.amount

    @receive
    def read(self, _message: Read) -> Balance:
        """Answer, with the number of the process."""
        return Balance(self.amount, os.getpid())

    @receive
    def crash(self, _message: Crash) -> None:
        """End like a process that is killed."""
        os._exit(1)


class Teller(Actor[Terminated]):
    """Deposits, and watches the account."""

    def __init__(self, account: ActorRef[Deposit]) -> None:
        self.account = account
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_start(self) -> None:
        """Send as to any other actor."""
        self.watch(self.account)
        for amount in (1, 2, 39):
            self.account.tell(Deposit(amount))

    @receive
    def terminated(self, message: Terminated) -> None:
        """Hear of the end of the account, or of the link."""
        self.lost.set_result(message.reason)


async def child() -> None:
    """Have an account, until the parent closes the link."""
    async with System(name="bank") as system:
        system.spawn(Account(), "account")
        link = await system.connect("stdio:")
        await link.ended()


async def main() -> None:
    """Use an account in another process, and see that process crash."""
    command = shlex.join([sys.executable, __file__, "child"])
    async with System(name="shop") as system:
        link = await system.connect(f"exec:{command}")
        account = await link.ref("account")
        teller = Teller(account)
        await system.spawn(teller, "teller").started()
        balance: Balance = await account.ask(Read())
        assert balance.amount == 42
        assert balance.process != os.getpid()
        print(f"{account.path} of {account.system} says {balance.amount}")
        try:
            await account.ask(Crash())
        except LinkLostError as error:
            print(error)
        print(f"teller was told: {await teller.lost}")


if __name__ == "__main__":
    asyncio.run(child() if sys.argv[1:] == ["child"] else main())
