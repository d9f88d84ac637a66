"""The scenarios of the table: each race at the smallest size that shows it.

A scenario has the programs of a guest's CPUs, or the requests that threads write to the
regions, and an event that may come at any time. Its verdict is about its `invariants`.
If these hold, the table also says whether another invariant is broken.
"""

from typing import Final

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import ReadReport, ResetDevice, UnmapDma, WriteIo
from ccw_actors.scenarios import (
    BUFFER,
    CANCEL,
    CLEAR,
    DISABLE,
    GO_ON,
    HALT,
    PCI,
    RESUME,
    START,
    START_AGAIN,
    START_SUSPENDABLE,
    TEST,
    THEN_SUSPENDS,
    WAIT,
    read_orb,
)
from ccw_actors.verdicts import _conditions as conditions
from ccw_actors.verdicts._programs import (
    FAULTY,
    INDIRECT,
    LONG,
    RAW_CLEAR,
    RAW_START,
)
from ccw_actors.verdicts._scenario import VerdictScenario

__all__ = ["VERDICT_SCENARIOS"]

_EACH: Final = (START, WAIT, TEST, CLEAR, WAIT, TEST, HALT, WAIT, TEST)

VERDICT_SCENARIOS: Final[dict[str, VerdictScenario]] = {
    "sequence": VerdictScenario(
        title="One after the other",
        summary="one CPU issues START, CLEAR, HALT and START, one after the other",
        invariants=("I4", "I5", "I8"),
        programs=((*_EACH, START_AGAIN, WAIT, TEST),),
        conditions={"the second program is accepted": conditions.second_start},
    ),
    "seed": VerdictScenario(
        title="Two STARTs and a CLEAR",
        summary="two CPUs issue two STARTs and a CLEAR: the race of the thread",
        invariants=("I1", "I4"),
        programs=((START, WAIT, TEST), (CLEAR, START_AGAIN, WAIT, TEST)),
        conditions={
            "START comes while the CLEAR's status is on its way up": (
                conditions.start_while_queued
            )
        },
    ),
    "mail": VerdictScenario(
        title="The mail's six steps",
        summary="two threads write a CLEAR and a START: the six steps of the mail",
        invariants=("I1",),
        raw=((RAW_CLEAR,), (RAW_START,)),
        conditions={
            "START is written while the CLEAR's status is on its way": (
                conditions.raw_start_while_queued
            )
        },
    ),
    "double-start": VerdictScenario(
        title="START written twice",
        summary="one thread writes START once, another writes it twice",
        invariants=("I1", "I2", "I6", "I7", "I10"),
        raw=((RAW_START,), (RAW_START, RAW_START)),
        conditions={
            "two STARTs are in the kernel at the same time": conditions.two_starts
        },
    ),
    "attention": VerdictScenario(
        title="Attention during START",
        summary="attention at any time during a START",
        invariants=("I2", "I1", "I5"),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        happens="attention",
        conditions={
            "attention is on its way while START is in progress": (
                conditions.attention_amidst
            )
        },
    ),
    "collapse": VerdictScenario(
        title="CLEAR of a START that ended",
        summary="CLEAR after the START has ended, before its status has been handled",
        invariants=("I3", "I5"),
        programs=((START, CLEAR, WAIT, TEST),),
        conditions={
            "CLEAR comes while status is on its way": conditions.clear_while_queued
        },
    ),
    "clear-queued": VerdictScenario(
        title="CLEAR with status queued",
        summary="CLEAR while a START's status is on its way up, then another START",
        invariants=("I4", "I5"),
        programs=((START, CLEAR, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        conditions={
            "CLEAR comes while status is on its way": conditions.clear_while_queued
        },
    ),
    "clear-pending": VerdictScenario(
        title="CLEAR with status pending",
        summary="CLEAR with status pending, then TSCH and START",
        invariants=("I4", "I5"),
        programs=((START, WAIT, CLEAR, TEST, START_AGAIN, WAIT, TEST),),
        conditions={
            "CLEAR comes while status is pending": conditions.clear_while_pending
        },
    ),
    "halt": VerdictScenario(
        title="HALT against completion",
        summary="HALT races with the completion of a START",
        invariants=("I3", "I5", "I8"),
        programs=((START, WAIT, TEST), (HALT,)),
        conditions={
            "HALT comes while the channel owns the program": (
                conditions.halt_while_owned
            ),
            "HALT comes while status is on its way": conditions.halt_while_queued,
        },
    ),
    "clear-twice": VerdictScenario(
        title="Two CLEARs, then START",
        summary="two CLEARs during a START, then another START",
        invariants=("I1", "I4"),
        programs=((START, CLEAR, CLEAR, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        conditions={
            "CLEAR comes while the channel owns the program": (
                conditions.clear_while_owned
            )
        },
    ),
    "pci": VerdictScenario(
        title="PCI, then the end",
        summary="a program-controlled interruption, then the end of the program",
        invariants=("I5", "I8", "I13"),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        behaviour=("begin", "pci", "end"),
        content=PCI,
        conditions={
            "status is on its way while the program runs": conditions.queued_amidst
        },
    ),
    "attention-lost": VerdictScenario(
        title="Attention and freeing",
        summary="attention at any time during a START, whose program has to be freed",
        invariants=("I6",),
        programs=((START, WAIT, TEST, WAIT, TEST),),
        happens="attention",
        conditions={
            "attention is on its way while START is in progress": (
                conditions.attention_amidst
            )
        },
    ),
    "attention-pci": VerdictScenario(
        title="Attention and PCI",
        summary="attention at any time during a START with a PCI",
        invariants=("I1",),
        programs=((START, WAIT, TEST, WAIT, TEST, WAIT, TEST),),
        behaviour=("begin", "pci", "end"),
        content=PCI,
        happens="attention",
        conditions={
            "attention is on its way while START is in progress": (
                conditions.attention_amidst
            )
        },
    ),
    "torn": VerdictScenario(
        title="IRB copied in halves",
        summary="a CLEAR's interruption comes while the START's IRB is copied",
        invariants=("torn",),
        programs=((START, CLEAR, WAIT, TEST),),
        program="halves",
        not_ours="its IRBs are messages, which nothing changes while they are read",
        conditions={
            "CLEAR comes while status is on its way": conditions.clear_while_queued
        },
    ),
    "primary": VerdictScenario(
        title="START after channel end",
        summary="channel end, then another START, then device end",
        invariants=("cc 2",),
        programs=((START, WAIT, TEST, START_AGAIN, WAIT, TEST),),
        behaviour=("begin", "channel end", "device end"),
        not_ours="its devices present channel end and device end together",
        conditions={"status is on its way from the program": conditions.queued_amidst},
    ),
    "no-function": VerdictScenario(
        title="Write without a function",
        summary="a thread writes the I/O region without a function",
        invariants=("no-op",),
        raw=((WriteIo(read_orb(1), 0),),),
        conditions={"the write has returned": conditions.returned},
    ),
    "cancel": VerdictScenario(
        title="XSCH during START",
        summary="XSCH at any time during a START, then another START",
        invariants=("I5",),
        programs=((START, CANCEL, START_AGAIN, WAIT, TEST),),
        conditions={
            "XSCH comes while the channel owns the program": (
                conditions.cancel_while_owned
            )
        },
    ),
    "suspend": VerdictScenario(
        title="Suspend and resume",
        summary="a program is suspended and resumed",
        invariants=("I1", "I8"),
        programs=((START_SUSPENDABLE, WAIT, TEST, GO_ON, RESUME, WAIT, TEST),),
        behaviour=(
            "begin",
            "suspend",
        ),
        content=THEN_SUSPENDS,
        conditions={"status is on its way from the program": conditions.queued_amidst},
    ),
    "disable": VerdictScenario(
        title="MSCH during START",
        summary="MSCH disables the subchannel at any time during a START",
        invariants=("I5",),
        programs=((START, DISABLE, WAIT, TEST, DISABLE),),
        conditions={
            "MSCH comes while the channel owns the program": (
                conditions.disable_while_owned
            )
        },
    ),
    "not-operational": VerdictScenario(
        title="Device lost",
        summary="the device is lost at any time during a START and a CLEAR",
        invariants=("I1", "I7"),
        programs=((START, CLEAR, TEST),),
        happens="loss",
        conditions={
            "the device is lost after a program is accepted": conditions.lost_late
        },
    ),
    "lost-state": VerdictScenario(
        title="Device lost, driver's state",
        summary="the same, about the driver's state, which says so",
        invariants=("I10",),
        programs=((START, CLEAR, TEST),),
        happens="loss",
        not_ours="no two of its actors write the same state",
        conditions={
            "the device is lost after a program is accepted": conditions.lost_late
        },
    ),
    "reset": VerdictScenario(
        title="RESET during START",
        summary="RESET at any time during a START, then another START",
        invariants=("I1", "I7", "stale"),
        raw=((RAW_START,), (ResetDevice(), RAW_START)),
        conditions={
            "RESET is in progress while the channel owns a program": (
                conditions.reset_amidst
            ),
        },
    ),
    "guest-reset": VerdictScenario(
        title="Guest reset during START",
        summary="the guest's subchannel is reset at any time during a START",
        invariants=("I5",),
        programs=((START, WAIT, TEST),),
        happens="reset",
        conditions={
            "the reset is in progress while the channel owns a program": (
                conditions.guest_reset_amidst
            ),
        },
    ),
    "unmap": VerdictScenario(
        title="DMA_UNMAP during START",
        summary="DMA_UNMAP of a page at any time during the START that has it pinned",
        invariants=("I1", "I6", "I7", "I10"),
        raw=((RAW_START,), (UnmapDma(BUFFER, PAGE_SIZE),)),
        not_ours="no message takes a page of Storage away",
        conditions={"the channel owns a program": conditions.owned},
    ),
    "reports": VerdictScenario(
        title="Channel path reports",
        summary="a channel path goes offline and online while its reports are read",
        invariants=("I9",),
        raw=((ReadReport(), ReadReport(), ReadReport()),),
        happens="reports",
        not_ours="VfioCcw does not pass channel paths through",
        conditions={"two reports wait to be read": conditions.two_reports},
    ),
    "isolation": VerdictScenario(
        title="Another guest hangs",
        summary="a START while another guest's START hangs in the kernel",
        invariants=("I8",),
        programs=((START, WAIT, TEST),),
        neighbour=True,
        conditions={
            "a program is accepted while the other hangs": conditions.while_other_hangs
        },
    ),
    "chains": VerdictScenario(
        title="Program of 17 chains",
        summary="a channel program of 17 chains",
        invariants=("I11",),
        raw=((RAW_START,),),
        program="long",
        content=LONG,
        conditions={"START has returned": conditions.returned},
    ),
    "bad-chain": VerdictScenario(
        title="Second chain missing",
        summary="a channel program whose second chain is missing",
        invariants=("I6",),
        raw=((RAW_START,),),
        program="faulty",
        content=FAULTY,
        conditions={"START has returned": conditions.returned},
    ),
    "idaw": VerdictScenario(
        title="IDAW changed",
        summary="a CPU changes the first IDAW while its program is translated",
        invariants=("I12",),
        raw=((RAW_START,),),
        program="changes",
        content=INDIRECT,
        conditions={"the IDAW changes during translation": conditions.changed_amidst},
    ),
}
"""By name, in the order of the table."""
