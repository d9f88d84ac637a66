"""What the CPUs of the host share: a subchannel and the driver's state."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ccw_actors.channel import Irb, Scsw
from ccw_actors.designs.linux._messages import Section

__all__ = ["WRONG", "Fsm", "HostState", "Waiter", "note"]

Fsm: TypeAlias = Literal["NOT_OPER", "STANDBY", "IDLE", "CP_PROCESSING", "CP_PENDING"]
"""The states of the driver's FSM, by their names in vfio_ccw_private.h."""

WRONG: Final = {
    "I1": "no memory of a channel program is released while the channel owns it",
    "I2": "while the channel owns a program, the driver's state says so",
    "I3": "each IRB that was taken is delivered exactly once, unless a CLEAR drops it",
    "I6": "no page stays pinned for a program that is gone",
    "I7": "no list of CCWs is freed or rebuilt while another thread walks it",
    "I9": "only one thread at a time changes the list of channel reports",
    "I10": "no thread overwrites a state that another thread has set",
    "I11": "no program has more chains than the limit",
    "I12": "the channel uses the addresses that were validated",
    "I13": "a guest is shown guest addresses only",
    "stale": "no status from before a RESET is delivered after it",
    "torn": "an IRB is copied whole",
    "no-op": "a request that starts nothing is refused",
}
"""The invariants of the host's side, by id."""


class Waiter(Struct, frozen=True, array_like=True):
    """A thread that waits, and the section with which it goes on."""

    thread: str
    section: Section


class HostState(Struct):
    """The subchannel, `struct vfio_ccw_private`, and the broken invariants.

    | field | what it is |
    |---|---|
    | scsw, enabled, valid | of the host's subchannel: SCSW, E and V |
    | owned | the program that the channel owns, 0 if none |
    | runs | the program that the device runs, 0 if none |
    | due | an interruption is on its way to a CPU |
    | held | the device has an attention that it could not show yet |
    | fsm | private->state |
    | made, ssch | how many programs there have been, and STARTs accepted |
    | cp | the program of private->cp, 0 while that is not initialised |
    | live, pinned | programs whose memory is not freed, whose pages are pinned |
    | started | the program that was started, in the designs that keep that |
    | detached | programs that had ended at an interrupt, in the same designs |
    | walked | pairs of a thread and the program whose list it walks |
    | kept | FC bits of accepted functions; each design removes them at its own time |
    | irb, age | private->irb, the one slot, and how many RESETs there were before |
    | torn | an interruption has filled the slot since a copy of it was begun |
    | fresh | private->irb has not been copied into the region yet |
    | resets | how many RESETs have opened the device again |
    | fctl, ret_code | of the request in the I/O region |
    | region | the IRB in the I/O region |
    | work, loss | the work item of an interruption, of a lost device, is pending |
    | mutex, waiting | the thread that holds io_mutex, those that wait for it |
    | quiescing | threads that wait for an interruption |
    | expiring | threads that have a timer which ends such a wait |
    | events | the counter of the eventfd |
    | adding, reports, changing | the CRW list, and how many are changing it |
    | reporting | the work item of the reports is pending |
    | void | queued status is void, as a CLEAR was accepted |
    | mapped | the page that channel programs name is mapped for DMA |
    | idaw | how often the guest has changed the first IDAW |
    | wrong | broken invariants: an id of `WRONG`, a colon, and what happened |
    """

    scsw: Scsw = Scsw()
    enabled: bool = True
    valid: bool = True
    owned: int = 0
    runs: int = 0
    due: bool = False
    held: bool = False
    fsm: Fsm = "IDLE"
    made: int = 0
    ssch: int = 0
    cp: int = 0
    live: tuple[int, ...] = ()
    pinned: tuple[int, ...] = ()
    started: int = 0
    detached: tuple[int, ...] = ()
    walked: tuple[tuple[str, int], ...] = ()
    kept: int = 0
    irb: Irb = Irb(Scsw())
    age: int = 0
    torn: bool = False
    fresh: bool = False
    resets: int = 0
    fctl: int = 0
    ret_code: int = 0
    region: Irb = Irb(Scsw())
    work: bool = False
    loss: bool = False
    mutex: str = ""
    waiting: tuple[Waiter, ...] = ()
    quiescing: tuple[Waiter, ...] = ()
    expiring: tuple[str, ...] = ()
    events: int = 0
    adding: tuple[int, ...] = ()
    reports: tuple[int, ...] = ()
    changing: int = 0
    reporting: bool = False
    void: bool = False
    mapped: bool = True
    idaw: int = 0
    wrong: tuple[str, ...] = ()


def note(state: HostState, invariant: str, what: str) -> None:
    """Note that an invariant of `WRONG` is broken, and how.

    Each note is kept once, in sorted order, so that states stay comparable.
    """
    state.wrong = tuple(sorted({*state.wrong, f"{invariant}: {what}"}))
