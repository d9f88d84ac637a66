"""The state of a thread: the actor it runs, and the message."""

from threading import Thread

from ccw_actors.runtime._cell.running import Running, RunningHere
from tests.runtime.kernel.cast import Note, envelope_of


def test_message_in_each_form() -> None:
    """The envelope is that of the message, or made of bytes and a sender."""
    payload = envelope_of(Note("x")).payload
    running = Running(own=True)
    assert running.envelope is None
    for letter, sender in ((payload, ""), ((payload, "b"), "b")):
        running.letter = letter
        assert running.envelope == envelope_of(Note("x"), sender)
    running.letter = envelope = envelope_of(Note("x"), "b", 7)
    assert running.envelope is envelope


def test_leave() -> None:
    """Afterwards there is no message; an actor's own thread keeps its actor."""
    for resting in ("", "thread"):
        running = Running(resting, envelope_of(Note("x")))
        running.address = "a"
        running.leave()
        assert (running.address, running.letter) == (resting, None)


def test_each_thread_has_one_of_its_own() -> None:
    """The state of another thread is separate."""
    here = RunningHere()
    here.running.address = "a"
    found: list[Running] = []
    thread = Thread(target=lambda: found.append(here.running))
    thread.start()
    thread.join()
    assert (here.running.address, found[0].address) == ("a", "")
    assert not found[0].own
    assert found[0].counts is not here.running.counts
