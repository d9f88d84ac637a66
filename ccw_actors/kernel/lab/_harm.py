"""What must not happen, as seen in what the client and the host's side have noted."""

import errno
from typing import Final

from ccw_actors.channel import Actl, Fctl, Irb, Scsw
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.kernel.lab._plan import Harm, Observed
from ccw_actors.kernel.lab._programs import PROGRAMS

__all__ = [
    "accepts",
    "accepts_nothing",
    "clear_twice",
    "foreign_memory",
    "freed_while_built",
    "host_address",
    "leaks",
    "never_freed",
    "out_of_order",
    "scsw_text",
    "stale",
    "start_lost",
    "starved",
    "state_overwritten",
    "suspended_is_freed",
    "taken_while_added",
]

_FUNCTIONS: Final = {Fctl.START: "start", Fctl.HALT: "halt", Fctl.CLEAR: "clear"}

_LEAK_MIN: Final = 256 << 10
"""Bytes by which the kernel's memory has to grow to count as a leak."""


def foreign_memory(seen: Observed) -> Harm | None:
    """Memory that has nothing to do with the device is overwritten by the channel."""
    changed = seen.step("changed")
    if changed is None or not changed.count:
        return None
    return Harm(
        f"the channel has overwritten {changed.count} pages of memory that the device"
        " had no right to",
        (f"they were aa, and the first changed bytes are {changed.data.hex(' ')}",),
    )


def _signals(seen: Observed) -> int:
    return sum(step.signals for step in seen.log.steps if step.what.startswith("take "))


def clear_twice(seen: Observed) -> Harm | None:
    """One CLEAR is signalled twice, and the status of the START is lost."""
    irbs, signals = seen.irbs(), _signals(seen)
    if signals < 2 or not irbs or any(irb.scsw.fctl != Fctl.CLEAR for irb in irbs):
        return None
    return Harm(
        f"{signals} interruptions were signalled for one CLEAR; the START's IRB, which"
        " the kernel had taken, was never shown",
        tuple(map(_shown, irbs)),
    )


def start_lost(seen: Observed) -> Harm | None:
    """No IRB of the START was shown, although it was accepted and has ended."""
    if seen.errno("start") != 0 or seen.errno("halt") != 0:
        return None
    irbs = seen.irbs()
    if not irbs or any(irb.scsw.fctl & Fctl.START for irb in irbs):
        return None
    return Harm(
        "the START's status, which the kernel had taken, was never shown",
        tuple(map(_shown, irbs)),
    )


def host_address(seen: Observed) -> Harm | None:
    """An IRB of a START has a CCW address that is not of the guest's program."""
    for irb in seen.irbs():
        scsw = irb.scsw
        if scsw.fctl & Fctl.START and scsw.cpa and not _is_of_a_program(scsw.cpa):
            return Harm(
                f"the guest is shown the CCW address {scsw.cpa:08x}, which is the"
                " kernel's",
                (_shown(irb),),
            )
    return None


def _is_of_a_program(cpa: int) -> bool:
    return any(
        at <= cpa <= at + len(content) + CCW_LENGTH for at, content in PROGRAMS.items()
    )


def never_freed(seen: Observed) -> Harm | None:
    """START is refused although nothing is in progress, and pages stay pinned."""
    if seen.errno("again") != errno.EBUSY or not seen.schibs:
        return None
    scsw = seen.schibs[-1].scsw
    if scsw.fctl or scsw.actl:
        return None
    pins = seen.step("pins")
    pages = 0 if pins is None else pins.count
    return Harm(
        "START ends in EBUSY although the subchannel is idle: its program was never"
        " freed",
        (f"{pages} pages stay pinned", f"SCSW of the subchannel: {scsw_text(scsw)}"),
    )


def suspended_is_freed(seen: Observed) -> Harm | None:
    """The program of a suspended START is freed while the channel owns it."""
    pins, before = seen.step("pins"), seen.step("before")
    if pins is None or before is None or not seen.schibs:
        return None
    scsw = seen.schibs[-1].scsw
    if pins.count or not scsw.actl & Actl.SUSPENDED or not scsw.fctl & Fctl.START:
        return None
    return Harm(
        "the kernel has freed the program, and unpinned its pages, while the subchannel"
        " is suspended in it",
        (f"SCSW of the subchannel: {scsw_text(scsw)}", "no page is pinned"),
    )


def stale(seen: Observed) -> Harm | None:
    """Status from before a RESET is shown after it."""
    took = seen.step("after")
    if seen.errno("reset") != 0 or took is None or took.errno:
        return None
    return Harm(
        "after RESET an interruption of the START from before it was signalled",
        tuple(map(_shown, seen.irbs())),
    )


def accepts_nothing(seen: Observed) -> Harm | None:
    """A request that starts nothing is answered as accepted."""
    if seen.errno("nothing") != 0:
        return None
    return Harm("a write without a function returns success, and starts nothing")


def accepts(seen: Observed) -> Harm | None:
    """A request that has to be refused is accepted."""
    if seen.errno("refused") != 0:
        return None
    return Harm("the kernel accepts a request that it has to refuse")


def out_of_order(seen: Observed) -> Harm | None:
    """One function after the other, and one of them has not the status that it must."""
    wanted = [Fctl.START, Fctl.CLEAR, Fctl.HALT, Fctl.START]
    shown = [irb.scsw.fctl for irb in seen.irbs()]
    if shown == wanted:
        return None
    return Harm("functions one after the other do not show their status in order")


def leaks(seen: Observed) -> Harm | None:
    """Each failed START leaves memory behind."""
    before, after = seen.step("before"), seen.step("after")
    if before is None or after is None:
        return None
    grown = (after.count - before.count) << 10
    if grown < _LEAK_MIN:
        return None
    return Harm(f"the kernel's slab memory has grown by {grown} bytes")


def starved(seen: Observed) -> Harm | None:
    """A START has ended, and its status is shown only when another device goes on."""
    late = seen.errno("late") == 0
    if seen.errno("start") != 0 or seen.errno("starved") != errno.ETIMEDOUT or not late:
        return None
    scsw = seen.schibs[-1].scsw
    if scsw.fctl or scsw.pending:
        return None
    return Harm(
        "a START's status, which the kernel had taken, was not shown while a START of"
        " another device was held",
        (
            f"SCSW of the subchannel: {scsw_text(scsw)}",
            *(f"the worker was in {calls}" for calls in seen.tasks),
        ),
    )


def taken_while_added(seen: Observed) -> Harm | None:
    """A report is taken off the list while another one is being added to it."""
    first = seen.step("first")
    # The order looks twice at what adds: before and after the read.
    if len(seen.tasks) < 2 or first is None or not any(first.data):
        return None
    return Harm(
        "a report was taken off the list while another one was being added",
        tuple(f"what adds it was in {calls}" for calls in seen.tasks),
    )


def freed_while_built(seen: Observed) -> Harm | None:
    """A program is freed while the thread that builds it stands in the middle of it."""
    if not seen.ran:
        return None
    return Harm(
        "the loss of the device frees the program while another thread builds it"
    )


def state_overwritten(seen: Observed) -> Harm | None:
    """The driver's state no longer says what another thread has set."""
    if len(seen.states) < 2 or seen.states[0] == seen.states[-1]:
        return None
    return Harm(
        f"private->state was {seen.states[0]}, and another thread has overwritten it by"
        f" {seen.states[-1]}"
    )


def _shown(irb: Irb) -> str:
    return f"SCSW in the IRB: {scsw_text(irb.scsw)}"


def scsw_text(scsw: Scsw) -> str:
    """Return an SCSW's three words in hexadecimal, and its functions."""
    names = [name for bit, name in _FUNCTIONS.items() if scsw.fctl & bit]
    words = scsw.to_bytes().hex(" ", 4)
    return f"{words} ({', '.join(names) or 'no function'})"
