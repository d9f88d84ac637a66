"""Which actors receive the notice of an end, and which do not."""

import pytest

from ccw_actors.runtime import Restart, System, receive
from tests.concurrency.cast import Watcher, rest, until
from tests.runtime.cast import Blow, Diary, Note

pytestmark = pytest.mark.asyncio


async def test_watching_again_and_no_more() -> None:
    """Watching twice gives one notice, and none after the watch has ended."""
    async with System() as system:
        watching = Watcher()
        watcher = system.spawn(watching, "watcher")
        for path in ("twice", "dropped"):
            system.spawn(Diary(), path)
        for text in ("twice", "twice", "dropped", "-dropped"):
            watcher.tell(Note(text))
        await rest()
        for path in ("dropped", "twice"):
            system.ref(path).stop()
            await system.ref(path).stopped()
        await rest()
        assert watching.ends == ["twice: the actor has stopped"]


async def test_watching_survives_restarts() -> None:
    """A watch survives restarts of the watcher and of the watched actor."""

    class Fragile(Watcher):
        ends: list[str] = []  # noqa: RUF012 - one list for all lives

        def __init__(self) -> None:
            """Keep the list."""

        @receive
        def blow(self, message: Blow) -> None:
            """Fail."""
            raise ValueError(message.reason)

    async with System() as system:
        supervision = Restart(limit=1)
        system.spawn(Fragile, "watcher", supervision=supervision)
        system.spawn(Diary, "diary", supervision=supervision)
        system.ref("watcher").tell(Note("diary"))
        await rest()
        for path in ("watcher", "diary"):
            system.ref(path).tell(Blow("loud"))
        await rest()
        assert Fragile.ends == []
        system.ref("diary").tell(Blow("again"))
        await until(lambda: Fragile.ends)
        assert Fragile.ends == ["diary: the actor failed"]


async def test_watching_without_a_handler() -> None:
    """An actor without a handler for `Terminated` may not watch."""

    class Deaf(Diary):
        @receive
        def note(self, message: Note) -> None:
            """Watch."""
            self.watch(self.system.ref(message.text))

    async with System() as system:
        system.spawn(Deaf(), "deaf").tell(Note("nobody"))
        await until(lambda: system.failures)
        assert "has no handler for Terminated" in system.failures[0].reason
