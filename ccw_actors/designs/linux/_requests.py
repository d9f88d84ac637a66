"""Requests of the emulator: what a write to the I/O or async region does.

| state | WriteIo | WriteAsync |
|---|---|---|
| NOT_OPER, STANDBY | EIO | EIO |
| IDLE | io_request | halt, clear |
| CP_PROCESSING | EAGAIN | EAGAIN |
| CP_PENDING | EBUSY | halt, clear |

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c, vfio_ccw_ops.c, vfio_ccw_cp.c and
vfio_ccw_async.c. Which section stands for which of their functions is in `steps`.
"""

import errno
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from ccw_actors.actors.protocol import WriteAsync, WriteIo, Written
from ccw_actors.channel import Fctl
from ccw_actors.designs.linux._features import Features
from ccw_actors.designs.linux._hardware import ENDS, Behaviour, HostSubchannel
from ccw_actors.designs.linux._memory import Fsm, Returned, Section, Waiter
from ccw_actors.runtime import ActorRef, Message, receive

__all__ = ["IdawChanged", "Next", "Program", "Requests"]

Program = Literal["", "hangs", "long", "faulty", "changes", "halves"]
_CHAINS: Final = 17

Next: TypeAlias = Section | Returned | None


class IdawChanged(Message, frozen=True):
    """A CPU of the guest stores another address in the first IDAW."""


class Requests(HostSubchannel):
    """The driver's memory, with the sections of system calls that write.

    `features` are those of the version. Work goes to `worker`, signals to `emulator`.
    `program` says what is special about the channel programs: "hangs" for pages that
    are never there, "long" for 17 chains, "changes" for an IDAW that a CPU changes;
    "faulty" for a second chain that is not there. "halves" has an IRB copied in two
    sections.
    """

    def __init__(
        self,
        features: Features,
        worker: ActorRef[Any],
        emulator: ActorRef[Any],
        behaviour: Behaviour = ENDS,
        program: Program = "",
    ) -> None:
        super().__init__(behaviour)
        self._features = features
        self._program = program
        self._worker = worker
        self._emulator = emulator

    # -- io_mutex ---------------------------------------------------------------------

    @property
    def _thread(self) -> str:
        assert self.sender is not None, "a section is a thread's"
        return self.sender.path

    def _lock(self, section: Section) -> bool:
        """Take io_mutex; if another thread has it, have the sender wait."""
        state = self.state
        if state.mutex in ("", self._thread):
            state.mutex = self._thread
            return True
        state.waiting = (*state.waiting, Waiter(self._thread, section))
        return False

    def _unlock(self) -> None:
        """Give io_mutex up, to who has waited longest."""
        state = self.state
        state.mutex = ""
        if state.waiting:
            first, *others = state.waiting
            state.waiting = tuple(others)
            state.mutex = first.thread
            self.system.ref(first.thread).tell(first.section)

    def _entered(self, then: Next) -> None:
        """Tell the thread that has just entered the kernel what it does then."""
        assert self.sender is not None, "a call is a thread's"
        if then is not None:
            self.sender.tell(then)

    # -- START ------------------------------------------------------------------------

    @receive
    def write_io(self, message: WriteIo) -> None:
        """Try io_mutex, copy the request in, and look at the state."""
        self._entered(self._write_io(message))

    def _write_io(self, message: WriteIo) -> Next:
        state = self.state
        if state.mutex:
            return Returned(Written(errno.EAGAIN))
        state.mutex = self._thread
        state.fctl, state.ret_code = message.fctl, message.ret_code
        match state.fsm:
            case "IDLE":
                return Section("io_request")
            case "CP_PROCESSING":
                return Section("leave_io", errno.EAGAIN)
            case "CP_PENDING":
                return Section("leave_io", errno.EBUSY)
            case _:
                return Section("leave_io", errno.EIO)

    def _io_request(self, _section: Section) -> Next:
        state, features = self.state, self._features
        if features.kept_activity and state.kept:
            return Section("leave_io", errno.EBUSY)
        if features.started_flag and state.started:
            return Section("fail_io", errno.EBUSY)
        self._set_state("CP_PROCESSING", "START")
        if features.kept_activity:
            state.kept |= Fctl.START
        if state.fctl & Fctl.START:
            return Section("cp_init")
        if state.fctl:
            return self._failed(errno.EOPNOTSUPP)
        if not state.ret_code:
            self._wrong("no-op", "a write without a function returns success")
        return self._failed(state.ret_code)

    def _cp_init(self, _section: Section) -> Next:
        state = self.state
        if self._features.init_checked and not self._features.counted and state.cp:
            return self._failed(errno.EBUSY)
        if state.cp and not self._features.counted:
            self._wrong("I6", "START initialises a live program again")
        if self._program == "long":
            if 0 < self._features.chains_max < _CHAINS:
                return self._failed(errno.EINVAL)
            self._wrong("I11", f"a program of {_CHAINS} chains is accepted")
        if self._program == "faulty":
            return self._chain_missing()
        if state.walked and not self._features.counted:
            walker = _walker(state.walked[0][0])
            self._wrong("I7", f"START makes the list anew that {walker} walks")
        state.made += 1
        state.cp = state.made
        state.started = state.started if self._features.counted else 0
        state.live = (*state.live, state.cp)
        self._walk(state.cp)
        return Section("cp_prefetch", program=state.cp)

    def _chain_missing(self) -> Section:
        """Fail at the second chain; what becomes of the first is the version's."""
        state = self.state
        if not self._features.frees_all:
            state.made += 1
            state.live = (*state.live, state.made)
        return self._failed(errno.EFAULT)

    def _cp_prefetch(self, section: Section) -> Next:
        """Read the first IDAW, which says how long the list is."""
        if self._program == "hangs":
            return None
        if not self.state.mapped:
            self._walked()
            return Section("free_request", errno.EFAULT, program=section.program)
        idaw = self.state.idaw
        return Section("copy_idal", program=section.program, idaw=idaw)

    def _copy_idal(self, section: Section) -> Next:
        """Copy the list of IDAWs, the first one again, and pin what they name."""
        state, features = self.state, self._features
        self._walked()
        if section.idaw != state.idaw:
            if features.idaw_checked:
                reason = errno.EINVAL
                return Section("free_request", reason, program=section.program)
            self._wrong("I12", "the first IDAW is another one when it is read again")
        if not state.mapped:
            return Section("free_request", errno.EFAULT, program=section.program)
        if section.program in state.live:
            state.pinned = (*state.pinned, section.program)
        return Section("io_helper", program=section.program)

    @receive
    def idaw_changed(self, _message: IdawChanged) -> None:
        """Have another address in the guest's storage."""
        self.state.idaw += 1

    def _io_helper(self, section: Section) -> Next:
        state, features = self.state, self._features
        if not state.cp:
            return self._failed(errno.EIO)
        busy = (
            (features.work_pending and state.work)
            or (features.clear_flag and state.void)
            or (features.composite and self._is_busy())
        )
        cc = 2 if busy else self._ssch(section.program)
        if cc:
            reason = errno.ENODEV if cc == 3 else errno.EBUSY
            return Section("free_request", reason, program=section.program)
        state.started = section.program
        state.kept |= Fctl.START
        if features.no_pending_state:
            return Section("idle_again")
        self._set_state("CP_PENDING", "START")
        return Section("leave_io")

    def _idle_again(self, _section: Section) -> Next:
        self._set_state("IDLE", "a START that was accepted")
        return Section("leave_io")

    def _free_request(self, section: Section) -> Next:
        program = self._mark_free(section.program)
        return replace(section, step="free_failed", program=program)

    def _free_failed(self, section: Section) -> Next:
        self._free(section.program, "a refused START")
        return self._failed(section.errno)

    def _failed(self, reason: int) -> Section:
        """Go on to where a failed request has its state reset, in this version."""
        if self._features.idle_in_fsm:
            return Section("fail_io", reason)
        return Section("leave_io", reason)

    def _fail_io(self, section: Section) -> Next:
        if self._features.kept_activity:
            self.state.kept &= ~Fctl.START
        self._set_state("IDLE", "a failed START")
        return Section("leave_io", section.errno)

    def _leave_io(self, section: Section) -> Next:
        state = self.state
        if section.errno and not self._features.idle_in_fsm:
            if state.fsm == "CP_PENDING":
                self._wrong("I10", "a refused START makes the state of another IDLE")
            self._set_state("IDLE", "a refused START")
        self._unlock()
        return Returned(Written(section.errno))

    # -- HALT and CLEAR ---------------------------------------------------------------

    @receive
    def write_async(self, message: WriteAsync) -> None:
        """Try io_mutex, and look at the state."""
        self._entered(self._write_async(message))

    def _write_async(self, message: WriteAsync) -> Next:
        state = self.state
        if state.mutex:
            return Returned(Written(errno.EAGAIN))
        if state.fsm in ("IDLE", "CP_PENDING"):
            state.mutex = self._thread
            return Section("halt" if message.command == "HSCH" else "clear")
        reason = errno.EAGAIN if state.fsm == "CP_PROCESSING" else errno.EIO
        return Returned(Written(reason))

    def _halt(self, _section: Section) -> Next:
        state, features = self.state, self._features
        kept = features.kept_activity or features.composite
        busy = (
            (features.clear_flag and state.void)
            or (kept and state.kept & ~Fctl.START)
            or (features.composite and self._is_queued())
        )
        cc = 2 if busy else self._hsch()
        if cc == 0:
            state.kept |= Fctl.HALT
        self._unlock()
        return Returned(Written((0, errno.EBUSY, errno.EBUSY, errno.ENODEV)[cc]))

    def _clear(self, _section: Section) -> Next:
        state = self.state
        cc = self._csch()
        if cc == 0:
            others = state.kept if self._features.kept_activity else 0
            state.kept = others | Fctl.CLEAR
            state.void = self._features.clear_flag
        self._unlock()
        return Returned(Written(errno.ENODEV if cc else 0))

    # -- channel programs -------------------------------------------------------------

    def _is_queued(self) -> bool:
        """Whether there is status that the emulator has not read."""
        return self.state.work or self.state.events > 0

    def _is_busy(self) -> bool:
        return bool(self.state.kept) or self._is_queued()

    def _walk(self, program: int) -> None:
        """Note that the sender walks a program's list from now on; 0 has none."""
        if program:
            self.state.walked = (*self.state.walked, (self._thread, program))

    def _walked(self) -> None:
        """Note that the sender walks no list any more."""
        mine = self._thread
        self.state.walked = tuple(one for one in self.state.walked if one[0] != mine)

    def _mark_free(self, program: int) -> int:
        """Mark the program as not initialised, and begin to walk its list.

        Return which one that is: the one there is, 0 if none is initialised. Where
        programs are counted it is the one that was asked for.
        """
        if not self._features.counted:
            program, self.state.cp, self.state.started = self.state.cp, 0, 0
        self._walk(program)
        return program

    def _free(self, program: int, whose: str) -> None:
        """Free what the sender walks, and unpin its pages; `whose` doing it is."""
        self._walked()
        if program:
            self._free_here(program, whose)

    def _free_here(self, program: int, whose: str) -> None:
        """Free a program's memory in one go, and unpin its pages."""
        state = self.state
        if state.cp == program:
            state.cp = 0
        if program not in state.live:
            self._wrong("I7", f"{whose} frees a program that is free")
            return
        if state.owned == program:
            self._wrong(
                "I1", f"{whose} frees the START's program while the channel owns it"
            )
        if any(other == program for _, other in state.walked):
            self._wrong("I7", f"{whose} frees a program whose list another walks")
        state.live = tuple(one for one in state.live if one != program)
        state.pinned = tuple(one for one in state.pinned if one != program)
        state.detached = tuple(one for one in state.detached if one != program)

    def _set_state(self, fsm: Fsm, whose: str) -> None:
        """Set the FSM state; one that says there is no device is not to be left so."""
        if self.state.fsm in ("NOT_OPER", "STANDBY"):
            self._wrong("I10", f"{whose} overwrites {self.state.fsm} by {fsm}")
        self.state.fsm = fsm


def _walker(path: str) -> str:
    return "the worker" if path == "work-queue" else "another thread"
