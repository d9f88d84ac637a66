"""A host's subchannel, alone with a device, storage and an operating system."""

from contextlib import suppress
from typing import Any, Final

import pytest

from ccw_actors.actors import Region, Subchannel
from ccw_actors.actors.hardware import PROMPT, UNHURRIED, Pace, SubchannelState
from ccw_actors.actors.hardware import _subchannel_work as work
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    CommandEnded,
    ConditionCode,
    DetachDevice,
    ExecuteCommand,
    HaltSignal,
    HaltSubchannel,
    Interruption,
    InterruptionGone,
    ModifySubchannel,
    NotePath,
    NotOperational,
    PathNoted,
    Pending,
    Piece,
    ReadStorage,
    ResetDone,
    ResetSignal,
    ResetSubchannel,
    ResumeSubchannel,
    StartSubchannel,
    StorageData,
    StorageWritten,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    TakeInterruption,
    Tested,
    TestSubchannel,
    UnsolicitedStatus,
    WriteStorage,
)
from ccw_actors.channel import (
    Ccw,
    CommandEnd,
    Dstat,
    Orb,
    Pmcw,
    SubchannelId,
    lifecycle,
)
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import ActorRef, Choice, Message, Restart
from ccw_actors.testkit import Probe, SteppingSystem
from tests.actors.alone import answer_word, changed_row, deliver, played, row_name

PROGRAM, DATA, CHPID = 0x1000, 0x2000, 0x40
SCHID: Final = SubchannelId(0, 0)
ON: Final = Pmcw(
    flags=Pmcw.valid.mask | Pmcw.enabled.mask,
    lpm=0x80,
    pim=0x80,
    pam=0x80,
    pom=0xFF,
    chpids=bytes((CHPID, 0, 0, 0, 0, 0, 0, 0)),
)
OFF: Final = ON.with_flag(Pmcw.enabled, on=False)


def given(*ccws: Ccw) -> tuple[Piece, ...]:
    """Return a channel program as it comes with START, and what a NOP fetches."""
    words = b"".join(ccw.to_bytes(1) for ccw in ccws)
    return (Piece(PROGRAM, words), Piece(0, bytes(1)))


def start(*ccws: Ccw, **orb: Any) -> StartSubchannel:
    """Return START of that program."""
    return StartSubchannel(Orb.command(PROGRAM, **orb), given(*ccws))


NOP, NOP_NOP = Ccw(0x03, 0x20, 1), (Ccw(0x03, 0x60, 1), Ccw(0x03, 0x20, 1))
HAPPENS: Final[dict[str, Message]] = {
    "SSCH": start(*NOP_NOP),
    "SSCH-fetched": StartSubchannel(Orb.command(PROGRAM)),
    "SSCH-elsewhere": start(NOP, lpm=0x40),
    "SSCH-reads": start(Ccw(0x02, 0x20, 8, DATA)),
    "SSCH-writes": start(Ccw(0x01, 0x20, 8, DATA)),
    "SSCH-pci": start(Ccw(0x03, 0x60, 1), Ccw(0x03, 0x28, 1)),
    "SSCH-pci-first": start(Ccw(0x03, 0x68, 1), Ccw(0x03, 0x20, 1)),
    "SSCH-status": start(NOP, initial_status=True),
    "SSCH-suspends": start(Ccw(0x03, 0x22, 1), suspend=True),
    "SSCH-suspends-silently": start(
        Ccw(0x03, 0x22, 1), suspend=True, suppress_suspended=True
    ),
    "SSCH-suspends-later": start(
        Ccw(0x03, 0x60, 1), Ccw(0x03, 0x22, 1), suspend=True, suppress_suspended=True
    ),
    "HSCH": HaltSubchannel(),
    "CSCH": ClearSubchannel(),
    "RSCH": ResumeSubchannel(given(NOP)),
    "XSCH": CancelSubchannel(),
    "TSCH": TestSubchannel(),
    "STSCH": StoreSubchannel(),
    "MSCH": ModifySubchannel(ON),
    "disable": ModifySubchannel(OFF),
    "take": TakeInterruption(),
    "reset": ResetSubchannel(initialize=False),
    "reset-all": ResetSubchannel(),
    "path-lost": NotePath(CHPID, available=False),
    "lost": DetachDevice(),
    "attention": UnsolicitedStatus(Dstat.ATTENTION),
}
ENDS: Final = {
    "ends": CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, b"", 1, 1),
    "ends-channel": CommandEnd(Dstat.CHANNEL_END, b"", 1, 1),
    "checks-channel": CommandEnd(Dstat.CHANNEL_END | Dstat.UNIT_CHECK),
    "checks": CommandEnd(Dstat.CHANNEL_AND_DEVICE_END | Dstat.UNIT_CHECK),
    "reads": CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, bytes(8), 8, 8),
    "writes": CommandEnd(Dstat.CHANNEL_AND_DEVICE_END, b"", 8, 8),
}
ANSWERS = (ConditionCode, Tested, Stored, Interruption, InterruptionGone)


class Alone:
    """The subchannel, and its events by word.

    | word | event |
    |---|---|
    | those of `HAPPENS` | an instruction, or a message |
    | go | a message that it has sent itself arrives |
    | those of `ENDS` | the device ends a command |
    | resets | the device answers a clear or reset signal |
    | fetched, stored | storage answers |
    | crash | it fails, and begins again |
    | told | none: the messages to device, storage and sink since the last |
    """

    def __init__(self, pace: Pace = PROMPT, schid: SubchannelId = SCHID) -> None:
        self.system = SteppingSystem("channel")
        takes = (ExecuteCommand, HaltSignal, ResetSignal)
        self.device = Probe(self.system, *takes, path="device")
        self.storage = Probe(self.system, ReadStorage, WriteStorage, path="storage")
        self.sink = Probe(self.system, Pending, NotOperational, path="sink")
        others = (*ANSWERS, SubchannelReset, PathNoted)
        self.client = Probe(self.system, *others, path="client")
        regions = (Region(0, 1 << 16, self.storage.ref),)
        self.subchannel = Subchannel(
            schid, ON, self.device.ref, regions, self.sink.ref, pace=pace
        )
        self.ref: ActorRef[Any] = self.system.spawn(
            self.subchannel, "subchannel", supervision=Restart()
        )
        self._told: dict[Probe, int] = {}

    def __call__(self, name: str) -> str:
        """Play an event; return the answer, "" if it is not an instruction."""
        steps = self.system.steps
        if name in HAPPENS:
            self.client.tell(self.ref, HAPPENS[name])
        elif name in ENDS:
            asked = self.last(self.device, ExecuteCommand)
            self.device.tell(self.ref, CommandEnded(asked.run, ENDS[name], b"sense"))
        elif name == "resets":
            signal = self.last(self.device, ResetSignal)
            self.device.tell(self.ref, ResetDone(signal.run, signal.system))
        elif name == "fetched":
            asked = self.last(self.storage, ReadStorage)
            parts = tuple(bytes(area.length) for area in asked.areas)
            self.storage.tell(self.ref, StorageData(asked.number, parts))
        elif name == "stored":
            asked = self.last(self.storage, WriteStorage)
            self.storage.tell(self.ref, StorageWritten(asked.number, 8))
        elif name == "crash":
            with suppress(ActorFailedError):
                steps.crash("subchannel")
            steps.step(Choice("subchannel", "subchannel"))
        elif name == "go":
            for choice in steps.enabled():
                steps.step(choice)
        deliver(self.system, "subchannel")
        if name == "told":
            return ",".join(self.told())
        return self.answer() if name in HAPPENS or name == "answered" else ""

    def last(self, probe: Probe, kind: Any) -> Any:
        """Return the last message of these types to another actor."""
        return [one for one in probe.received if isinstance(one, kind)][-1]

    def told(self) -> list[str]:
        """Return the messages to other actors since the last call."""
        names: list[str] = []
        for probe in (self.device, self.storage, self.sink):
            known = self._told.get(probe, 0)
            names += [type(one).__name__ for one in probe.received[known:]]
            self._told[probe] = len(probe.received)
        return names

    def answer(self) -> str:
        """Return the answers since the last call."""
        said = [answer_word(one) for one in self.client.queued]
        if said:
            self.client.expect_all_now(*map(type, self.client.queued))
        return ",".join(said)


ROWS: Final = {
    0: "disable=0 SSCH=3",
    1: "SSCH-elsewhere=3",
    2: "SSCH=0 go ends go ends SSCH=1",
    3: "SSCH=0 SSCH=2",
    4: "SSCH=0 STSCH=00c04400",
    5: "disable=0 HSCH=3",
    6: "HSCH=0 go HSCH=1",
    7: "SSCH=0 go ends go ends HSCH=1",
    8: "HSCH=0 HSCH=2",
    9: "SSCH-suspends=0 go HSCH=0 STSCH=08c06229",
    10: "SSCH-pci-first=0 go HSCH=0 STSCH=00c062c0",
    11: "disable=0 CSCH=3",
    12: "SSCH=0 go CSCH=0 STSCH=00c01100",
    13: "disable=0 RSCH=3",
    14: "SSCH-suspends=0 go RSCH=1",
    15: "SSCH-suspends-silently=0 go RSCH=0 STSCH=08c84820",
    16: "SSCH=0 RSCH=2",
    17: "disable=0 XSCH=3",
    18: "SSCH-suspends=0 go XSCH=1",
    19: "SSCH=0 XSCH=0 STSCH=00c00000",
    20: "SSCH=0 go XSCH=2",
    21: "disable=0 TSCH=cc3",
    22: "TSCH=cc1",
    23: "SSCH-pci-first=0 go TSCH=00c040c9 STSCH=00c040c0",
    24: "SSCH-suspends=0 go TSCH=08c04029 STSCH=08c04020",
    25: "SSCH=0 go ends go ends TSCH=00c04007 STSCH=00c00000",
    26: "HSCH=0 go MSCH=1",
    27: "SSCH=0 MSCH=2",
    28: "MSCH=0",
    29: "SSCH-status=0 go STSCH=00e440c9",
    30: "SSCH=0 go STSCH=00c040c0",
    31: "SSCH-pci-first=0 go STSCH=00c040c9",
    32: "SSCH-suspends-silently=0 go STSCH=08c84020",
    33: "SSCH-suspends=0 go STSCH=08c04029",
    34: "SSCH-suspends-silently=0 go RSCH=0 go STSCH=08c840c0",
    35: "SSCH=0 go ends go ends-channel STSCH=00c04045",
    36: "SSCH=0 go checks-channel STSCH=00c04055",
    37: "SSCH=0 go ends go ends STSCH=00c04007",
    38: "SSCH=0 go checks STSCH=00c04017",
    42: "attention STSCH=00000011",
    43: "SSCH=0 go HSCH=0 go STSCH=00c060c0",
    44: "SSCH=0 HSCH=0 go go STSCH=00c06401",
    45: "CSCH=0 go resets STSCH=00001001",
}
"""A script for each row of the life cycle, by its number."""

ELSEWHERE: Final = {39, 40, 41, 46}
"""Rows that never occur at this subchannel: "device ended", "no path" and "reset".

No device model of this package ends a command in two parts, losing a host's path is a
check, and a reset restores the initial SCHIB.
"""

EVENTS: Final[dict[work.EventName, str]] = {
    "START accepted": "SSCH-fetched=0 go reset-all MSCH=0 SSCH=0 HSCH=0 go go "
    "TSCH=00c06401",
    "device asked": "SSCH=0 go HSCH=0 go told=ExecuteCommand,HaltSignal",
    "storage asked": "SSCH-fetched=0 go CSCH=0 go resets told=ResetSignal,ReadStorage",
    "answered": "SSCH=0 go ends HSCH=0 go go told=ExecuteCommand,Pending TSCH=00c06007",
    "halt signal given": "SSCH=0 go HSCH=0 go ends TSCH=00c06007",
    "program over": "SSCH=0 go HSCH=0 go ends TSCH=00c06007 SSCH=0 go ends go ends "
    "TSCH=00c04007",
    "dropped": "SSCH-fetched=0 go path-lost=PathNoted reset-all resets fetched "
    "answered=SubchannelReset TSCH=cc1",
    "clear signal given": "CSCH=0 go CSCH=0 go told=ResetSignal",
    "reset signal given": "reset told=ResetSignal reset told",
    "program cut short": "SSCH=0 go path-lost=PathNoted resets TSCH=00c04017",
    "signal answered": "reset resets answered=SubchannelReset reset "
    "told=ResetSignal,ResetSignal",
    "clear signal answered": "CSCH=0 go resets TSCH=00001001",
    "shown": "CSCH=0 go resets TSCH=00001001 reset resets answered=SubchannelReset",
    "device lost": "lost resets told=ResetSignal,NotOperational",
    "restarted": "crash told=ResetSignal,ReadStorage resets told fetched "
    "told=NotOperational",
    "loss told": "lost resets told=ResetSignal,NotOperational reset resets "
    "told=ResetSignal",
}
"""A script for each event of `Work`."""

MORE: Final = {
    "CLEAR waits for storage and device": "SSCH-fetched=0 go CSCH=0 go "
    "told=ResetSignal,ReadStorage resets told fetched told=Pending TSCH=00001001",
    "a second CLEAR is signalled again": "SSCH-fetched=0 go CSCH=0 CSCH=0 go go resets "
    "told=ResetSignal,ReadStorage fetched told=Pending",
    "a reset follows a CLEAR's signal": "CSCH=0 go reset told=ResetSignal resets "
    "answered told=ResetSignal resets answered=SubchannelReset",
    "a reset to the beginning drops a CLEAR": "SSCH-fetched=0 go CSCH=0 go resets "
    "reset-all fetched resets answered=SubchannelReset STSCH=00000000",
    "a reset cuts a program short": "SSCH=0 go reset resets answered=SubchannelReset "
    "TSCH=00c04017",
    "CLEAR does for a check": "SSCH-fetched=0 go path-lost=PathNoted CSCH=0 go resets "
    "fetched told=ResetSignal,ReadStorage,Pending TSCH=00001001",
    "a check waits for storage": "SSCH-reads=0 go reads path-lost=PathNoted resets "
    "told=ExecuteCommand,ResetSignal,WriteStorage stored told=Pending TSCH=00c04017",
    "a lost device does not come back": "lost resets reset-all resets "
    "answered=SubchannelReset SSCH=3",
    "HALT waits for what the device has read": "SSCH-reads=0 go reads HSCH=0 go "
    "told=ExecuteCommand,WriteStorage stored told=Pending TSCH=00c06007",
    "HALT between two CCWs": "SSCH=0 go ends HSCH=0 go told=ExecuteCommand go "
    "told=Pending TSCH=00c06007",
    "XSCH waits for storage": "SSCH-fetched=0 go XSCH fetched answered=0",
    "HALT waits behind XSCH": "SSCH-fetched=0 go XSCH HSCH=0 go fetched answered=0 "
    "STSCH=00002001",
    "HALT of a suspended program": "SSCH-suspends=0 go HSCH=0 TSCH=08c06229 go "
    "STSCH=08c00000",
    "a PCI, then the end": "SSCH-pci=0 go ends go told=ExecuteCommand,ExecuteCommand,"
    "Pending ends TSCH=00c0400f",
    "attention is held back": "HSCH=0 go attention told=Pending TSCH=00002001 "
    "told=Pending TSCH=00000011 STSCH=00000000",
    "an interruption is taken once": "CSCH=0 go resets take=Interruption "
    "take=InterruptionGone TSCH=00001001",
    "TSCH withdraws an interruption": "CSCH=0 go resets TSCH=00001001 "
    "take=InterruptionGone",
    "HSCH withdraws that of a PCI": "SSCH-pci-first=0 go HSCH=0 take=InterruptionGone",
    "no work of before a crash goes on": "SSCH-reads=0 go crash SSCH=3 resets "
    "fetched told=ExecuteCommand,ResetSignal,ReadStorage,NotOperational",
    "START without a path": "path-lost=PathNoted SSCH=3",
    "HALT ends with the check of a lost path": "SSCH-fetched=0 go HSCH=0 "
    "path-lost=PathNoted resets fetched told=ResetSignal,ReadStorage,Pending "
    "TSCH=00c06017",
    "the end of an older program is passed over": "SSCH=0 go reset-all ends resets "
    "answered=SubchannelReset MSCH=0 SSCH=0 go ends go ends TSCH=00c04007",
}
"""Scripts of several rows of the table in `hardware/_subchannel_functions.py`."""


@pytest.mark.parametrize("script", [*ROWS.values(), *EVENTS.values(), *MORE.values()])
def test_script(script: str) -> None:
    """The answers and messages are those of the script."""
    assert played(script, Alone()) == script


def is_seen(script: str) -> bool:
    """Whether a script fails."""
    try:
        return played(script, Alone()) != script
    except (ActorFailedError, AssertionError, IndexError):
        return True


@pytest.mark.parametrize("number", ROWS, ids=row_name)
def test_a_row_that_is_changed_is_seen(number: int) -> None:
    """The script of a row of the life cycle fails when the row is changed."""
    with changed_row(number):
        assert is_seen(ROWS[number])


def test_each_row_has_a_script() -> None:
    """Every row of the life cycle has a script, except those that never occur here."""
    assert {*ROWS, *ELSEWHERE} == set(range(len(lifecycle.TABLE)))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_changes_nothing_is_seen(
    name: work.EventName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script of an event fails when the event has no effect."""
    monkeypatch.setitem(work.__dict__["_EVENTS"], name, work.Event(name))
    monkeypatch.setattr(work, "_known", {})
    assert is_seen(EVENTS[name])


def test_each_event_has_a_script() -> None:
    """Every event has a script."""
    assert list(EVENTS) == [event.name for event in work.EVENTS]


def test_a_program_that_is_not_dropped_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A CLEAR that leaves the program running fails as an impossible combination."""

    def drop(_state: SubchannelState) -> None:
        pass

    monkeypatch.setattr(SubchannelState, "drop", drop)
    alone = Alone()
    with pytest.raises(ActorFailedError, match="CSCH and a reset end the program"):
        played("SSCH go CSCH go resets", alone)


def test_taking_its_time() -> None:
    """At a pace of "any time" the halt signal and a PCI have their own timers."""
    halted = Alone(UNHURRIED)
    assert played("SSCH HSCH", halted) == "SSCH=0 HSCH=0"
    steps = halted.system.steps
    (timer,) = (choice for choice in steps.enabled() if choice.timer)
    steps.step(timer)
    assert played("TSCH STSCH", halted) == "TSCH=00c06401 STSCH=00c00000"
    cleared = Alone(UNHURRIED)
    script = "HSCH=0 CSCH=0 go resets TSCH=00001001"
    assert played(script, cleared) == script
    shown = Alone(UNHURRIED)
    script = "SSCH-pci-first=0 go told=ExecuteCommand go told=Pending"
    assert played(script, shown) == script


def test_what_is_not_visible_is_not_operational() -> None:
    """A subchannel answers 3, also to STSCH, until its set is enabled."""
    alone = Alone(schid=SubchannelId(1, 0))
    assert played("SSCH STSCH MSCH", alone) == "SSCH=3 STSCH=00000000 MSCH=3"
    assert isinstance(alone.client.received[1], Stored)
    assert alone.client.received[1].cc == 3
