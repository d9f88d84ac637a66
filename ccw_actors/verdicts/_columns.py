"""The columns of the table: each hazard at the smallest size that shows it.

A column gives the programs of a guest's CPUs, or requests that threads write to the
regions by themselves, and what happens besides. `about` are the invariants that the
hazard is about: they are what a verdict says. Whether anything else is broken in the
same scenario is looked for as well, if they are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import (
    AwaitStatus,
    CancelSubchannel,
    ClearSubchannel,
    HaltSubchannel,
    Instruct,
    ModifySubchannel,
    Operation,
    ReadReport,
    ResetDevice,
    ResumeSubchannel,
    StartSubchannel,
    Store,
    TestSubchannel,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import Ccw, Fctl, Orb, Pmcw
from ccw_actors.designs import ENDS, Behaviour, Program, Request
from ccw_actors.scenarios import BUFFER, ENABLED, PROGRAM, one_read, read_orb
from ccw_actors.verdicts import _windows as windows
from ccw_actors.verdicts._windows import Entered

__all__ = ["COLUMNS", "IDAL", "RAW_START", "Column"]

Steps = Sequence[Operation]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One hazard.

    `number` is that of the scenario in the analysis of the thread, 0 for others.
    `programs` are those of CPUs, `raw` the requests of threads without an emulator.
    `behaviour` is what the device does with each program in a model, `content` the
    channel program that does the same on this package's actors; `program` is what is
    special about it otherwise. `happens` at any time: the device wants attention, it is
    lost, the guest's subchannel is reset, channel paths report. `neighbour` puts
    another device beside it, whose program hangs and which wants attention. `entered`
    has to be met sometimes: the window that the column is about. `not_ours` is why this
    package has nothing to be put into the column.
    """

    number: int
    summary: str
    about: tuple[str, ...]
    programs: tuple[Steps, ...] = ()
    raw: tuple[tuple[Request, ...], ...] = ()
    behaviour: Behaviour = ENDS
    content: bytes = field(default_factory=one_read)
    program: Program = ""
    happens: Literal["", "attention", "loss", "reset", "reports"] = ""
    neighbour: bool = False
    not_ours: str = ""
    entered: Mapping[str, Entered] = field(default_factory=dict[str, Entered])


START: Final = Instruct(0, StartSubchannel(read_orb(1)))
START_AGAIN: Final = Instruct(0, StartSubchannel(read_orb(2)))
HALT: Final = Instruct(0, HaltSubchannel())
CLEAR: Final = Instruct(0, ClearSubchannel())
CANCEL: Final = Instruct(0, CancelSubchannel())
RESUME: Final = Instruct(0, ResumeSubchannel())
TEST: Final = Instruct(0, TestSubchannel())
DISABLE: Final = Instruct(
    0, ModifySubchannel(ENABLED.with_flag(Pmcw.enabled, on=False))
)
WAIT: Final = AwaitStatus()

RAW_START: Final = WriteIo(read_orb(1), Fctl.START)
RAW_CLEAR: Final = WriteAsync("CSCH")

_NOP, _READ = 0x03, 0x02
_SLI, _CC = Ccw.suppress_length.mask, Ccw.chain_command.mask
_PCI: Final = Ccw(_NOP, _SLI | Ccw.program_controlled.mask, 1).to_bytes(1)
_READS: Final = Ccw(_READ, _SLI, 24, BUFFER).to_bytes(1)
_SUSPENDS: Final = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1) + Ccw(
    _READ, _SLI | Ccw.suspend.mask, 24, BUFFER
).to_bytes(1)
_SUSPENDED: Final = Instruct(
    0, StartSubchannel(Orb.command(PROGRAM, intparm=1, suspend=True))
)
_GO_ON: Final = Store(PROGRAM + 8, _READS)


_TIC: Final = 0x08


def _long_program() -> bytes:
    """Return 17 chains: each but the last goes on in another place."""
    nop = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1)
    places = [PROGRAM + 0x20 * number for number in range(1, 17)]
    chains = [
        (nop + Ccw(_TIC, 0, 0, to).to_bytes(1)).ljust(0x20, b"\0") for to in places
    ]
    return b"".join(chains) + Ccw(_NOP, _SLI, 1).to_bytes(1)


_FAULTY: Final = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1) + Ccw(
    _TIC, 0, 0, 0x100000
).to_bytes(1)
_IDA: Final = Ccw.indirect.mask
IDAL: Final = PROGRAM + 0x10
_INDIRECT: Final = (
    Ccw(_READ, _SLI | _IDA, 24, IDAL).to_bytes(1) + bytes(8) + BUFFER.to_bytes(8, "big")
)


_EACH: Final = (START, WAIT, TEST, CLEAR, WAIT, TEST, HALT, WAIT, TEST)

COLUMNS: Final[dict[str, Column]] = {
    "sequence": Column(
        number=0,
        summary="START, CLEAR, HALT and START of one CPU, each after the other is over",
        about=("I4", "I5", "I8"),
        programs=((*_EACH, START_AGAIN, WAIT, TEST),),
        entered={"the second program is accepted": windows.second_start},
    ),
    "seed": Column(
        number=1,
        summary="two STARTs and a CLEAR of two CPUs: the thread's, as a guest meets it",
        about=("I1", "I4"),
        programs=((START, WAIT, TEST), (CLEAR, START_AGAIN, WAIT, TEST)),
        entered={
            "START comes while the CLEAR's status is on its way up": (
                windows.start_while_queued
            )
        },
    ),
    "mail": Column(
        number=7,
        summary="CLEAR and START written by two threads: the six steps of the mail",
        about=("I1",),
        raw=((RAW_CLEAR,), (RAW_START,)),
        entered={
            "START is written while the CLEAR's status is on its way": (
                windows.raw_start_while_queued
            )
        },
    ),
    "double-start": Column(
        number=2,
        summary="START written once by one thread and twice by another",
        about=("I1", "I2", "I6", "I7", "I10"),
        raw=((RAW_START,), (RAW_START, RAW_START)),
        entered={"two STARTs are in the kernel at once": windows.two_starts},
    ),
    "attention": Column(
        number=3,
        summary="attention at any time of a START",
        about=("I2", "I1", "I5"),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        happens="attention",
        entered={
            "attention is on its way while START is in progress": (
                windows.attention_amidst
            )
        },
    ),
    "collapse": Column(
        number=4,
        summary="CLEAR when the START has ended, before its status has been handled",
        about=("I3", "I5"),
        programs=((START, CLEAR, WAIT, TEST),),
        entered={"CLEAR comes while status is on its way": windows.clear_while_queued},
    ),
    "clear-queued": Column(
        number=5,
        summary="CLEAR while a START's status is on its way up, then another START",
        about=("I4", "I5"),
        programs=((START, CLEAR, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        entered={"CLEAR comes while status is on its way": windows.clear_while_queued},
    ),
    "clear-pending": Column(
        number=6,
        summary="CLEAR with status pending, then TSCH and START",
        about=("I4", "I5"),
        programs=((START, WAIT, CLEAR, TEST, START_AGAIN, WAIT, TEST),),
        entered={"CLEAR comes while status is pending": windows.clear_while_pending},
    ),
    "halt": Column(
        number=8,
        summary="HALT against the completion of a START",
        about=("I3", "I5", "I8"),
        programs=((START, WAIT, TEST), (HALT,)),
        entered={
            "HALT comes while the channel owns the program": windows.halt_while_owned,
            "HALT comes while status is on its way": windows.halt_while_queued,
        },
    ),
    "clear-twice": Column(
        number=0,
        summary="two CLEARs during a START, and another START behind them",
        about=("I1", "I4"),
        programs=((START, CLEAR, CLEAR, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        entered={"CLEAR comes while the channel owns it": windows.clear_while_owned},
    ),
    "pci": Column(
        number=0,
        summary="a program-controlled interruption, and the end of its program",
        about=("I5", "I8", "I13"),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        behaviour=("begin", "pci", "end"),
        content=_PCI,
        entered={"status is on its way while the program runs": windows.queued_amidst},
    ),
    "attention-lost": Column(
        number=3,
        summary="attention at any time of a START, whose program is to be freed",
        about=("I6",),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        happens="attention",
        entered={
            "attention is on its way while START is in progress": (
                windows.attention_amidst
            )
        },
    ),
    "attention-pci": Column(
        number=0,
        summary="attention at any time of a START that has a PCI",
        about=("I1",),
        programs=((START, WAIT, TEST, WAIT, TEST, WAIT, TEST),),
        behaviour=("begin", "pci", "end"),
        content=_PCI,
        happens="attention",
        entered={
            "attention is on its way while START is in progress": (
                windows.attention_amidst
            )
        },
    ),
    "torn": Column(
        number=0,
        summary="a CLEAR's interruption while the START's IRB is copied",
        about=("torn",),
        programs=((START, CLEAR, WAIT, TEST),),
        program="halves",
        not_ours="its IRBs are messages: nobody fills one while another reads it",
        entered={"CLEAR comes while status is on its way": windows.clear_while_queued},
    ),
    "primary": Column(
        number=0,
        summary="channel end, then another START, then device end",
        about=("cc 2",),
        programs=((START, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        behaviour=("begin", "channel end", "device end"),
        not_ours="its devices present channel end and device end together",
        entered={"status is on its way from the program": windows.queued_amidst},
    ),
    "no-function": Column(
        number=0,
        summary="a write of the I/O region without any function",
        about=("no-op",),
        raw=((WriteIo(read_orb(1), 0),),),
        entered={"it has returned": windows.returned},
    ),
    "cancel": Column(
        number=0,
        summary="XSCH at any time of a START, and another START",
        about=("I5",),
        programs=((START, CANCEL, START_AGAIN, WAIT, TEST),),
        entered={"XSCH comes while the channel owns it": windows.cancel_while_owned},
    ),
    "suspend": Column(
        number=0,
        summary="a program that is suspended, and resumed",
        about=("I1", "I8"),
        programs=((_SUSPENDED, WAIT, TEST, _GO_ON, RESUME, WAIT, TEST),),
        behaviour=(
            "begin",
            "suspend",
        ),
        content=_SUSPENDS,
        entered={"status is on its way from the program": windows.queued_amidst},
    ),
    "disable": Column(
        number=0,
        summary="MSCH that disables the subchannel at any time of a START",
        about=("I5",),
        programs=((START, DISABLE, WAIT, TEST, DISABLE),),
        entered={"MSCH comes while the channel owns it": windows.disable_while_owned},
    ),
    "not-operational": Column(
        number=9,
        summary="the device is lost at any time of a START, and then a CLEAR",
        about=("I1", "I7"),
        programs=((START, CLEAR, TEST),),
        happens="loss",
        entered={"the device is lost when a program is accepted": windows.lost_late},
    ),
    "lost-state": Column(
        number=9,
        summary="the same: what a state that says so is worth",
        about=("I10",),
        programs=((START, CLEAR, TEST),),
        happens="loss",
        not_ours="no two of its actors write one state",
        entered={"the device is lost when a program is accepted": windows.lost_late},
    ),
    "reset": Column(
        number=10,
        summary="RESET at any time of a START, and another START behind it",
        about=("I1", "I7", "stale"),
        raw=((RAW_START,), (ResetDevice(), RAW_START)),
        entered={
            "RESET is under way while the channel owns a program": windows.reset_amidst,
        },
    ),
    "guest-reset": Column(
        number=10,
        summary="the guest's subchannel is reset at any time of a START",
        about=("I5",),
        programs=((START, WAIT, TEST),),
        happens="reset",
        entered={
            "it is reset while the channel owns a program": windows.guest_reset_amidst
        },
    ),
    "unmap": Column(
        number=11,
        summary="DMA_UNMAP of a page at any time of the START that has it pinned",
        about=("I1", "I6", "I7", "I10"),
        raw=((RAW_START,), (UnmapDma(BUFFER, PAGE_SIZE),)),
        not_ours="no message takes a page of Storage away",
        entered={"the channel owns a program": windows.owned},
    ),
    "reports": Column(
        number=12,
        summary="a channel path goes offline and online while its reports are read",
        about=("I9",),
        raw=((ReadReport(), ReadReport(), ReadReport()),),
        happens="reports",
        not_ours="VfioCcw passes no channel path through",
        entered={"two reports are there": windows.two_reports},
    ),
    "isolation": Column(
        number=13,
        summary="a START beside another guest's that hangs in the kernel",
        about=("I8",),
        programs=((START, WAIT, TEST),),
        neighbour=True,
        entered={"a program is accepted while another hangs": windows.beside_hanging},
    ),
    "chains": Column(
        number=14,
        summary="a channel program of 17 chains",
        about=("I11",),
        raw=((RAW_START,),),
        program="long",
        content=_long_program(),
        entered={"START has returned": windows.returned},
    ),
    "bad-chain": Column(
        number=14,
        summary="a channel program whose second chain is not there",
        about=("I6",),
        raw=((RAW_START,),),
        program="faulty",
        content=_FAULTY,
        entered={"START has returned": windows.returned},
    ),
    "idaw": Column(
        number=14,
        summary="a CPU changes the first IDAW while its program is translated",
        about=("I12",),
        raw=((RAW_START,),),
        program="changes",
        content=_INDIRECT,
        entered={"the IDAW changes during translation": windows.changed_amidst},
    ),
}
"""By name, in the order of the table."""
