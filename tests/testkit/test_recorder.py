"""The recorder of a System."""

from ccw_actors.runtime import ActorRef, Message
from ccw_actors.testkit import Probe, Recorder, VirtualSystem
from tests.testkit.cast import Blow, Courier, Note, Other


class Introduce(Message, frozen=True):
    """Carries a reference."""

    ref: ActorRef[Note]


def test_order() -> None:
    """The messages of an actor are kept in order, including their references."""
    system = VirtualSystem()
    recorder = Recorder(system)
    probe = Probe(system, Note, Introduce, path="probe")
    messages = [Note("a"), Introduce(probe.ref), Note("b")]
    for message in messages:
        probe.ref.tell(message)
    system.spawn(Courier(probe.ref), "courier").tell(Note("c"))
    system.clock.run()
    assert recorder.order_of("probe") == [*messages, Note("c")]
    assert recorder.order_of("courier") == [Note("c")]
    assert recorder.order_of("nobody") == []
    assert [event.sender for event in recorder.events][-1] == "courier"


def test_what_goes_wrong() -> None:
    """Dead letters are kept with their reason, failures with their error."""
    system = VirtualSystem()
    recorder = Recorder(system)
    probe = Probe(system, Note, path="probe")
    courier = system.spawn(Courier(probe.ref), "courier")
    courier.tell(Blow())
    probe.ref.tell(Other())
    system.clock.run()
    (failed,) = recorder.failures
    assert (failed.actor, failed.message) == ("courier", "Blow")
    assert isinstance(failed.error, ValueError)
    (letter,) = recorder.dead_letters
    assert recorder.message(letter.event) == Other()
    assert letter.reason.startswith("refused: ")
    assert recorder.order_of("probe") == []


def test_from_now_on() -> None:
    """Earlier messages are not kept."""
    system = VirtualSystem()
    probe = Probe(system, Note, path="probe")
    probe.ref.tell(Note("before"))
    recorder = Recorder(system)
    probe.ref.tell(Note("after"))
    system.clock.run()
    assert recorder.order_of("probe") == [Note("after")]
