"""ChannelSubsystem alone, between subchannels, channel paths and guests."""

import asyncio

import pytest

from ccw_actors.actors import ChannelSubsystem
from ccw_actors.actors.protocol import (
    AwaitInterruption,
    CallChannelSubsystem,
    CancelAwait,
    ChannelSubsystemCalled,
    ChannelSubsystemMessage,
    ConditionCode,
    CrwStored,
    Done,
    GuestToSubsystem,
    Interruption,
    InterruptionGone,
    NoInterruption,
    NoteSettings,
    NotOperational,
    PathReset,
    PathStatus,
    Pending,
    Report,
    ResetChannelPath,
    ResetPath,
    SetAddressLimit,
    SetChannelMonitor,
    Settings,
    SettingsNoted,
    StoreChannelPathStatus,
    StoreChannelReportWord,
    Stored,
    StoreSubchannel,
    SubsystemToSubchannel,
    TakeInterruption,
    TestPendingInterruption,
)
from ccw_actors.channel import (
    Crw,
    Erc,
    InterruptionCode,
    ModelDependent,
    Pmcw,
    Rsc,
    Schib,
    SubchannelId,
)
from ccw_actors.runtime import Actor, Message, ReplyTo, Restart, System, receive
from ccw_actors.testkit import Probe, ProbeFactory, VirtualSystem

CHPID = 0x40
ANSWERS = (
    Interruption
    | NoInterruption
    | ConditionCode
    | CrwStored
    | Done
    | PathStatus
    | ChannelSubsystemCalled
)
ENABLE_SETS = bytes.fromhex("0400003100000002").ljust(0x400, b"\0")
CHARACTERISTICS = bytes.fromhex("00100010").ljust(16, b"\0")


class Rig:
    """A channel subsystem of two subchannels and a path, and two guests."""

    def __init__(self, system: VirtualSystem, probe: ProbeFactory) -> None:
        self._clock = system.clock
        self.subchannels = [probe(SubsystemToSubchannel) for _ in range(2)]
        self.path = probe(ResetPath)
        self.one, self.other = probe(ANSWERS), probe(ANSWERS)
        self.css = system.spawn(
            ChannelSubsystem(
                {number: one.ref for number, one in enumerate(self.subchannels)},
                {CHPID: self.path.ref},
                model=ModelDependent(ancillary_path_report=False),
                reports_max=2,
            ),
            "css",
        )

    def tell(self, message: ChannelSubsystemMessage) -> None:
        """Send a message of a subchannel or a path."""
        self.css.tell(message)
        self._clock.run()

    def ask(self, message: GuestToSubsystem, who: Probe | None = None) -> None:
        """Send a request of a guest."""
        (who or self.one).tell(self.css, message)
        self._clock.run()

    def asked(
        self, number: int, isc: int | None = None, *, mask: int = 0xFF, by: str = "one"
    ) -> None:
        """Expect that a subchannel is asked; it has an interruption, or has none."""
        one, waits = self.subchannels[number], getattr(self, by)
        to: ReplyTo[Interruption] = ReplyTo(waits.ref, system="system")
        one.expect_now(TakeInterruption(to, mask))
        if isc is None:
            one.reply(InterruptionGone(number, to))
        else:
            one.tell(waits.ref, Interruption(code(number, isc)))
        self._clock.run()

    def all_answer(self, request: Message, answer: Message) -> None:
        """Expect a message at all subchannels, and answer it."""
        for one in self.subchannels:
            one.expect_now(request)
        for one in self.subchannels:
            self.one.expect_nothing_now()
            one.reply(answer)
            self._clock.run()

    def nothing_more(self) -> None:
        """Expect no other messages."""
        for one in (*self.subchannels, self.path, self.one, self.other):
            one.expect_nothing_now()


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """An idle channel subsystem."""
    return Rig(virtual_system, probe)


def code(number: int, isc: int) -> InterruptionCode:
    """Return the interruption code of a subchannel."""
    return InterruptionCode.of(SubchannelId(0, number), 0, isc)


# -- interruptions ---------------------------------------------------------------------


def test_hint_is_kept(rig: Rig) -> None:
    """A hint for which nobody waits is kept, once, until a guest waits for it."""
    rig.tell(Pending(1, 3))
    rig.tell(Pending(1, 3))
    rig.nothing_more()
    rig.ask(AwaitInterruption())
    rig.asked(1, 3)
    rig.one.expect_now(Interruption(code(1, 3)))
    rig.ask(AwaitInterruption())
    rig.nothing_more()


def test_hint_that_comes_again(rig: Rig) -> None:
    """A hint that comes again is the newest of its subclass."""
    for number in (0, 1, 0):
        rig.tell(Pending(number, 3))
    rig.ask(AwaitInterruption())
    rig.asked(1, 3)
    rig.one.expect_now(Interruption(code(1, 3)))


def test_hint_while_a_guest_waits(rig: Rig) -> None:
    """An interruption is taken at once if a guest waits for its subclass."""
    rig.ask(AwaitInterruption(0x10))
    rig.tell(Pending(0, 2))
    rig.nothing_more()
    rig.tell(Pending(1, 3))
    rig.asked(1, 3, mask=0x10)
    rig.one.expect_now(Interruption(code(1, 3)))
    rig.nothing_more()


def test_lowest_subclass_first(rig: Rig) -> None:
    """The lowest subclass is taken first, whatever came first."""
    rig.tell(Pending(0, 5))
    rig.tell(Pending(1, 2))
    rig.ask(AwaitInterruption())
    rig.asked(1, 2)
    rig.ask(AwaitInterruption())
    rig.asked(0, 5)


def test_first_waits_first(rig: Rig) -> None:
    """The guest that has waited longest for a subclass gets the interruption."""
    rig.ask(AwaitInterruption(0x08))
    rig.ask(AwaitInterruption(), rig.other)
    rig.tell(Pending(0, 3))
    rig.asked(0, 3, by="other")
    rig.other.expect_now(Interruption(code(0, 3)))
    rig.tell(Pending(0, 4))
    rig.asked(0, 4, mask=0x08)
    rig.one.expect_now(Interruption(code(0, 4)))


def test_two_are_asked_at_once(rig: Rig) -> None:
    """Each guest that waits has one asked, and keeps its place meanwhile."""
    rig.ask(AwaitInterruption())
    rig.ask(AwaitInterruption(), rig.other)
    rig.tell(Pending(0, 3))
    rig.tell(Pending(1, 3))
    rig.asked(1, by="other")
    rig.asked(0)
    rig.tell(Pending(1, 3))
    rig.asked(1, 3)
    rig.one.expect_now(Interruption(code(1, 3)))
    rig.nothing_more()


def test_gone(rig: Rig) -> None:
    """If the interruption is gone, the next hint is tried; then the wait goes on."""
    rig.tell(Pending(0, 3))
    rig.tell(Pending(1, 3))
    rig.ask(AwaitInterruption())
    rig.asked(0)
    rig.asked(1)
    rig.nothing_more()
    rig.tell(Pending(0, 3))
    rig.asked(0, 3)
    rig.one.expect_now(Interruption)


def test_pending_while_taking(rig: Rig) -> None:
    """A hint that comes while another is taken waits."""
    rig.ask(AwaitInterruption())
    rig.tell(Pending(0, 3))
    rig.tell(Pending(1, 2))
    rig.subchannels[1].expect_nothing_now()
    rig.asked(0)
    rig.asked(1, 2)
    rig.one.expect_now(Interruption(code(1, 2)))


def test_tpi(rig: Rig) -> None:
    """TPI is answered at once if there is no hint of an enabled subclass."""
    rig.ask(TestPendingInterruption())
    rig.one.expect_now(NoInterruption())
    rig.tell(Pending(0, 3))
    rig.ask(TestPendingInterruption(0xEF))
    rig.one.expect_now(NoInterruption())
    rig.ask(TestPendingInterruption(0x10))
    rig.asked(0, 3, mask=0x10)
    rig.one.expect_now(Interruption(code(0, 3)))


def test_tpi_of_what_is_gone(rig: Rig) -> None:
    """TPI is also answered if the hinted interruption is gone."""
    rig.tell(Pending(0, 3))
    rig.ask(TestPendingInterruption())
    rig.one.expect_nothing_now()
    rig.asked(0)
    rig.one.expect_now(NoInterruption())


def test_cancel(rig: Rig) -> None:
    """A cancelled wait is answered; others go on."""
    rig.ask(AwaitInterruption())
    rig.ask(AwaitInterruption(), rig.other)
    rig.ask(CancelAwait())
    rig.one.expect_now(NoInterruption())
    rig.tell(Pending(0, 3))
    rig.asked(0, 3, by="other")
    rig.other.expect_now(Interruption)
    rig.nothing_more()


@pytest.mark.parametrize("there", [True, False])
def test_cancel_while_taking(rig: Rig, *, there: bool) -> None:
    """A wait cancelled while an interruption is taken gets it, if it is there."""
    rig.ask(AwaitInterruption())
    rig.tell(Pending(0, 3))
    rig.ask(CancelAwait())
    rig.one.expect_nothing_now()
    rig.asked(0, 3 if there else None)
    rig.one.expect_now(Interruption if there else NoInterruption)
    rig.nothing_more()


def test_subchannel_that_does_not_answer(
    virtual_system: VirtualSystem, probe: ProbeFactory
) -> None:
    """A subchannel that cannot be asked counts as without an interruption."""
    alive, asker = probe(SubsystemToSubchannel), probe(ANSWERS)
    refs = {0: virtual_system.ref("nobody"), 1: alive.ref}
    css = virtual_system.spawn(ChannelSubsystem(refs), "css")
    css.tell(Pending(0, 3))
    css.tell(Pending(1, 3))
    asker.tell(css, AwaitInterruption())
    virtual_system.clock.run()
    alive.expect_now(TakeInterruption(ReplyTo(asker.ref, system="system")))


class HandsOver(Actor):
    """A subchannel that hands over `interruptions` interruptions, and fails then."""

    def __init__(self, interruptions: int) -> None:
        self._left = interruptions

    @receive
    def take(self, message: TakeInterruption) -> None:
        """Hand one over."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("no interruption is left")
        self.reply(message.to or self.reply_to, Interruption(code(0, 3)))


def test_subchannel_that_fails_late(
    virtual_system: VirtualSystem, probe: ProbeFactory
) -> None:
    """Its failure opens the wait that it was asked for, not one that it has ended."""
    fragile = virtual_system.spawn(
        lambda: HandsOver(1), "fragile", supervision=Restart()
    )
    alive, one, other = probe(SubsystemToSubchannel), probe(ANSWERS), probe(ANSWERS)
    css = virtual_system.spawn(ChannelSubsystem({0: fragile, 1: alive.ref}), "css")
    for asker in (one, other):
        css.tell(Pending(0, 3))
        asker.tell(css, AwaitInterruption())
    virtual_system.clock.run()
    one.expect_now(Interruption)
    other.expect_nothing_now()
    css.tell(Pending(1, 3))
    virtual_system.clock.run()
    alive.expect_now(TakeInterruption(ReplyTo(other.ref, system="system")))
    alive.expect_nothing_now()


@pytest.mark.asyncio
async def test_askers_that_are_no_actors() -> None:
    """They get interruptions as well, through the channel subsystem."""
    system = System()
    refs = {0: system.spawn(HandsOver(2), "subchannel")}
    css = system.spawn(ChannelSubsystem(refs), "css")
    assert await css.ask(TestPendingInterruption()) == NoInterruption()
    asks = [asyncio.ensure_future(css.ask(AwaitInterruption())) for _ in range(2)]
    await asyncio.sleep(0)
    css.tell(Pending(0, 3))
    css.tell(Pending(0, 3))
    assert await asyncio.gather(*asks) == [Interruption(code(0, 3))] * 2
    await system.shutdown()


# -- reports and channel paths ---------------------------------------------------------


def test_reports(rig: Rig) -> None:
    """Reports are stored the oldest first; the last one says that others are lost."""
    crws = [Crw(Rsc.SUBCHANNEL, Erc.INITIALIZED, number) for number in range(3)]
    rig.ask(StoreChannelReportWord())
    rig.one.expect_now(CrwStored(1))
    for crw in crws:
        rig.tell(Report(crw))
    for _ in range(3):
        rig.ask(StoreChannelReportWord())
    rig.one.expect_now(CrwStored(0, crws[0]))
    rig.one.expect_now(CrwStored(0, crws[1].with_flag(Crw.overflow)))
    rig.one.expect_now(CrwStored(1))


def test_not_operational(rig: Rig) -> None:
    """The report on a lost subchannel has its number."""
    rig.tell(NotOperational(0x1_0007))
    rig.ask(StoreChannelReportWord())
    crw = Crw(Rsc.SUBCHANNEL, Erc.PARAMETERS_INITIALIZED, 7)
    rig.one.expect_now(CrwStored(0, crw))


def test_rchp(rig: Rig) -> None:
    """A path is reset once at a time; a solicited report says when it has been."""
    for chpid in (CHPID, CHPID, 0x41):
        rig.ask(ResetChannelPath(chpid))
    for cc in (0, 2, 3):
        rig.one.expect_now(ConditionCode(cc))
    rig.path.expect_now(ResetPath())
    rig.ask(StoreChannelReportWord())
    rig.one.expect_now(CrwStored(1))
    rig.path.reply(PathReset(CHPID))
    rig.ask(StoreChannelPathStatus())
    rig.one.expect_now(PathStatus(bytes(32)))
    rig.ask(StoreChannelReportWord())
    crw = Crw(Rsc.CHANNEL_PATH, Erc.INITIALIZED, CHPID).with_flag(Crw.solicited)
    rig.one.expect_now(CrwStored(0, crw))
    rig.ask(ResetChannelPath(CHPID))
    rig.one.expect_now(ConditionCode(0))


# -- what needs every subchannel -------------------------------------------------------


@pytest.mark.parametrize(
    ("instruction", "settings"),
    [
        (SetChannelMonitor(0x1000), Settings(measurement_origin=0x1000)),
        (SetAddressLimit(0x10000), Settings(address_limit=0x10000)),
    ],
)
def test_settings(
    rig: Rig, instruction: SetChannelMonitor | SetAddressLimit, settings: Settings
) -> None:
    """SCHM and SAL are answered when every subchannel uses their settings."""
    rig.ask(instruction)
    rig.all_answer(NoteSettings(settings), SettingsNoted(0))
    rig.one.expect_now(Done())


def test_one_after_the_other(rig: Rig) -> None:
    """The next instruction waits, and adds to the settings of the first."""
    rig.ask(SetAddressLimit(0x10000))
    rig.ask(SetChannelMonitor(0), rig.other)
    rig.all_answer(NoteSettings(Settings(address_limit=0x10000)), SettingsNoted(0))
    rig.one.expect_now(Done())
    rig.other.expect_nothing_now()
    both = Settings(address_limit=0x10000, measurement_origin=0)
    rig.all_answer(NoteSettings(both), SettingsNoted(0))
    rig.other.expect_now(Done())


def test_chsc(rig: Rig) -> None:
    """CHSC asks all subchannels for their SCHIBs, and is answered from those."""
    request = bytes.fromhex("0010000400000000 0000000100000000")
    rig.ask(CallChannelSubsystem(request))
    schib = Schib(Pmcw(flags=Pmcw.valid.mask, devno=0x0190))
    rig.all_answer(StoreSubchannel(), Stored(0, schib))
    answer = rig.one.expect_now(ChannelSubsystemCalled)
    assert answer.data[:4] == bytes.fromhex("00480001")
    assert answer.data[10:12] == answer.data[42:44] == b"\x01\x90"
    assert answer.data[14:16] + answer.data[46:48] == bytes.fromhex("00000001")
    rig.nothing_more()


def test_chsc_that_enables(rig: Rig) -> None:
    """CHSC that enables a facility is answered when all subchannels use it."""
    rig.ask(CallChannelSubsystem(ENABLE_SETS))
    rig.all_answer(StoreSubchannel(), Stored(0, Schib()))
    rig.all_answer(NoteSettings(Settings(sets=True)), SettingsNoted(0))
    answer = rig.one.expect_now(ChannelSubsystemCalled)
    assert answer.data[2:4] == b"\0\1"


def test_without_subchannels(
    virtual_system: VirtualSystem, probe: ProbeFactory
) -> None:
    """Without subchannels all these instructions are answered at once."""
    asker = probe(ANSWERS)
    css = virtual_system.spawn(ChannelSubsystem({}))
    for message in (
        SetAddressLimit(0x10000),
        CallChannelSubsystem(CHARACTERISTICS),
        SetChannelMonitor(None),
    ):
        asker.tell(css, message)
    virtual_system.clock.run()
    asker.expect_now(Done())
    asker.expect_now(ChannelSubsystemCalled)
    asker.expect_now(Done())
