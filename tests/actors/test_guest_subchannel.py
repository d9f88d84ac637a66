"""A guest's subchannel, alone with a VfioCcw and the guest's channel subsystem."""

from contextlib import suppress
from typing import Any, Final

import pytest
from msgspec.structs import replace

from ccw_actors.actors import GuestSubchannel
from ccw_actors.actors.emulator import GuestSubchannelState
from ccw_actors.actors.emulator import _guest_status as guest_status
from ccw_actors.actors.emulator import _guest_subchannel as guest_subchannel
from ccw_actors.actors.protocol import (
    CancelRequest,
    CancelSubchannel,
    ClearRequest,
    ClearSubchannel,
    Completed,
    ConditionCode,
    Detach,
    DetachDevice,
    Found,
    Gone,
    HaltRequest,
    HaltSubchannel,
    Interruption,
    InterruptionGone,
    IoEvent,
    IoRequest,
    LookRequest,
    ModifySubchannel,
    NoteSettings,
    NotOperational,
    Pending,
    Refused,
    ResetSubchannel,
    ResumeRequest,
    ResumeSubchannel,
    SenseConcurrently,
    Settings,
    SettingsNoted,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    TakeInterruption,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import ActorRef, Choice, Message, Restart
from ccw_actors.testkit import Probe, SteppingSystem
from tests.actors.alone import answer_word, changed_row, deliver, played, row_name

ON: Final = Pmcw(
    flags=Pmcw.valid.mask | Pmcw.enabled.mask, lpm=0x80, pim=0x80, pam=0x80, pom=0xFF
)
OFF: Final = ON.with_flag(Pmcw.enabled, on=False)
SENSE: Final = ON.with_flag(Pmcw.concurrent_sense, on=True)
LIMIT_BELOW: Final = 2 << 5
"""The LM field of a PMCW: data are below the address limit."""

PROGRAM = 0x1000
HAPPENS: Final[dict[str, Message]] = {
    "SSCH": StartSubchannel(Orb.command(PROGRAM)),
    "SSCH-elsewhere": StartSubchannel(Orb.command(PROGRAM, lpm=0x40)),
    "SSCH-suspends": StartSubchannel(Orb.command(PROGRAM, suspend=True)),
    "HSCH": HaltSubchannel(),
    "CSCH": ClearSubchannel(),
    "RSCH": ResumeSubchannel(),
    "XSCH": CancelSubchannel(),
    "TSCH": TestSubchannel(),
    "STSCH": StoreSubchannel(),
    "MSCH": ModifySubchannel(ON),
    "MSCH-sense": ModifySubchannel(SENSE),
    "disable": ModifySubchannel(OFF),
    "take": TakeInterruption(),
    "reset": ResetSubchannel(),
    "detach": DetachDevice(),
}
ENDED: Final = Scsw(
    fctl=Fctl.START,
    stctl=Stctl.FINAL_STATUS,
    cpa=0x1008,
    dstat=Dstat.CHANNEL_AND_DEVICE_END,
    count=3,
)
PCI: Final = Scsw(
    fctl=Fctl.START,
    actl=Actl.ACTIVE,
    stctl=Stctl.INTERMEDIATE_STATUS,
    cstat=Cstat.PROGRAM_CONTROLLED_INTERRUPTION,
)
SUSPENDED: Final = Scsw(
    fctl=Fctl.START, actl=Actl.SUSPENDED, stctl=Stctl.INTERMEDIATE_STATUS
)
ATTENTION: Final = Scsw(stctl=Stctl.UNSOLICITED_STATUS, dstat=Dstat.ATTENTION)
EVENTS: Final[dict[str, tuple[tuple[type[Message], ...], bool, Irb]]] = {
    "start-ends": ((IoRequest,), True, Irb.with_path(ENDED, 0x80)),
    "halt-ends": ((HaltRequest,), True, Irb(Scsw(fctl=2, stctl=Stctl.PENDING))),
    "both-end": ((IoRequest, HaltRequest), True, Irb.with_path(ENDED, 0x80)),
    "clear-ends": ((ClearRequest,), True, Irb(Scsw(fctl=1, stctl=Stctl.PENDING))),
    "pci": ((IoRequest,), False, Irb(PCI)),
    "suspends": ((IoRequest,), False, Irb(SUSPENDED)),
    "unsolicited": ((), False, Irb(ATTENTION)),
}
"""The functions that a status answers, whether it ends them, and the IRB."""

REFUSED: Final = {
    "refused": IoRequest,
    "halt-refused": HaltRequest,
    "clear-refused": ClearRequest,
}
HOSTS: Final = {
    "found": Schib(ON, Scsw(fctl=Fctl.START, actl=Actl.ACTIVE)),
    "found-idle": Schib(ON),
    "found-suspended": Schib(ON, Scsw(fctl=Fctl.START, actl=Actl.SUSPENDED)),
    "found-resuming": Schib(
        ON, Scsw(fctl=Fctl.START, actl=Actl.SUSPENDED | Actl.RESUME_PENDING)
    ),
    "found-gone": Schib(Pmcw()),
}
NUMBERED = (IoRequest, HaltRequest, ClearRequest, LookRequest)


class Alone:
    """The guest's subchannel, and its events by word.

    | word | event |
    |---|---|
    | those of `HAPPENS` | an instruction, or a message |
    | those of `EVENTS` | a status of the newest of these functions |
    | old-... | the same, but from before the newest operation |
    | refused-13, halt-refused-16 | START, or HALT, has been refused with this errno |
    | those of `HOSTS` | the SCHIB of the host's subchannel |
    | completed-0 | the result of RSCH or XSCH |
    | gone | the host's subchannel is gone |
    | crash | it fails, and begins again |
    | told | none: the messages to VfioCcw and the channel subsystem since the last |
    | answered | none: the answers since the last |
    """

    def __init__(self) -> None:
        self.system = SteppingSystem("channel")
        below = (*NUMBERED, ResumeRequest, CancelRequest)
        self.below = Probe(
            self.system, *below, SenseConcurrently, Detach, path="vfio-ccw"
        )
        self.sink = Probe(self.system, Pending, NotOperational, path="css")
        answers = (ConditionCode, Tested, Stored, Interruption, InterruptionGone)
        self.client = Probe(
            self.system, *answers, SubchannelReset, SettingsNoted, path="client"
        )
        self.guest = GuestSubchannel(
            SubchannelId(0, 0), ON, self.below.ref, self.sink.ref
        )
        self.ref: ActorRef[Any] = self.system.spawn(
            self.guest, "guest", supervision=Restart()
        )
        self._told: dict[Probe, int] = {}

    def __call__(self, name: str) -> str:
        """Play an event; return the answer, "" if it is not an instruction."""
        if name in HAPPENS:
            self.client.tell(self.ref, HAPPENS[name])
        elif name == "crash":
            with suppress(ActorFailedError):
                self.system.steps.crash("guest")
            self.system.steps.step(Choice("guest", "guest"))
        elif name not in ("told", "answered"):
            self.below.tell(self.ref, self.message(name))
        deliver(self.system, "guest")
        if name == "told":
            return ",".join(self.told())
        return self.answer() if name in HAPPENS or name == "answered" else ""

    def message(self, name: str) -> Message:
        """Return the message from below for a word."""
        plain = name.removeprefix("old-")
        if plain in EVENTS:
            answers, ends, irb = EVENTS[plain]
            after = max(self.last(kind) for kind in NUMBERED) - (plain != name)
            numbers = tuple(self.last(kind) for kind in answers)
            return IoEvent(numbers, numbers if ends else (), after, irb)
        if name in HOSTS:
            return Found(self.last(LookRequest), HOSTS[name])
        what, _, number = name.rpartition("-")
        if what in REFUSED:
            return Refused(self.last(REFUSED[what]), int(number))
        if what == "completed":
            return Completed(self.last(LookRequest), int(number))
        assert name == "gone", name
        return Gone()

    def last(self, kind: Any) -> int:
        """Return the number of the newest request of a kind, 0 if there is none."""
        found: list[Any] = [o for o in self.below.received if isinstance(o, kind)]
        number: int = found[-1].number if found else 0
        return number

    def told(self) -> list[str]:
        """Return the messages sent since the last call."""
        names: list[str] = []
        for probe in (self.below, self.sink):
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
    2: "SSCH=0 start-ends SSCH=1",
    3: "SSCH=0 SSCH=2",
    4: "SSCH=0 told=IoRequest STSCH told=LookRequest found answered=00c040c0",
    5: "disable=0 HSCH=3",
    6: "HSCH=0 halt-ends HSCH=1",
    7: "SSCH=0 start-ends HSCH=1",
    8: "HSCH=0 HSCH=2",
    9: "SSCH-suspends=0 suspends HSCH=0 TSCH=08c06229",
    10: "SSCH=0 pci HSCH=0 STSCH found answered=00c062c0",
    11: "disable=0 CSCH=3",
    12: "SSCH=0 pci CSCH=0 STSCH=00c01100",
    13: "disable=0 RSCH=3",
    14: "SSCH-suspends=0 suspends RSCH=1",
    17: "disable=0 XSCH=3",
    18: "SSCH=0 start-ends XSCH=1",
    21: "disable=0 TSCH=cc3",
    22: "TSCH=cc1",
    23: "SSCH=0 pci TSCH=00c040c9 STSCH found answered=00c040c0",
    24: (
        "SSCH-suspends=0 suspends TSCH=08c04029 STSCH found-suspended answered=08c04020"
    ),
    25: "SSCH=0 start-ends TSCH=00c04007 STSCH=00c00000",
    26: "HSCH=0 halt-ends MSCH=1",
    27: "SSCH=0 MSCH=2",
    28: "MSCH-sense=0 told=SenseConcurrently",
    38: "SSCH=0 refused-22 TSCH=00c04017",
    41: "SSCH=0 refused-13 TSCH=03c04011",
    46: (
        "SSCH=0 reset STSCH=00000000 told=IoRequest,ClearRequest clear-ends "
        "answered=SubchannelReset STSCH=00000000"
    ),
}
"""A script for each row of the life cycle that the guest's subchannel uses."""

ELSEWHERE: Final = {15, 16, 19, 20, *range(29, 38), 39, 40, *range(42, 46)}
"""Rows of the host's subchannel alone: it decides RSCH and XSCH, and runs programs."""

SHOWN: Final = {
    "start: START's end": (
        "SSCH=0 start-ends told=IoRequest,Pending TSCH=00c04007 told"
    ),
    "start: START's intermediate status": (
        "SSCH=0 pci TSCH=00c040c9 STSCH found answered=00c040c0"
    ),
    "start, halt: START's end": (
        "SSCH=0 HSCH=0 start-ends told=IoRequest,HaltRequest STSCH found "
        "answered=00c062c0 halt-ends told=LookRequest,Pending TSCH=00c06007"
    ),
    "start, halt: HALT's end first": "SSCH=0 HSCH=0 halt-ends start-ends TSCH=00c06007",
    "start, halt: the end of both": (
        "SSCH=0 HSCH=0 both-end told=IoRequest,HaltRequest,Pending TSCH=00c06007"
    ),
    "halt: HALT's end": "HSCH=0 halt-ends MSCH=1",
    "clear: CLEAR's end": "CSCH=0 clear-ends TSCH=00001001",
    "clear: anything older than CLEAR": (
        "SSCH=0 CSCH=0 old-start-ends told=IoRequest,ClearRequest "
        "STSCH=00c01100 clear-ends TSCH=00001001"
    ),
    "unsolicited status is held": (
        "SSCH=0 unsolicited told=IoRequest start-ends told=Pending "
        "TSCH=00c04007 told=Pending TSCH=00000011"
    ),
    "the host's subchannel is gone": (
        "SSCH=0 gone told=IoRequest,NotOperational STSCH=00000000 SSCH=3"
    ),
}
"""A script for each row of the table in `ccw_actors.actors.emulator._guest_status`."""

SENT_DOWN: Final = {
    "STSCH, Found": (
        "SSCH=0 told=IoRequest STSCH told=LookRequest found answered=00c040c0"
    ),
    "RSCH, Found, status pending": (
        "SSCH-suspends=0 RSCH suspends found-suspended answered=1"
    ),
    "RSCH, Found, suspended": (
        "SSCH-suspends=0 RSCH told=IoRequest,LookRequest found-suspended "
        "told=ResumeRequest completed-0 answered=0 STSCH found-idle "
        "answered=08c04400"
    ),
    "RSCH, Found, not suspended": "SSCH-suspends=0 RSCH found answered=2",
    "XSCH, Found, to be resumed": "SSCH=0 XSCH found-resuming answered=2",
    "XSCH, Found": (
        "SSCH=0 XSCH told=IoRequest,LookRequest found told=CancelRequest "
        "completed-0 answered=0 STSCH=00c00000"
    ),
    "XSCH, Completed with 2": "SSCH=0 XSCH found completed-2 answered=2",
    "XSCH, Completed, status pending": (
        "SSCH=0 XSCH found start-ends completed-2 answered=1 TSCH=00c04007"
    ),
    "STSCH, Found: the device is gone": (
        "SSCH=0 STSCH TSCH found-gone answered gone answered=00000000,cc3"
    ),
    "XSCH, Completed: the device is gone": (
        "SSCH=0 XSCH found completed-3 answered gone answered=3"
    ),
}
"""A script for each row of the table in `emulator/_guest_subchannel.py`."""

MORE: Final = {
    "RSCH of a program that cannot be suspended": "SSCH=0 RSCH=2",
    "XSCH of a HALT": "HSCH=0 XSCH=2",
    "a START that was refused as busy": "SSCH=0 refused-16 TSCH=00c04017",
    "a START whose device is gone": "SSCH=0 refused-19 STSCH found answered=00c040c0",
    "a HALT that was refused": "HSCH=0 halt-refused-16 TSCH=00002001",
    "an old PCI is withdrawn by HSCH": (
        "SSCH=0 HSCH=0 old-pci STSCH found answered=00c062c0"
    ),
    "an old suspension is not": "SSCH-suspends=0 HSCH=0 old-suspends TSCH=08c06229",
    "an interruption is taken once, and withdrawn": (
        "SSCH=0 pci take=Interruption take=InterruptionGone HSCH=0 "
        "take=InterruptionGone"
    ),
    "one CLEAR does for two": (
        "SSCH=0 CSCH=0 CSCH=0 told=IoRequest,ClearRequest clear-ends TSCH=00001001"
    ),
    "a CLEAR after one that has ended": (
        "CSCH=0 clear-ends CSCH=0 told=ClearRequest,ClearRequest,Pending "
        "clear-ends TSCH=00001001"
    ),
    "CLEAR drops what was held": (
        "HSCH=0 unsolicited CSCH=0 clear-ends TSCH=00001001 TSCH=cc1"
    ),
    "XSCH lets what was held be shown": (
        "SSCH=0 XSCH unsolicited found completed-0 answered=0 "
        "told=IoRequest,LookRequest,CancelRequest,Pending TSCH=00000011"
    ),
    "instructions wait for one that is down": (
        "SSCH=0 XSCH TSCH SSCH told=IoRequest,LookRequest found told=CancelRequest "
        "completed-0 answered=0,cc1,0 told=IoRequest"
    ),
    "what waits ends with the subchannel": (
        "SSCH=0 XSCH SSCH told=IoRequest,LookRequest gone answered=3,3 "
        "told=NotOperational"
    ),
    "a reset overtakes what is down": (
        "SSCH=0 XSCH reset=2 answered told=IoRequest,LookRequest,ClearRequest "
        "clear-ends answered=SubchannelReset"
    ),
    "a reset ends when its CLEAR is refused": (
        "SSCH=0 reset start-ends answered clear-refused-16 answered=SubchannelReset"
    ),
    "two resets": (
        "reset reset MSCH=2 clear-ends answered=SubchannelReset,SubchannelReset"
    ),
    "a reset of what is gone": "gone reset=SubchannelReset",
    "nothing is shown after the end": (
        "SSCH=0 unsolicited gone told=IoRequest,NotOperational"
    ),
    "unsolicited status at a disabled subchannel": (
        "unsolicited told=Pending disable=1 TSCH=00000011 disable=0 unsolicited"
    ),
    "a Cio above gives the device up": (
        "SSCH=0 detach told=IoRequest,Detach STSCH gone "
        "told=LookRequest,NotOperational answered=00000000 detach told=NotOperational"
    ),
    "a crash gives up what is below": (
        "SSCH=0 crash told=IoRequest,Detach SSCH=3 told gone told=NotOperational "
        "crash told=Detach gone told=NotOperational"
    ),
    "a crash and a refusal that comes after it": (
        "SSCH=0 crash told=IoRequest,Detach reset refused-22 answered "
        "gone told=NotOperational answered=SubchannelReset"
    ),
    "HSCH withdraws the interruption of a PCI": (
        "SSCH=0 pci HSCH=0 take=InterruptionGone"
    ),
    "nothing is left of functions that have ended": (
        "SSCH=0 start-ends TSCH=00c04007 SSCH=0 HSCH=0 halt-ends "
        "told=IoRequest,IoRequest,HaltRequest,Pending start-ends "
        "TSCH=00c06007 HSCH=0 halt-ends TSCH=00002001"
    ),
    "CSCH withdraws an interruption": "SSCH=0 start-ends CSCH=0 take=InterruptionGone",
    "TSCH withdraws an interruption": (
        "SSCH=0 start-ends TSCH=00c04007 take=InterruptionGone"
    ),
    "unsolicited status waits for another": (
        "unsolicited unsolicited told=Pending TSCH=00000011 told=Pending"
    ),
    "RSCH of a program that is being halted": "SSCH-suspends=0 HSCH=0 RSCH=2",
    "STSCH of a program that has ended": "SSCH=0 start-ends STSCH=00c04007",
    "nothing comes up twice": (
        "SSCH=0 XSCH reset=2 found completed-0 told=IoRequest,LookRequest,ClearRequest"
    ),
    "instructions come up one at a time": (
        "SSCH=0 XSCH STSCH TSCH found completed-2 answered=2 found "
        "answered=00c040c0,cc1"
    ),
    "a START that CLEAR has overtaken is refused": (
        "SSCH=0 CSCH=0 refused-22 told=IoRequest,ClearRequest clear-ends TSCH=00001001"
    ),
    "RSCH of what is to be resumed": "SSCH-suspends=0 RSCH found-resuming answered=2",
    "an end that is not of a function": (
        "HSCH=0 halt-ends TSCH=00002001 halt-ends told=HaltRequest,Pending"
    ),
    "a PCI that is not of a function": (
        "SSCH=0 start-ends TSCH=00c04007 pci told=IoRequest,Pending"
    ),
}
"""Scripts of events in neither table."""

SCRIPTS: Final = SHOWN | SENT_DOWN | MORE


@pytest.mark.parametrize("number", ROWS, ids=row_name)
def test_row(number: int) -> None:
    """A script shows each row of the life cycle, and shows a changed row."""
    assert played(ROWS[number], Alone()) == ROWS[number]
    with changed_row(number):
        assert is_seen(ROWS[number])


def test_each_row_has_a_script() -> None:
    """Every row of the life cycle has a script, or is the host's subchannel's alone."""
    assert {*ROWS, *ELSEWHERE} == set(range(len(lifecycle.TABLE)))


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    """The answers and messages are those of the script."""
    assert played(SCRIPTS[name], Alone()) == SCRIPTS[name]


def test_each_row_of_the_tables_has_a_script() -> None:
    """Each row of the tables has a script; the last that goes down has two."""
    assert len(SHOWN) == len(rows_of(guest_status.__doc__))
    down = rows_of(guest_subchannel.__doc__)
    # "RSCH, XSCH | Found, status pending here" and "Completed" are one script each.
    assert len(SENT_DOWN) == len(down) + 2


def rows_of(docstring: str | None) -> list[str]:
    """Return the rows of the table in a docstring."""
    assert docstring is not None
    lines = [line for line in docstring.splitlines() if line.startswith("|")]
    return lines[2:]


def is_seen(script: str) -> bool:
    """Whether a script fails."""
    try:
        return played(script, Alone()) != script
    except (ActorFailedError, AssertionError, IndexError):
        return True


def test_the_ledger_sends_nothing() -> None:
    """The state can be used without an actor."""
    ledger = GuestSubchannelState(Schib(ON))
    cc, scsw = lifecycle.start(ledger.scsw, ON, Orb.command(PROGRAM))
    assert (cc, ledger.accept_start(Orb.command(PROGRAM), scsw)) == (0, 1)
    assert ledger.end(ledger.functions((1,)), EVENTS["start-ends"][2])
    assert ledger.interruption.pending
    assert ledger.scsw.stctl == Stctl.FINAL_STATUS


def test_status_has_its_extended_part() -> None:
    """The IRB of an end is the host's except the SCSW; CLEAR resets the paths."""
    alone = Alone()
    played("SSCH start-ends TSCH CSCH clear-ends STSCH", alone)
    tested = [one for one in alone.client.received if isinstance(one, Tested)]
    assert tested[-1].irb.lpum == 0x80
    stored = alone.client.received[-1]
    assert isinstance(stored, Stored)
    assert (stored.schib.pmcw.pom, stored.schib.pmcw.lpum) == (0xFF, 0)


def test_start_uses_the_address_limit() -> None:
    """The limit of SET ADDRESS LIMIT bounds the data of the next START."""
    alone = Alone()
    orb = Orb.command(PROGRAM)
    limited = replace(orb, flags=orb.flags | Orb.address_limit.mask)
    below = replace(ON, flags=ON.flags | LIMIT_BELOW)
    for message in (
        NoteSettings(Settings(address_limit=0x10000)),
        ModifySubchannel(below),
        StartSubchannel(limited),
    ):
        alone.client.tell(alone.ref, message)
    deliver(alone.system, "guest")
    asked = alone.below.received[-1]
    assert isinstance(asked, IoRequest)
    assert (asked.low, asked.high) == (0, 0x10000)
