"""Timers of actors: armed, fired, cancelled, forgotten."""

from ccw_actors.runtime._kernel.timers import Timers
from ccw_actors.runtime._values.envelope import TICK, UNBOUNDED
from ccw_actors.runtime._values.timer import Timer, TimerKey
from tests.runtime.kernel.cast import ByHand, sizes_in


class Play:
    """Timers under a manual dispatcher; `fired` are the fired ones."""

    def __init__(self) -> None:
        self.dispatcher = ByHand()
        self.fired: list[TimerKey] = []
        self.timers = Timers(self.dispatcher.call_at, self.fire)

    def fire(self, key: TimerKey) -> None:
        """Take it, and remember."""
        if self.timers.take(key) is not None:
            self.fired.append(key)

    def arm(self, path: str, due: float) -> TimerKey:
        """Arm a timer."""
        key = self.timers.next_key(path)
        self.timers.arm(key, Timer(due, b"", None, UNBOUNDED))
        return key


def test_numbers_are_those_of_each_actor() -> None:
    """Timers are numbered from 1 for each actor, and no number is used twice."""
    timers = Play().timers
    assert [timers.next_key("a") for _ in range(2)] == [("a", 1), ("a", 2)]
    assert timers.next_key("b") == ("b", 1)


def test_firing() -> None:
    """Each fires once, when it is due; those due at once as they were armed."""
    play = Play()
    keys = [play.arm(path, due) for path, due in (("a", 2.0), ("b", 1.0), ("c", 2.0))]
    play.dispatcher.go_to(1.5)
    assert play.fired == [keys[1]]
    play.dispatcher.go_to(9.0)
    assert play.fired == [keys[1], keys[0], keys[2]]
    assert play.timers.armed == {}


def test_taking_one_back() -> None:
    """A taken timer does not fire, and cannot be taken again."""
    play = Play()
    key, other = play.arm("a", 1.0), play.arm("a", 1.0)
    timer = play.timers.take(key)
    assert timer is not None
    assert timer.due == 1.0
    assert play.timers.take(key) is None
    play.dispatcher.go_to(2.0)
    assert play.fired == [other]


def test_disarm_is_of_one_actor() -> None:
    """All timers of an actor go, those of others stay; it goes on counting."""
    play = Play()
    for path in ("a", "a", "b"):
        play.arm(path, 1.0)
    play.timers.disarm("a")
    play.timers.disarm("nobody")
    play.dispatcher.go_to(2.0)
    assert play.fired == [("b", 1)]
    assert play.timers.next_key("a") == ("a", 3)


def test_others_of_an_actor_stay_when_one_is_taken() -> None:
    """They fire, and are still disarmed with all that it has."""
    play = Play()
    first, second = play.arm("a", 1.0), play.arm("a", 2.0)
    play.arm("a", 3.0)
    play.timers.take(first)
    play.dispatcher.go_to(2.0)
    assert play.fired == [second]
    play.timers.disarm("a")
    play.dispatcher.go_to(9.0)
    assert play.fired == [second]


def test_forget_keeps_nothing() -> None:
    """Of an actor that has ended no timer, no alarm and no count is left."""
    play = Play()
    for number in range(1000):
        for path in (f"a/{number}", f"b/{number}"):
            play.arm(path, 600.0)
            play.arm(path, 700.0)
            play.timers.forget(path)
    assert sizes_in(play.timers) == [0] * 4
    assert len(play.dispatcher.alarms) < 200


def test_periodic_timer_waits_for_its_message() -> None:
    """It is armed again for its next time, and `waiting` until its message is taken."""
    play = Play()
    key = play.timers.next_key("a")
    first = Timer(1.0, b"x", None, TICK, interval=0.5)
    play.timers.arm(key, first)
    taken = play.timers.take(key)
    assert taken == first
    play.timers.again(key, first)
    assert play.timers.armed[key] == first._replace(due=1.5, waiting=True)
    play.timers.handled(key)
    assert play.timers.armed[key] == first._replace(due=1.5)
    play.timers.take(key)
    play.timers.handled(key)
    assert key not in play.timers.armed


def test_restored_timers_can_be_taken() -> None:
    """Timers of a snapshot have no alarm, and are disarmed by their actor's path."""
    play = Play()
    play.arm("a", 1.0)
    timer = Timer(5.0, b"", None, UNBOUNDED)
    armed = {("a", 7): timer, ("b", 2): timer}
    play.arm("gone", 1.0)
    play.timers.restore(armed, {"a": 7, "b": 2})
    assert sorted(sizes_in(play.timers)) == [0, 2, 2, 2]
    play.timers.disarm("a")
    assert play.timers.armed == {("b", 2): timer}
    assert play.timers.next_key("a") == ("a", 8)
