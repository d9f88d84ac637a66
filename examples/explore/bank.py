"""Money is moved between two accounts: by who looks first, and by who does it at once.

A teller asks for the balance and, if it is enough, has the money withdrawn. Two tellers
that do so both find enough for one. The right way leaves the decision to the account,
which knows its balance when it gives the money away.

The explorer verifies `transfer`, and refutes `transfer_buggy` in eight steps: both
tellers hear of the same money before either has it withdrawn.

    ccw-actors explore examples/explore/bank.py:transfer_buggy

python examples/explore/bank.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explain, explore
from ccw_actors.runtime import Actor, ActorRef, Message, Request, receive


class Balance(Message, frozen=True):
    """How much is in an account."""

    amount: int


class AskBalance(Request[Balance], frozen=True):
    """Asks how much is in an account."""


class Deposit(Message, frozen=True):
    """Brings money."""

    amount: int


class Withdraw(Message, frozen=True):
    """Takes money out of an account, whatever is in it, and into another one."""

    amount: int
    to: ActorRef[Deposit]


class Moved(Message, frozen=True):
    """Says whether money was moved."""

    done: bool


class Move(Request[Moved], frozen=True):
    """Has money moved into another account if there is enough."""

    amount: int
    to: ActorRef[Deposit]


class Transfer(Message, frozen=True):
    """Has a teller move an amount from one account to another."""

    amount: int
    of: ActorRef[Any]
    to: ActorRef[Any]


class AccountState(Struct):
    """What is in an account."""

    balance: int


class Account(Actor[AskBalance | Deposit | Withdraw | Move]):
    """Holds money."""

    state: AccountState

    def __init__(self, balance: int) -> None:
        self.state = AccountState(balance)

    @receive
    def ask_balance(self, _message: AskBalance) -> Balance:
        """Say how much there is."""
        return Balance(self.state.balance)

    @receive
    def deposit(self, message: Deposit) -> None:
        """Take money in."""
        self.state.balance += message.amount

    @receive
    def withdraw(self, message: Withdraw) -> None:
        """Give money away."""
        self.state.balance -= message.amount
        message.to.tell(Deposit(message.amount))

    @receive
    def move(self, message: Move) -> Moved:
        """Give money away if there is enough."""
        if self.state.balance < message.amount:
            return Moved(done=False)
        self.state.balance -= message.amount
        message.to.tell(Deposit(message.amount))
        return Moved(done=True)


class TellerState(Struct):
    """The transfer under way, and how many were done and refused."""

    transfer: Transfer | None = None
    done: int = 0
    refused: int = 0


class Teller(Actor[Transfer | Balance | Moved]):
    """Moves money; one that `looks_first` decides by what it has been told."""

    state: TellerState

    def __init__(self, *, looks_first: bool) -> None:
        self.state = TellerState()
        self._looks_first = looks_first

    @receive
    def transfer(self, message: Transfer) -> None:
        """Begin."""
        self.state.transfer = message
        if self._looks_first:
            message.of.tell(AskBalance())
        else:
            message.of.tell(Move(message.amount, message.to))

    @receive
    def balance(self, message: Balance) -> None:
        """Decide by a balance that was right when it was sent."""
        transfer = self.state.transfer
        assert transfer is not None, "nobody else asks for a balance"
        done = message.amount >= transfer.amount
        if done:
            transfer.of.tell(Withdraw(transfer.amount, transfer.to))
        self._end(done=done)

    @receive
    def moved(self, message: Moved) -> None:
        """Note what the account has decided."""
        self._end(done=message.done)

    def _end(self, *, done: bool) -> None:
        state = self.state
        state.transfer = None
        state.done += done
        state.refused += not done


def transfers(
    *, tellers: int = 2, balance: int = 10, amount: int = 10, buggy: bool = False
) -> Scenario:
    """Return tellers who each move an amount out of the same account.

    They leave the decision to the account; `buggy` ones look first.
    """

    def scenario(world: World) -> None:
        one = world.spawn(Account(balance), "account/one")
        two = world.spawn(Account(0), "account/two")
        refs = [
            world.spawn(Teller(looks_first=buggy), f"teller/{number}")
            for number in range(1, tellers + 1)
        ]
        for ref in refs:
            world.inject(ref, Transfer(amount, one, two))

        def moved(view: View) -> bool:
            done = sum(view[ref].done for ref in refs)
            return bool(view[two].balance == done * amount)

        for account in (one, two):
            world.invariant(
                account, "never overdrawn", lambda state: state.balance >= 0
            )
        world.final(
            "no money is lost",
            lambda view: view[one].balance + view[two].balance == balance,
        )
        world.final("what was moved has arrived", moved)
        world.sometimes("money arrives", lambda state: state.balance > 0, of=two)

    return scenario


def transfer(world: World) -> None:
    """Two tellers move money out of one account, which decides."""
    transfers()(world)


def transfer_buggy(world: World) -> None:
    """Two tellers move money out of one account, after a look at its balance."""
    transfers(buggy=True)(world)


def main() -> None:
    """See that nothing is wrong where the account decides, and what is elsewhere."""
    result = explore(transfer)
    print(result.verdict.upper(), result.scope)
    assert result.verdict == "verified"
    refuted = explore(transfer_buggy)
    print(explain(transfer_buggy, refuted))
    assert refuted.violation == "account/one: never overdrawn"


if __name__ == "__main__":
    main()
