"""Moves money between two accounts: with a check of the balance first, or in one step.

A teller asks for the balance and withdraws the money if it is enough. Two tellers that
do so both find enough for one. The correct way leaves the decision to the account,
which knows its balance when it gives the money away.

The explorer verifies `transfer`, and refutes `transfer_buggy` in eight steps: both
tellers read the same balance before either withdraws.

    ccw-actors explore examples/explore/bank.py:transfer_buggy

python examples/explore/bank.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explain, explore
from ccw_actors.runtime import Actor, ActorRef, Message, Request, receive


class Balance(Message, frozen=True):
    """The balance of an account."""

    amount: int


class AskBalance(Request[Balance], frozen=True):
    """Asks for the balance of an account."""


class Deposit(Message, frozen=True):
    """Pays money into an account."""

    amount: int


class Withdraw(Message, frozen=True):
    """Moves money from an account to another one, without checking the balance."""

    amount: int
    to: ActorRef[Deposit]


class Moved(Message, frozen=True):
    """Says whether money was moved."""

    done: bool


class Move(Request[Moved], frozen=True):
    """Moves money to another account if the balance is enough."""

    amount: int
    to: ActorRef[Deposit]


class Transfer(Message, frozen=True):
    """Asks a teller to move an amount from one account to another."""

    amount: int
    of: ActorRef[Any]
    to: ActorRef[Any]


class AccountState(Struct):
    """The state of an account."""

    balance: int


class Account(Actor[AskBalance | Deposit | Withdraw | Move]):
    """Holds money."""

    state: AccountState

    def __init__(self, balance: int) -> None:
        self.state = AccountState(balance)

    @receive
    def ask_balance(self, _message: AskBalance) -> Balance:
        """Answer with the balance."""
        return Balance(self.state.balance)

    @receive
    def deposit(self, message: Deposit) -> None:
        """Add money."""
        self.state.balance += message.amount

    @receive
    def withdraw(self, message: Withdraw) -> None:
        """Move money, whatever the balance is."""
        self.state.balance -= message.amount
        message.to.tell(Deposit(message.amount))

    @receive
    def move(self, message: Move) -> Moved:
        """Move money if the balance is enough."""
        if self.state.balance < message.amount:
            return Moved(done=False)
        self.state.balance -= message.amount
        message.to.tell(Deposit(message.amount))
        return Moved(done=True)


class TellerState(Struct):
    """The transfer in progress, and how many were done and refused."""

    transfer: Transfer | None = None
    done: int = 0
    refused: int = 0


class Teller(Actor[Transfer | Balance | Moved]):
    """Moves money; one that `looks_first` decides by the balance it was sent."""

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
        """Decide by a balance that was correct when it was sent."""
        transfer = self.state.transfer
        assert transfer is not None, "nobody else asks for a balance"
        done = message.amount >= transfer.amount
        if done:
            transfer.of.tell(Withdraw(transfer.amount, transfer.to))
        self._end(done=done)

    @receive
    def moved(self, message: Moved) -> None:
        """Record the account's decision."""
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

    They leave the decision to the account; `buggy` ones check the balance first.
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
    """Two tellers move money out of one account, after checking its balance."""
    transfers(buggy=True)(world)


def main() -> None:
    """Verify the scenario where the account decides, and refute the other one."""
    result = explore(transfer)
    print(result.verdict.upper(), result.scope)
    assert result.verdict == "verified"
    refuted = explore(transfer_buggy)
    print(explain(transfer_buggy, refuted))
    assert refuted.violation == "account/one: never overdrawn"


if __name__ == "__main__":
    main()
