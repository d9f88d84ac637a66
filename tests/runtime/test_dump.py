"""What a System says of itself."""

import asyncio

import pytest

from ccw_actors.runtime import Actor, ActorRef, Observer, System, receive
from tests.runtime.cast import Carry, Collect, Diary, Note


class Asker(Actor[Carry]):
    """Asks another one."""

    def __init__(self, other: ActorRef[Carry]) -> None:
        self.other = other

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        return await self.other.ask(message)


@pytest.mark.asyncio
async def test_dump() -> None:
    """It lists who waits for what, with queues and ages; idle actors are counted."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        asker = system.spawn(Asker(diary), "asker")
        asked = asyncio.ensure_future(asker.ask(Carry("x")))
        for _ in range(5):
            await asyncio.sleep(0)
        asker.tell(Carry("queued"))
        found = system.dump()
        by_path = {one.path: one for one in found.actors}
        assert by_path["diary"].doing == "idle"
        assert by_path["asker"].doing == "waiting"
        assert by_path["asker"].mailbox == 1
        assert by_path["asker"].waits_for.startswith("diary to answer Carry, for 0.0")
        assert [(one.asker, one.target, one.message) for one in found.asks] == [
            ("", "asker", "Carry"),
            ("asker", "diary", "Carry"),
        ]
        text = str(found)
        assert "asker (Asker): waiting, 1 queued, waits for diary" in text
        assert "1 of 2 actors are idle" in text
        assert "the outside waits for asker to answer Carry" in text
        asked.cancel()


@pytest.mark.asyncio
async def test_statistics() -> None:
    """They count what was handled, lost and asked."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        diary.tell(Note("1"))
        await diary.ask(Collect())
        system.ref("nobody").tell(Note("lost"))
        counts = system.statistics()
        assert (counts.actors, counts.handled, counts.dead_letters) == (1, 2, 1)


class Lives(Observer):
    """Keeps who comes and goes."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def spawned(self, actor: str) -> None:
        """Keep it."""
        self.seen.append(f"{actor} spawned")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep it."""
        self.seen.append(f"{actor}: {reason}")


@pytest.mark.asyncio
async def test_observer_of_a_stillborn_actor() -> None:
    """An actor whose `on_start` raises in `spawn` is seen to come, and to go."""

    class Stillborn(Diary):
        def on_start(self) -> None:
            """Raise."""
            raise ValueError("in on_start")

    async with System() as system:
        lives = Lives()
        system.observe(lives)
        with pytest.raises(ValueError, match="in on_start"):
            system.spawn(Stillborn(), "diary")
        assert lives.seen == ["diary spawned", "diary: the actor failed to start"]
        system.unobserve(lives)
        system.spawn(Diary(), "other")
        assert len(lives.seen) == 2
