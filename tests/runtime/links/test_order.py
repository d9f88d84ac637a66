"""The order of messages from one sender to one recipient over a link."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.runtime import Actor, ActorRef, Mailbox, Message, Request, receive
from tests.runtime.links.pairs import linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


class Told(Message, frozen=True):
    """A message with its number."""

    number: int


class Echo(Message, frozen=True):
    """The answer to `Asked`."""

    number: int


class Asked(Request[Echo], frozen=True):
    """A request with its number."""

    number: int


class Go(Message, frozen=True):
    """Makes an actor send what its script says."""

    to: ActorRef[Any]


class Recipient(Actor[Told | Asked]):
    """Keeps the numbers; tells its sender each number that was told."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    @receive
    def told(self, message: Told) -> None:
        """Keep, and send it back."""
        self.numbers.append(message.number)
        if self.sender is not None:
            self.sender.tell(message)

    @receive
    def asked(self, message: Asked) -> Echo:
        """Keep and answer."""
        self.numbers.append(message.number)
        return Echo(message.number)


class Sender(Actor[Go | Told | Echo]):
    """Sends in several ways, one number after the other."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.back: list[int] = []
        self.done = False

    @receive
    async def go(self, message: Go) -> None:
        """Send."""
        for number, way in enumerate(self.script):
            match way:
                case "t":
                    message.to.tell(Told(number))
                case "r":  # told; the answer is an ordinary message
                    message.to.tell(Asked(number))
                case "a":
                    assert await message.to.ask(Asked(number)) == Echo(number)
                case _:
                    await message.to.offer(Told(number))
        self.done = True

    @receive
    def told(self, message: Told) -> None:
        """Keep."""
        self.back.append(message.number)

    @receive
    def echo(self, message: Echo) -> None:
        """Keep."""
        self.back.append(message.number)


async def run(scripts: list[str], mailbox: Mailbox) -> None:
    """Let senders send to one recipient, and check both directions."""
    async with linked() as pair:
        recipients = [Recipient() for _ in scripts]
        senders = [Sender(script) for script in scripts]
        for number, recipient in enumerate(recipients):
            pair.two.spawn(recipient, f"recipient/{number}", mailbox=mailbox)
        for number, sender in enumerate(senders):
            there = await pair.link.ref(f"recipient/{number}")
            pair.one.spawn(sender).tell(Go(there))
        for script, sender, recipient in zip(scripts, senders, recipients, strict=True):
            back = [number for number, way in enumerate(script) if way != "a"]
            await until(lambda: sender.done and len(sender.back) == len(back))  # noqa: B023 - at once
            assert recipient.numbers == list(range(len(script)))
            assert sender.back == back


SCRIPT = st.text("trao", max_size=30)


@settings(max_examples=40)
@given(
    scripts=st.lists(SCRIPT, min_size=1, max_size=3), bound=st.sampled_from([40, 64])
)
def test_mixed(scripts: list[str], bound: int) -> None:
    """Tells, told requests, asks and offers keep their order, and so do answers."""
    asyncio.run(run(scripts, Mailbox(bound, "wait")))


@loop
async def test_long() -> None:
    """So they do over many frames."""
    await run(["tr" * 3000, "ttttttta" * 200], Mailbox(65_536, "wait"))


@loop
async def test_offers_one_after_the_other() -> None:
    """A full mailbox slows them, and changes no order."""
    await run(["o" * 200], Mailbox(2, "wait"))
