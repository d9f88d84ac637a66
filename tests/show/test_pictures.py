"""Pictures: what the page gets of a trace, a counterexample, a cell and a record."""

import io
import math
from pathlib import Path

import msgspec
import pytest

from ccw_actors.explore import (
    Counterexample,
    TransitionSystem,
    World,
    explain,
    explore,
)
from ccw_actors.runtime import Actor, Message, receive
from ccw_actors.show import (
    NothingToShowError,
    Picture,
    SourceError,
    kind_of,
    load_record,
    page_of,
    picture_of_cell,
    picture_of_counterexample,
    picture_of_record,
    picture_of_trace,
    picture_of_way,
)
from ccw_actors.trace import TraceReader
from ccw_actors.verdicts import CellName
from examples.explore.first import two_clients
from tests.show.pages import (
    counterexample,
    handled_trace,
    hostile_trace,
    picture_of,
    race,
    refuted,
    two_clients_trace,
)

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "docs" / "verdicts" / "records"


def named_events(picture: Picture, schedule: int = 0) -> list[str]:
    """Return each event as its actor, its type, and its cause as the same."""
    events = picture.schedules[schedule].events
    names = [f"{picture.lanes[one.actor].path} {one.type}" for one in events]
    return [
        name if one.cause < 0 else f"{name}, by {names[one.cause]}"
        for name, one in zip(names, events, strict=True)
    ]


def test_a_trace_has_an_event_for_each_message_with_its_cause() -> None:
    """The cause is the event whose handler sent the message, if one did."""
    picture = picture_of(two_clients_trace())
    assert picture.source == "trace"
    assert sorted(named_events(picture)) == [
        "alice Add",
        "alice Count, by counter Read",
        "bob Add",
        "bob Count, by counter Read",
        "counter Count, by alice Count",
        "counter Count, by bob Count",
        "counter Read, by alice Add",
        "counter Read, by bob Add",
    ]


def test_lost_messages_and_failures_are_events() -> None:
    """A dead letter has its reason, and a failure follows the message it failed on."""
    events = picture_of(hostile_trace()).schedules[0].events
    assert [one.kind for one in events] == [
        "message",
        "message",
        "dead letter",
        "failure",
    ]
    assert events[3].cause == 1
    assert all(one.note for one in events[2:])


@pytest.mark.parametrize("time", [math.inf, math.nan, 1e305])
def test_a_time_without_a_number_of_microseconds_is_left_out(time: float) -> None:
    """Nobody can say when that was; the page has the event."""
    picture = picture_of(handled_trace((0, "a", "b"), time=time))
    assert [one.time for one in picture.schedules[0].events] == [None]
    assert picture.facts == ()
    assert page_of(picture)


def test_guests_are_in_the_order_of_their_numbers() -> None:
    """However long, since a name comes from anybody; "g1" and "g01" in one order."""
    huge = "9" * 5000
    names = ["host", huge, "g10", "g9", "g1", "g01", "1" + huge]
    trace = handled_trace(*((0, "", f"{name}/a") for name in names))
    lanes = picture_of(trace).lanes
    expected = [huge, "1" + huge, "g01", "g1", "g9", "g10", "host"]
    assert [lane.guest for lane in lanes] == expected


def test_the_command_of_a_trace_has_its_place() -> None:
    """It can be given again; the title is only the name."""
    reader = TraceReader(io.BytesIO(two_clients_trace()))
    picture = picture_of_trace(reader, "a.trace", file="some where/a.trace")
    assert picture.title == "a.trace"
    assert picture.commands == ("ccw-actors trace 'some where/a.trace'",)


def test_there_is_one_outside() -> None:
    """What comes from outside and what goes there have one lane, unlike an actor."""
    trace = handled_trace((0, "", "a"), (1, "a", ""), (0, "", "outside"))
    picture = picture_of(trace)
    events = picture.schedules[0].events
    assert events[0].sender == events[1].actor == events[2].sender
    assert [lane.is_outside for lane in picture.lanes].count(True) == 1
    assert picture.lanes[events[1].actor].is_outside
    assert not picture.lanes[events[2].actor].is_outside


def test_a_counterexample_has_its_race_and_the_order_that_passes() -> None:
    """The two orders have the same racing pair, the other way round."""
    picture = race()
    bad, good = picture.schedules
    assert picture.verdict == "refuted"
    assert bad.race is not None
    assert bad.race == (3, 6)
    assert bad.no_return == 4
    assert good.race is not None
    assert [named_events(picture)[one] for one in bad.race] == [
        "counter Read, by bob Add",
        "counter Count, by alice Count",
    ]
    assert [named_events(picture, 1)[one] for one in good.race] == [
        "counter Count, by alice Count",
        "counter Read, by bob Add",
    ]


def test_a_counterexample_has_states() -> None:
    """Each change of a state has its event: first at none, and at both writes."""
    picture = race()
    changes = picture.schedules[0].states
    counter = [lane.path for lane in picture.lanes].index("counter")
    found = [(one.event, one.state) for one in changes if one.actor == counter]
    assert [event for event, _ in found] == [-1, 6]
    numbers = [msgspec.json.decode(state)[1] for _, state in found]
    assert numbers == [0, 1]


def test_recorded_causes_are_those_of_the_explanation() -> None:
    """The order that passes also has causes, found without an explanation."""
    found = explain(two_clients, refuted())
    bad, good = race().schedules
    assert tuple(one.cause for one in bad.events) == found.causes
    assert [one.cause for one in good.events if one.type == "Add"] == [-1, -1]
    assert all(
        0 <= one.cause < at for at, one in enumerate(good.events) if one.type != "Add"
    )


class Poke(Message, frozen=True):
    """Fails its actor, the second time."""


class Fragile(Actor[Poke]):
    """An actor without a state, which may fail."""

    def __init__(self) -> None:
        self.state = 0

    @receive
    def poke(self, _message: Poke) -> None:
        """Fail if it is not the first time."""
        self.state += 1
        if self.state > 1:
            raise ValueError(self.state)


def test_a_step_that_fails_says_why() -> None:
    """The event of a handler that raises has the error as its note."""

    def scenario(world: World) -> None:
        ref = world.spawn(Fragile(), "fragile")
        world.inject(ref, Poke(), "a")
        world.inject(ref, Poke(), "b")

    result = explore(scenario)
    picture = picture_of_counterexample(
        Counterexample.of("fragile", result), scenario, "fragile"
    )
    last = picture.schedules[0].events[-1]
    assert "ValueError: 2" in last.note


class Order(Message, frozen=True):
    """Makes the actor tell its child, which it spawns first if it has none."""

    number: int


class Told(Message, frozen=True):
    """What the parent has told; the first one ends the child."""

    number: int


class Child(Actor[Told]):
    """Ends with its first message."""

    @receive
    def told(self, message: Told) -> None:
        """End, if it is the first."""
        if message.number == 1:
            self.stop()


class Parent(Actor[Order]):
    """Spawns a child for the first order and for the third."""

    @receive
    def order(self, message: Order) -> None:
        """Tell the child."""
        if message.number == 2:
            self.system.ref("parent/child").tell(Told(2))
        else:
            self.spawn(Child, "child").tell(Told(message.number))


def test_a_message_that_was_lost_causes_nothing_later() -> None:
    """The child at the same path has its own messages, by its own causes."""

    def scenario(world: World) -> None:
        parent = world.spawn(Parent, "parent")
        for number in (1, 2, 3):
            world.inject(parent, Order(number))

    way = [
        ">parent",
        ">parent",
        "parent>parent/child",
        "parent/child>parent/child",
        "parent/child>parent",
        ">parent",
        "parent>parent/child",
    ]
    picture = picture_of_way(scenario, way, (), "channel")
    assert named_events(picture)[-2:] == [
        "parent Order",
        "parent/child Told, by parent Order",
    ]
    assert picture.schedules[0].events[-1].cause == 5


def test_steps_without_a_fault_say_what_the_file_says() -> None:
    """A counterexample that is fixed is shown as such."""

    def fixed(world: World) -> None:
        two_clients(world)
        world.properties.finals.clear()

    picture = picture_of_counterexample(counterexample(), fixed, "fixed")
    assert picture.verdict == "no fault"
    assert "nothing is lost" in picture.summary
    assert len(picture.schedules) == 1


def test_a_plain_system_has_steps_and_no_states() -> None:
    """A transition system has no actors: its actions are in one lane."""
    system = TransitionSystem[int, int](
        [0],
        lambda _: (1, 2),
        lambda at, by: at + by,
        invariants={"small": lambda at: at < 2},
    )
    known = Counterexample.of("plain", explore(system))
    picture = picture_of_counterexample(known, system, "plain")
    assert [lane.path for lane in picture.lanes] == ["the system"]
    assert [one.kind for one in picture.schedules[0].events] == ["step"]


def test_a_cell_has_the_code_of_the_original_with_its_lock() -> None:
    """Each line has its thread, and who holds io_mutex."""
    picture = picture_of_cell(CellName.parse("verdicts/v5.12/qemu/seed")[0])
    code = picture.schedules[0].code
    assert code is not None
    assert code.columns == (
        "CPU 1",
        "CPU 2",
        "emulator",
        "worker",
        "interrupt",
        "channel",
    )
    found = {(one.column, one.function, one.lock) for one in code.lines}
    assert ("CPU 2", "fsm_io_helper", "CPU 2") in found
    assert ("worker", "cp_free", "CPU 2") in found
    assert picture.summary.startswith("I1: ")
    assert not any("missing" in note for note in picture.notes)


def test_a_cell_that_holds_has_nothing_to_show() -> None:
    """The error says what its verdict is."""
    name, _ = CellName.parse("verdicts/ours/ours/seed")
    with pytest.raises(NothingToShowError, match="is verified; expected a refuted"):
        picture_of_cell(name)


def test_every_record_has_a_picture() -> None:
    """Each step of a record is an event of the thread or part that takes it."""
    for file in sorted(RECORDS.glob("*.json")):
        assert kind_of(file) == "record"
        record = load_record(file)
        picture = picture_of_record(record)
        assert len(picture.schedules[0].events) == len(record.steps)
        assert picture.summary == record.why


def test_a_record_has_a_lane_for_each_cpu_and_decodes_an_scsw() -> None:
    """Threads come first, CPUs by number, then the parts of the machine."""
    picture = picture_of_record(load_record(RECORDS / "linux-6.1-attention-lost.json"))
    assert [lane.path for lane in picture.lanes] == [
        "thread 0",
        "CPU 0",
        "CPU 1",
        "CPU 2",
        "interruptions",
        "device",
    ]
    assert "Scsw" in {one.name for one in picture.types}


def test_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    """What is no JSON is a trace; JSON of another format is refused."""
    trace, known, other = (tmp_path / name for name in ("a", "b", "c"))
    trace.write_bytes(two_clients_trace())
    counterexample().save(known)
    other.write_text('{"format": "something else"}')
    assert kind_of(trace) == "trace"
    assert kind_of(known) == "counterexample"
    with pytest.raises(SourceError, match="'something else'; expected a trace"):
        kind_of(other)
    other.write_text("[1, ")
    with pytest.raises(SourceError, match=r"c: .*; expected a trace"):
        kind_of(other)
    with pytest.raises(SourceError, match=r"c: .*; expected a trace"):
        load_record(other)
