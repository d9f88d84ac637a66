"""SubchannelSet alone, with stand-ins for its subchannels."""

from typing import Any, cast

import pytest

from ccw_actors.actors import Subchannel
from ccw_actors.actors.hardware import SubchannelSet, SubchannelState
from ccw_actors.actors.protocol import (
    NotePath,
    NoteSettings,
    PathNoted,
    PathToSubchannel,
    ResetSubchannel,
    Settings,
    SettingsNoted,
    Stored,
    StoreSubchannel,
    StoreSubchannels,
    SubchannelReset,
    SubchannelSetMessage,
    SubchannelsStored,
)
from ccw_actors.channel import Pmcw, Schib, SubchannelId
from ccw_actors.runtime import Actor, Message, ReplyTo, Request, receive
from ccw_actors.testkit import Probe, ProbeFactory, VirtualSystem

CHPIDS = (0x40, 0x41)
ANSWERS = SettingsNoted | PathNoted | SubchannelReset | SubchannelsStored
IN_IMAGE_1 = SubchannelId(2, 5, 1, m=True).index
FAILING = 3


class GoOn(Message, frozen=True):
    """Answer the oldest request."""


class StandIn(Actor[NoteSettings | StoreSubchannel | PathToSubchannel | GoOn]):
    """Answers each request when it is told to; number 3 fails instead."""

    state: SubchannelState

    def __init__(self, schid: SubchannelId, pmcw: Pmcw) -> None:
        self.state = SubchannelState(Schib(pmcw))
        self.index = schid.index
        self.got: list[Message] = []
        self.owes: list[tuple[ReplyTo[Any], Message]] = []

    def _take(self, request: Request[Any], answer: Message) -> None:
        if self.index == FAILING:
            raise ValueError("broken")
        self.got.append(request)
        self.owes.append((self.reply_to, answer))

    @receive
    def note_settings(self, message: NoteSettings) -> None:
        """Owe an answer."""
        self._take(message, SettingsNoted(self.index))

    @receive
    def note_path(self, message: NotePath) -> None:
        """Owe an answer."""
        self._take(message, PathNoted(self.index))

    @receive
    def reset(self, message: ResetSubchannel) -> None:
        """Owe an answer."""
        self._take(message, SubchannelReset(self.index))

    @receive
    def store(self, message: StoreSubchannel) -> None:
        """Owe an answer."""
        self._take(message, Stored(0, self.state.schib))

    @receive
    def go_on(self, _message: GoOn) -> None:
        """Answer the oldest request, if there is one."""
        if self.owes:
            self.reply(*self.owes.pop(0))


def pmcw_of(index: int) -> Pmcw:
    """Return what a subchannel starts with: one of the two paths."""
    return Pmcw.of_device(index & 0xFFFF, chpid=CHPIDS[index % 2])


class Rig:
    """A set of subchannels of which some are there, with two clients."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._system = system
        self.clock = system.clock
        self.made: dict[int, StandIn] = {}
        indexes = (*range(8), IN_IMAGE_1)
        parent = SubchannelSet(indexes, pmcw_of, self._stand_in)
        self.set = system.spawn(parent, "set")
        self.first, self.second = probe(ANSWERS), probe(ANSWERS)

    def _stand_in(self, schid: SubchannelId, pmcw: Pmcw) -> Subchannel:
        self.made[schid.index] = made = StandIn(schid, pmcw)
        return cast("Subchannel", made)

    def use(self, *indexes: int) -> None:
        """Have some made."""
        for index in indexes:
            self.go_on(index)

    def go_on(self, index: int) -> None:
        """Let one answer, if it owes an answer."""
        self._system.ref(f"set/{index}").tell(GoOn())
        self.clock.run()

    def ask(self, who: Probe, message: SubchannelSetMessage) -> None:
        """Send a request of a client."""
        who.tell(self.set, message)
        self.clock.run()


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """A set of which nothing has been made."""
    return Rig(virtual_system, probe)


SETTINGS = NoteSettings(Settings(sets=True))
OFF = NotePath(CHPIDS[0], available=False)


@pytest.mark.parametrize(
    ("message", "told", "answer"),
    [
        (SETTINGS, (1, 2, 4), SettingsNoted(None)),
        (OFF, (2, 4), PathNoted(None)),
        (ResetSubchannel(), (1, 2, 4), SubchannelReset(None)),
        (ResetSubchannel(initialize=False), (1, 2, 4), SubchannelReset(None)),
        (ResetSubchannel(chpid=CHPIDS[1]), (1,), SubchannelReset(None)),
    ],
)
def test_one_answer_for_all(
    rig: Rig, message: SubchannelSetMessage, told: tuple[int, ...], answer: Message
) -> None:
    """The set answers once, when the last of its children has answered."""
    rig.ask(rig.first, message)
    rig.first.expect_now(answer)
    rig.use(2, 4, 1)
    rig.ask(rig.first, message)
    assert [index for index in rig.made if rig.made[index].got] == [
        index for index in (2, 4, 1) if index in told
    ]
    for index in told:
        assert rig.made[index].got == [message]
        rig.first.expect_nothing_now()
        rig.go_on(index)
    rig.first.expect_now(answer)
    rig.first.expect_nothing_now()
    assert sorted(rig.made) == [1, 2, 4], "no other has been made"


def test_range(rig: Rig) -> None:
    """A range has SCHIBs of those in it: made, or not."""
    rig.use(2, 4)
    rig.ask(rig.first, OFF)
    for index in (2, 4):
        rig.go_on(index)
    rig.first.expect_now(PathNoted(None))
    rig.ask(rig.first, StoreSubchannels(0, 1, 3))
    assert [len(rig.made[index].got) for index in (2, 4)] == [2, 1]
    rig.first.expect_nothing_now()
    rig.use(1)
    rig.go_on(2)
    schibs = {index: Schib(pmcw_of(index)) for index in (1, 2, 3)}
    rig.first.expect_now(SubchannelsStored(tuple((n, schibs[n]) for n in (1, 3, 2))))
    assert sorted(rig.made) == [1, 2, 4]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (StoreSubchannels(2, 0, 100), [IN_IMAGE_1]),
        (StoreSubchannels(1, 0, 100), []),
        (StoreSubchannels(0, 6, 0xFFFF), [6, 7]),
        (StoreSubchannels(0, 0, -1), []),
    ],
)
def test_what_is_in_a_range(
    rig: Rig, asked: StoreSubchannels, found: list[int]
) -> None:
    """Numbers of one subchannel set, in whatever image; nothing beyond the last."""
    rig.ask(rig.first, asked)
    schibs = tuple((index, Schib(pmcw_of(index))) for index in found)
    rig.first.expect_now(SubchannelsStored(schibs))


def test_rounds_do_not_wait_for_each_other(rig: Rig) -> None:
    """Each client is answered by the children that its own message has reached."""
    rig.use(2)
    rig.ask(rig.first, ResetSubchannel())
    rig.use(4)
    rig.ask(rig.second, ResetSubchannel())
    rig.ask(rig.second, OFF)
    rig.go_on(4)
    rig.first.expect_nothing_now()
    rig.go_on(2)
    rig.first.expect_now(SubchannelReset(None))
    rig.second.expect_nothing_now()
    rig.go_on(2)
    rig.second.expect_now(SubchannelReset(None))
    rig.go_on(2)
    rig.second.expect_nothing_now()
    rig.go_on(4)
    rig.second.expect_now(PathNoted(None))


@pytest.mark.actor_failures("set/3")
@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (SETTINGS, SettingsNoted(None)),
        (NotePath(CHPIDS[1], available=False), PathNoted(None)),
        (ResetSubchannel(), SubchannelReset(None)),
        (StoreSubchannels(0, 2, 3), SubchannelsStored(((2, Schib(pmcw_of(2))),))),
    ],
)
def test_a_child_that_fails(
    rig: Rig, message: SubchannelSetMessage, answer: Message
) -> None:
    """No answer waits for a child that has failed on the message."""
    rig.use(FAILING)
    rig.ask(rig.first, message)
    rig.first.expect_now(answer)


def test_a_child_that_has_ended(rig: Rig, virtual_system: VirtualSystem) -> None:
    """Nor for one that has ended, which is not made again."""
    rig.use(2)
    virtual_system.ref("set/2").stop()
    rig.clock.run()
    rig.ask(rig.first, SETTINGS)
    rig.first.expect_now(SettingsNoted(None))
    assert virtual_system.ref("set/2").incarnation == 2
    assert not virtual_system.is_alive("set/2")


@pytest.mark.parametrize("before", [True, False])
def test_what_a_new_child_knows(rig: Rig, *, before: bool) -> None:
    """It knows what it would have been told, and is told only what comes later."""
    messages: list[SubchannelSetMessage] = [SETTINGS, OFF]
    if before:
        messages += [ResetSubchannel(chpid=CHPIDS[0])]
    for message in messages:
        rig.ask(rig.first, message)
    rig.use(2)
    state, initial = rig.made[2].state, pmcw_of(2)
    assert state.settings == SETTINGS.settings
    assert state.schib.pmcw.pam == (initial.pam if before else 0)
    assert rig.made[2].got == []
