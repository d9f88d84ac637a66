"""Death watch over a link: each watcher is told once, whatever ends first."""

import pytest

from ccw_actors.runtime import Restart, System, receive
from tests.runtime.cast import Blow, Collect, Diary, Note
from tests.runtime.links.pairs import Meet, Watcher, join, linked
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


@loop
async def test_end_of_the_one_watched() -> None:
    """The watcher hears of it, with the reason; the end of the link adds nothing."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "diary")
        watcher = Watcher()
        pair.one.spawn(watcher, "watcher").tell(Meet(ref))
        ref.stop()
        await until(lambda: bool(watcher.ends))
        await pair.cut()
        await pair.one.ref("watcher").started()
        assert watcher.ends == [("two:diary", "the actor has stopped")]


@loop
async def test_second_at_its_path() -> None:
    """The same holds for a later actor at that path."""
    async with linked() as pair:
        first = pair.two.spawn(Diary(), "diary")
        first.stop()
        await first.stopped()
        ref = await pair.there(Diary(), "diary")
        watcher = Watcher()
        home = pair.one.spawn(watcher, "watcher")
        home.tell(Meet(ref))
        ref.stop()
        await until(lambda: bool(watcher.ends))
        await pair.cut()
        home.stop()
        await home.stopped()
        assert watcher.ends == [("two:diary", "the actor has stopped")]


@loop
async def test_nobody() -> None:
    """Watching an actor that is not there tells the watcher at once."""
    async with linked() as pair:
        watcher = Watcher()
        nobody = await pair.link.ref("nobody")
        pair.one.spawn(watcher, "watcher").tell(Meet(nobody))
        await until(lambda: bool(watcher.ends))
        assert watcher.ends == [("two:nobody", "there is no such actor")]


@loop
async def test_restart_is_no_end() -> None:
    """A restart of the one watched tells nothing."""
    async with linked() as pair:
        ref = await pair.there(Diary, "diary", supervision=Restart())
        watcher = Watcher()
        pair.one.spawn(watcher, "watcher").tell(Meet(ref))
        ref.tell(Blow("loud"))
        ref.stop()
        await until(lambda: bool(watcher.ends))
        assert watcher.ends == [("two:diary", "the actor has stopped")]


class Fickle(Watcher):
    """Stops watching when it hears a note."""

    @receive
    def note(self, message: Note) -> None:
        """Stop watching."""
        self.unwatch(self.refs[-1])
        self.heard.append(message)


@loop
async def test_unwatch() -> None:
    """One who no longer watches is told nothing, neither of the end nor of the link."""
    async with linked() as pair:
        refs = [await pair.there(Diary(), path) for path in ("first", "second")]
        fickle, witness = Fickle(), Watcher()
        home = pair.one.spawn(fickle, "fickle")
        for ref in refs:
            home.tell(Meet(ref))
            home.tell(Note("enough"))
        await until(lambda: len(fickle.heard) == 2)
        other = pair.one.spawn(witness, "witness")
        for ref in refs:
            other.tell(Meet(ref))
        refs[0].stop()
        await until(lambda: len(witness.ends) == 1)
        await pair.cut()
        await until(lambda: len(witness.ends) == 2)
        assert fickle.ends == []


@loop
async def test_lost_link() -> None:
    """All watchers of all actors there are told once, that the link has ended."""
    async with linked() as pair:
        refs = [await pair.there(Diary(), path) for path in ("first", "second")]
        watchers = [Watcher(), Watcher()]
        for watcher in watchers:
            home = pair.one.spawn(watcher)
            for ref in (*refs, *refs):
                home.tell(Meet(ref))
        await until(lambda: all(len(one.refs) == 4 for one in watchers))
        gone = await pair.cut()
        await until(lambda: all(len(one.ends) >= 2 for one in watchers))
        expected = [("two:first", gone), ("two:second", gone)]
        assert [sorted(one.ends) for one in watchers] == [expected, expected]


@loop
async def test_watch_that_was_not_sent() -> None:
    """A watch that waits here when the link ends is told of that once."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "diary")

        class Cuts(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Watch, and cut the link before it is sent."""
                self.watch(message.ref)
                pair.link.lose("cut at once")

        cuts = Cuts()
        home = pair.one.spawn(cuts, "cuts")
        home.tell(Meet(ref))
        await until(lambda: bool(cuts.ends))
        home.stop()
        await home.stopped()
        assert cuts.ends == [("two:diary", "the link to two has ended: cut at once")]


@loop
async def test_watching_after_the_link() -> None:
    """A dead reference tells its watcher at once, also after linking again."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "diary")
        gone = await pair.cut()

        class Holds(Watcher):
            @receive
            def note(self, message: Note) -> None:
                """Watch the one from before."""
                self.heard.append(message)
                self.watch(ref)

        watcher = Holds()
        home = pair.one.spawn(watcher, "watcher")
        home.tell(Note(""))
        await until(lambda: watcher.ends == [("two:diary", gone)])
        await until(lambda: not pair.two.links)
        await join(pair.one, pair.two)
        home.tell(Note(""))
        await until(lambda: len(watcher.ends) == 2)
        assert watcher.ends[1] == ("two:diary", gone)


@loop
async def test_watcher_out_of_reach() -> None:
    """When the link has ended, the actor's end is sent to nobody."""
    async with linked() as pair:
        ref = await pair.there(Diary(), "diary")
        watcher = Watcher()
        pair.one.spawn(watcher, "watcher").tell(Meet(ref))
        await until(lambda: bool(watcher.refs))
        await pair.cut()
        before = pair.two.statistics().dead_letters
        diary = pair.two.ref("diary")
        diary.stop()
        await diary.stopped()
        assert pair.two.statistics().dead_letters == before


@loop
async def test_shutdown_of_the_other_system() -> None:
    """The actors end before the link does: that is what watchers are told."""
    async with System(name="one") as one:
        async with System(name="two") as two:
            pair = await join(one, two)
            ref = await pair.there(Diary(), "diary")
            watcher = Watcher()
            home = one.spawn(watcher, "watcher")
            home.tell(Meet(ref))
            await until(lambda: bool(watcher.refs))
            await ref.ask(Collect())  # The watch was sent before.
        await pair.link.ended()
        await until(lambda: bool(watcher.ends))
        home.stop()
        await home.stopped()
        assert watcher.ends == [("two:diary", "the System shut down")]
