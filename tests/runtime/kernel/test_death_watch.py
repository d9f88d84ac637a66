"""The watchers of the end of an actor."""

from ccw_actors.runtime import Terminated
from ccw_actors.runtime._kernel.death_watch import DeathWatch
from tests.runtime.kernel.cast import make_cell, ref_of


class Play:
    """A watch of "a", in its second incarnation; `sent` are the notices.

    `gone` are watchers that have ended since.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Terminated]] = []
        self.cell = make_cell("a", incarnation=2)
        self.gone: set[str] = set()
        self.deaths = DeathWatch(ref_of, self._send, lambda one: one not in self.gone)

    def _send(self, watcher: str, path: str, notice: Terminated) -> None:
        self.sent.append((watcher, path, notice))

    def watch(self, watcher: str, *, watches: bool = True) -> None:
        """Begin or end a watch."""
        self.deaths.watch(self.cell, watcher, watches=watches)


def test_nobody_watches() -> None:
    """Then no watcher is notified."""
    play = Play()
    play.deaths.ended(play.cell, "why")
    assert play.sent == []


def test_all_who_watch_are_told_once() -> None:
    """In the order in which they began, once each."""
    play = Play()
    for watcher in ("c", "b", "c"):
        play.watch(watcher)
    play.deaths.ended(play.cell, "enough")
    notice = Terminated(ref_of("a#2"), "enough")
    assert play.sent == [("c", "a", notice), ("b", "a", notice)]
    assert notice.ref != ref_of("a")


def test_who_watches_no_more() -> None:
    """It is not notified; ending a watch that does not exist has no effect."""
    play = Play()
    play.watch("b")
    play.watch("c", watches=False)
    play.watch("b", watches=False)
    play.watch("d")
    play.deaths.ended(play.cell, "enough")
    assert [watcher for watcher, *_ in play.sent] == ["d"]


def test_watching_who_is_not_there() -> None:
    """The watcher is notified at once, with that address."""
    play = Play()
    play.deaths.tell("b", "gone#7", "there is no such actor")
    notice = Terminated(ref_of("gone#7"), "there is no such actor")
    assert play.sent == [("b", "gone", notice)]


def test_watchers_that_have_ended_are_forgotten() -> None:
    """At most twice as many watchers as exist are remembered."""
    play = Play()
    for number in range(1000):
        watcher = f"w/{number}"
        play.watch(watcher)
        if number % 10:
            play.gone.add(watcher)
    assert len(play.cell.watchers or ()) <= 256
    play.deaths.ended(play.cell, "enough")
    told = {watcher for watcher, *_ in play.sent}
    assert {f"w/{number}" for number in range(0, 1000, 10)} <= told
