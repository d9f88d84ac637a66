"""What vfio-ccw does with each message, for any emulator.

It copies a guest's channel program, translates it, pins its data, and lets Cio run it.
It answers every request once: with an event that ends it, or with a refusal. A program
is released, its pins given up, when its number is in `ends`, when a HALT or CLEAR
accepted later has completed, or when its START was refused; never before.

| START is | HALT | CLEAR | CANCEL | RESUME |
|---|---|---|---|---|
| none or ended | answered here | to Cio | cc 2 | cc 2 |
| copying, pinning | START never runs; both answered | dropped; to Cio | cc 0 | cc 2 |
| started | to Cio | to Cio | to Cio | copied again, to Cio |
| being halted, cleared | EBUSY | to Cio | cc 2 | copied again, to Cio |
| being withdrawn | to Cio | to Cio | cc 2 | copied again, to Cio |
| being copied again | to Cio | to Cio | to Cio | cc 2 |

If it ends while it is being copied again, RESUME has cc 2.

RESUME copies a program again from the CCW that suspended it, as the guest may have
changed it since: the host's channel would find the old one.

From accepting a request until the emulator has taken the status that ends it, the
driver refuses a START with EBUSY, which means condition code 2. The emulator's next
request says what it has taken. SENSE CONCURRENTLY and DETACH go to Cio as they are: a
setting, and the end, wait for nothing.
"""

import errno
from collections.abc import Callable
from typing import Final, Literal, Protocol

from msgspec.structs import replace

from ccw_actors.actors.host._driver_state import DriverState, Program
from ccw_actors.actors.host._linux_limits import exceeds_linux
from ccw_actors.actors.host._program_copy import Copy
from ccw_actors.actors.host._translation import guest_cpa, resumed, translate
from ccw_actors.actors.protocol import (
    Accepted,
    Cancel,
    CancelRequest,
    Clear,
    ClearRequest,
    Completed,
    Detach,
    Found,
    Gone,
    Halt,
    HaltRequest,
    Interrupt,
    IoEvent,
    IoRequest,
    Look,
    LookRequest,
    Piece,
    Pin,
    Pinned,
    ReadStorage,
    Refused,
    Resume,
    ResumeRequest,
    SenseConcurrently,
    Start,
    StorageData,
    StorageToVfioCcw,
    Unpin,
    UnpinAll,
    VfioCcwMessage,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
)
from ccw_actors.channel import Actl, Cc, Fctl, Irb, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.runtime import ActorRef

__all__ = ["Driver", "Told"]

_HANDLERS: Final[dict[type, str]] = {
    # from the emulator
    IoRequest: "io_request",
    HaltRequest: "halt",
    ClearRequest: "clear",
    CancelRequest: "cancel_request",
    ResumeRequest: "resume",
    LookRequest: "look",
    SenseConcurrently: "sense_concurrently",
    Detach: "detach",
    # from the guest's storage
    StorageData: "storage_data",
    Pinned: "pinned",
    # from Cio
    Accepted: "accepted",
    Interrupt: "interrupt",
    Found: "found",
    Completed: "completed",
    Refused: "refused",
    Gone: "gone",
}
"""The name of the method for each type of message."""


class Told(Protocol):
    """What receives the answers: a reference to an actor, or a part of this one."""

    def tell(self, message: VfioCcwToGuestSubchannel, /) -> None:
        """Take an answer."""


class Driver:
    """Passes a host subchannel, driven by `cio`, through to the guest's `emulated` one.

    `storage` is the guest's, at host address `base`. At most `bytes_max` bytes of a
    channel program are copied, and `ccws_at_once` CCWs are read with one message. With
    `limits` "linux" a program that Linux would not take is refused with EINVAL.
    `acknowledge` is called when the host has accepted a request; a guest's subchannel
    does not need that.

    It is no actor, but a part of one that has the `DriverState`: `VfioCcw` or
    `VfioCcwRegions`. It sends to other actors, and to `emulated`.
    """

    def __init__(
        self,
        cio: ActorRef[VfioCcwToCio],
        storage: ActorRef[VfioCcwToStorage],
        emulated: Told,
        *,
        base: int,
        bytes_max: int = 1 << 20,
        ccws_at_once: int = 16,
        limits: Literal["none", "linux"] = "none",
        acknowledge: Callable[[Accepted], None] | None = None,
    ) -> None:
        self._cio = cio
        self._storage = storage
        self._emulated = emulated
        self._base = base
        self._bytes_max = bytes_max
        self._ccws_at_once = ccws_at_once
        self._limits = limits
        self._acknowledge = acknowledge

    def handle(
        self, state: DriverState, message: VfioCcwMessage | StorageToVfioCcw
    ) -> None:
        """Give a message to the method for its type."""
        getattr(self, _HANDLERS[type(message)])(state, message)

    def restart(self) -> None:
        """Give up the host's subchannel; pins can be given up only after that."""
        self._cio.tell(Detach())

    # -- from the emulator --

    def detach(self, _state: DriverState, message: Detach) -> None:
        """Give up the host's subchannel for the emulator."""
        self._cio.tell(message)

    def io_request(self, state: DriverState, message: IoRequest) -> None:
        """Begin to copy a channel program."""
        state.untaken -= message.taken
        if message.orb.transport:
            self._refuse(message.number, errno.EOPNOTSUPP)
        elif state.program or state.halt or state.clear or state.untaken:
            self._refuse(message.number, errno.EBUSY)
        else:
            copy = self._copy(message.orb, message.program)
            copy.low, copy.high = message.low, message.high
            state.program = Program(message.number, "copying", copy)
            self._read_on(state, state.program)

    def halt(self, state: DriverState, message: HaltRequest) -> None:
        """Halt a program that Cio knows; answer here if it knows none."""
        state.untaken -= message.taken
        program = state.program
        if state.halt or state.clear:
            self._refuse(message.number, errno.EBUSY)
        elif program is not None and program.phase == "started":
            state.halt = message.number
            self._cio.tell(Halt(message.number, self._acknowledge is not None))
        elif program is not None:
            self._drop(state, program)
            numbers = (program.number, message.number)
            self._halted(state, numbers, Fctl.START | Fctl.HALT)
        else:
            self._halted(state, (message.number,), Fctl.HALT)

    def clear(self, state: DriverState, message: ClearRequest) -> None:
        """Clear at the host, whatever is in progress."""
        state.untaken -= message.taken
        program = state.program
        if program is not None and program.phase != "started":
            # Storage has still to answer: the answer must not start the program.
            self._drop(state, program)
        state.clear = message.number
        self._cio.tell(Clear(message.number, self._acknowledge is not None))

    def cancel_request(self, state: DriverState, message: CancelRequest) -> None:
        """Withdraw a program that has not reached Cio; ask Cio to withdraw others."""
        state.untaken -= message.taken
        program = state.program
        if state.halt or state.clear or state.cancel:
            self._emulated.tell(Completed(message.number, Cc.NOT_APPLICABLE))
        elif program is not None and program.phase == "started":
            state.cancel = message.number
            self._cio.tell(Cancel(message.number))
        elif program is not None:
            self._drop(state, program)
            self._emulated.tell(Completed(message.number, Cc.DONE))
        else:
            self._emulated.tell(Completed(message.number, Cc.NOT_APPLICABLE))

    def resume(self, state: DriverState, message: ResumeRequest) -> None:
        """Copy a program again, from the CCW that suspended it."""
        state.untaken -= message.taken
        program = state.program
        if program is None or not program.at or program.resume:
            self._emulated.tell(Completed(message.number, Cc.NOT_APPLICABLE))
            return
        program.resume = message.number
        guest = guest_cpa(program.runs, program.at + CCW_LENGTH) - CCW_LENGTH
        orb = replace(program.copy.orb, cpa=guest)
        before = program.copy
        program.copy = self._copy(orb, message.program or before.given)
        program.copy.low, program.copy.high = before.low, before.high
        self._read_on(state, program)

    def look(self, state: DriverState, message: LookRequest) -> None:
        """Ask Cio for the host's SCHIB."""
        state.untaken -= message.taken
        self._cio.tell(Look(message.number))

    def sense_concurrently(
        self, _state: DriverState, message: SenseConcurrently
    ) -> None:
        """Have the host's subchannel use the guest's setting of concurrent sense."""
        self._cio.tell(message)

    # -- from the guest's storage --

    def storage_data(self, state: DriverState, message: StorageData) -> None:
        """Go on copying; drop data for a program that has ended."""
        program = state.program
        if program is not None and message.number in (program.number, program.resume):
            program.copy.feed(message.parts)
            self._read_on(state, program)

    def pinned(self, state: DriverState, message: Pinned) -> None:
        """Let the program run, unless it has ended."""
        program = state.program
        if program is not None and program.number == message.number:
            self._run(program)

    def _run(self, program: Program) -> None:
        """Give the translated program to Cio."""
        if program.resume:
            number, program.resume = program.resume, 0
            pieces, program.runs = resumed(program.copy, self._base, program.at)
            self._cio.tell(Resume(number, pieces))
            return
        translation = translate(program.copy, self._base)
        program.phase = "started"
        program.runs = translation.runs
        orb, words = translation.orb, translation.program
        acknowledge = self._acknowledge is not None
        self._cio.tell(Start(program.number, orb, words, acknowledge))

    # -- from Cio --

    def accepted(self, _state: DriverState, message: Accepted) -> None:
        """Pass it on, if the actor around this one asked for it."""
        if self._acknowledge is not None:
            self._acknowledge(message)

    def found(self, state: DriverState, message: Found) -> None:
        """Note where a program is suspended, and pass the SCHIB on."""
        program, scsw = state.program, message.schib.scsw
        if program is not None:
            suspended = scsw.actl & Actl.SUSPENDED
            program.at = scsw.cpa - CCW_LENGTH if suspended else 0
        schib = replace(message.schib, scsw=self._in_guest_terms(state, scsw))
        self._emulated.tell(Found(message.number, schib))

    def completed(self, state: DriverState, message: Completed) -> None:
        """Release a withdrawn program, and pass the answer on."""
        number = message.number
        if number == state.cancel:
            state.cancel = 0
            if message.cc == Cc.DONE and state.program is not None:
                self._drop(state, state.program)
        self._emulated.tell(message)

    def refused(self, state: DriverState, message: Refused) -> None:
        """Release a program that never ran, and pass the refusal on."""
        number = message.number
        if state.program is not None and state.program.number == number:
            state.program = None
        if number == state.halt:
            state.halt = 0
        if number == state.clear:
            state.clear = 0
        self._release(state, number)
        self._refuse(number, message.errno)

    def gone(self, state: DriverState, _message: Gone) -> None:
        """Release all programs: the host no longer uses them."""
        state.program = None
        state.halt = state.clear = state.cancel = 0
        state.pinned = ()
        self._storage.tell(UnpinAll())
        self._emulated.tell(Gone())

    def interrupt(self, state: DriverState, message: Interrupt) -> None:
        """Release what has ended, and pass the status to the emulator."""
        ends = message.ends
        scsw = self._in_guest_terms(state, message.irb.scsw)
        irb = replace(message.irb, scsw=scsw)
        self._release_ended(state, ends)
        if state.clear in ends:
            self._end(state)
            state.halt = state.clear = 0
        elif state.program is not None and state.program.number in ends:
            self._end(state)
        if state.halt in ends:
            state.halt = 0
        self.event(state, IoEvent(message.answers, ends, message.after, irb))

    # -- inside --

    def _copy(self, orb: Orb, given: tuple[Piece, ...]) -> Copy:
        return Copy.of(orb, self._bytes_max, self._ccws_at_once, given)

    def _read_on(self, state: DriverState, program: Program) -> None:
        """Read the next part of the program, or pin its data once all of it is copied.

        A program without data has nothing to pin. The data of a resumed program are
        pinned in addition to those from before.
        """
        areas = program.copy.wanted()
        if areas:
            number = program.resume or program.number
            self._storage.tell(ReadStorage(number, areas))
            return
        if not program.resume:
            if self._limits == "linux" and exceeds_linux(program.copy):
                state.program = None
                self._refuse(program.number, errno.EINVAL)
                return
            program.phase = "pinning"
        self._pin(state, program)

    def _pin(self, state: DriverState, program: Program) -> None:
        areas = program.copy.data_areas()
        if not areas:
            self._run(program)
            return
        if program.number not in state.pinned:
            state.pinned = (*state.pinned, program.number)
        self._storage.tell(Pin(program.number, areas))

    def _end(self, state: DriverState) -> None:
        """Forget the START, and answer a RESUME that is being prepared."""
        program, state.program = state.program, None
        if program is not None and program.resume:
            self._emulated.tell(Completed(program.resume, Cc.NOT_APPLICABLE))

    def _drop(self, state: DriverState, program: Program) -> None:
        """Give up a program that is not in progress at the host.

        Storage handles Unpin after a Pin that is on its way: nothing stays pinned.
        """
        self._end(state)
        self._release(state, program.number)

    def _release(self, state: DriverState, number: int) -> None:
        if number in state.pinned:
            state.pinned = tuple(n for n in state.pinned if n != number)
            self._storage.tell(Unpin(number))

    def _release_ended(self, state: DriverState, ends: tuple[int, ...]) -> None:
        """Release the programs that have ended.

        A completed HALT or CLEAR has ended everything accepted before it, also a
        program whose own end will never be shown.
        """
        completed = [n for n in ends if n in (state.halt, state.clear)]
        for number in state.pinned:
            if number in ends or any(number < later for later in completed):
                self._release(state, number)

    def _halted(self, state: DriverState, numbers: tuple[int, ...], fctl: int) -> None:
        actl = Actl.START_PENDING if fctl & Fctl.START else 0
        scsw = Scsw(fctl=fctl, actl=actl, stctl=Stctl.PENDING)
        self.event(state, IoEvent(numbers, numbers, numbers[-1], Irb(scsw)))

    def event(self, state: DriverState, event: IoEvent) -> None:
        """Send an event to the emulator, which must take it if it ends something."""
        if event.ends:
            state.untaken += 1
        self._emulated.tell(event)

    def taken(self, state: DriverState, event: IoEvent) -> None:
        """Note that an event has been taken, for an emulator without requests."""
        if event.ends:
            state.untaken -= 1

    def _refuse(self, number: int, reason: int) -> None:
        self._emulated.tell(Refused(number, reason))

    def _in_guest_terms(self, state: DriverState, scsw: Scsw) -> Scsw:
        program = state.program
        runs = program.runs if program is not None else ()
        return replace(scsw, cpa=guest_cpa(runs, scsw.cpa))
