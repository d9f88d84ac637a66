"""Who is told of the end of an actor."""

from ccw_actors.runtime._kernel.death_watch import DeathWatch
from ccw_actors.runtime._values.notices import Terminated
from tests.runtime.kernel.cast import make_cell, ref_of


class Play:
    """A watch over "a", in its second incarnation; `sent` is who was told what."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Terminated]] = []
        self.cell = make_cell("a", incarnation=2)
        self.deaths = DeathWatch(ref_of, self._send)

    def _send(self, watcher: str, path: str, notice: Terminated) -> None:
        self.sent.append((watcher, path, notice))

    def watch(self, watcher: str, *, watches: bool = True) -> None:
        """Have somebody watch it, or no more."""
        self.deaths.watch(self.cell, watcher, watches=watches)


def test_nobody_watches() -> None:
    """Then nobody is told."""
    play = Play()
    play.deaths.ended(play.cell, "why")
    assert play.sent == []


def test_all_who_watch_are_told_once() -> None:
    """In the order in which they began, however often each has said so."""
    play = Play()
    for watcher in ("c", "b", "c"):
        play.watch(watcher)
    play.deaths.ended(play.cell, "enough")
    notice = Terminated(ref_of("a#2"), "enough")
    assert play.sent == [("c", "a", notice), ("b", "a", notice)]
    assert notice.ref != ref_of("a")


def test_who_watches_no_more() -> None:
    """It is not told; to say so without having watched does no harm."""
    play = Play()
    play.watch("b")
    play.watch("c", watches=False)
    play.watch("b", watches=False)
    play.watch("d")
    play.deaths.ended(play.cell, "enough")
    assert [watcher for watcher, *_ in play.sent] == ["d"]


def test_watching_who_is_not_there() -> None:
    """The watcher is told at once, of that address."""
    play = Play()
    play.deaths.tell("b", "gone#7", "there is no such actor")
    notice = Terminated(ref_of("gone#7"), "there is no such actor")
    assert play.sent == [("b", "gone", notice)]
