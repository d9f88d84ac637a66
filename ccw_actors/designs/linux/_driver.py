"""What a section works with: the driver's state, its version's choices, and effects.

A section is a function of `Driver` and `Section` that returns what is next. It changes
the state in place, and lists each `Effect` on other actors; its actor carries them out
in that order after the section.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from ccw_actors.actors.protocol import RegionsToClient
from ccw_actors.channel import Scsw
from ccw_actors.designs.linux._messages import (
    Flush,
    Queued,
    Returned,
    Section,
    Timer,
    WorkDone,
)
from ccw_actors.designs.linux._state import Fsm, HostState, Waiter, note

__all__ = [
    "ENDS",
    "Behaviour",
    "Case",
    "Choices",
    "Driver",
    "Effect",
    "Happens",
    "Later",
    "Locked",
    "Next",
    "Programs",
    "Reset",
    "SectionFunction",
    "ToEmulator",
    "ToWorker",
]

Happens: TypeAlias = Literal[
    "begin", "end", "pci", "suspend", "channel end", "device end"
]
Behaviour: TypeAlias = tuple[Happens, ...]
"""The steps of the device in each channel program: in this order, at any time."""
ENDS: Final[Behaviour] = ("begin", "end")
"""The device takes the first command, and ends the program."""

Case: TypeAlias = Literal["", "hangs", "long", "faulty", "changes", "halves"]
"""A special case: "hangs" for pages that never arrive, "long" for 17 chains, "faulty"
for a second chain that is missing, "changes" for an IDAW that a CPU changes; with
"halves" an IRB is copied in two sections."""

Locked: TypeAlias = Literal["worker", "close", "unmap", "reports"]
"""A thread that may hold a lock throughout: io_mutex, for reports crw_lock."""

Next: TypeAlias = Section | Returned | WorkDone | None
"""What the thread does next; None if it has to wait."""


class ToWorker(NamedTuple):
    """Send a message to the work queue."""

    message: Queued | Flush


class ToEmulator(NamedTuple):
    """Signal an eventfd of the emulator."""

    message: RegionsToClient


class Later(NamedTuple):
    """Set a timer of the driver's actor; it is due at once."""

    message: Timer


Effect: TypeAlias = ToWorker | ToEmulator | Later | Waiter
"""An effect of a section; a `Waiter` sends its section to its thread."""


@dataclass(frozen=True)
class Driver:
    """The driver as a section finds it, executed by a `thread`: the path of its actor.

    Hardware and timers have no thread: "".
    """

    state: HostState
    choices: "Choices"
    behaviour: Behaviour = ENDS
    case: Case = ""
    thread: str = ""
    effects: list[Effect] = field(default_factory=list[Effect])

    def locks(self, what: Locked) -> bool:
        """Whether that thread holds its lock over all its sections."""
        return what in self.choices.locked

    def lock(self, section: Section) -> bool:
        """Take io_mutex; if another thread has it, let this one wait for it.

        False means: return None now, the section is done when the thread gets the lock.
        """
        state = self.state
        if state.mutex in ("", self.thread):
            state.mutex = self.thread
            return True
        state.waiting = (*state.waiting, Waiter(self.thread, section))
        return False

    def unlock(self) -> None:
        """Release io_mutex to the thread that has waited longest."""
        state = self.state
        state.mutex = ""
        if state.waiting:
            first, *others = state.waiting
            state.waiting = tuple(others)
            # Handed over, not dropped: in the model no thread overtakes one that waits.
            state.mutex = first.thread
            self.effects.append(first)

    def set_fsm(self, fsm: Fsm, whose: str) -> None:
        """Set the FSM state; it is wrong to leave NOT_OPER or STANDBY this way."""
        if self.state.fsm in ("NOT_OPER", "STANDBY"):
            self.wrong("I10", f"{whose} overwrites {self.state.fsm} by {fsm}")
        self.state.fsm = fsm

    def wrong(self, invariant: str, what: str) -> None:
        """Note that an invariant of `WRONG` is broken, and how."""
        note(self.state, invariant, what)

    def queue(self, step: str) -> None:
        """Queue a work item that begins with that section."""
        self.effects.append(ToWorker(Queued(step)))

    def flush(self, then: Section) -> None:
        """Let this thread go on with `then` after all work queued now."""
        self.effects.append(ToWorker(Flush(self.thread, then)))

    def signal(self, message: RegionsToClient) -> None:
        """Signal an eventfd."""
        self.effects.append(ToEmulator(message))

    def later(self, message: Timer) -> None:
        """Let this happen at any time from now on."""
        self.effects.append(Later(message))


SectionFunction: TypeAlias = Callable[[Driver, Section], Next]
"""The function that does a section."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """How a driver keeps its channel programs.

    | function | in the section |
    |---|---|
    | renew(driver) | cp_init, before it makes another program |
    | mark_free(state, program) | cp_free and others: returns the program to free |
    | detach(state, scsw) | the interruption, before its IRB goes into the slot |
    """

    renew: Callable[[Driver], None]
    mark_free: Callable[[HostState, int], int]
    detach: Callable[[HostState, Scsw], None]


@dataclass(frozen=True, kw_only=True)
class Reset:
    """How a driver takes its device down, and up again.

    | field | what it is |
    |---|---|
    | deaf | states in which an interruption only disables the subchannel |
    | enter(driver) | the ioctl is entered |
    | down(driver, section) | the subchannel has just been disabled |
    | not_enabled(driver, section) | the subchannel was not enabled |
    | freed(section) | what follows after the program has been freed |
    | enable(driver, section) | the subchannel is to be enabled |
    | opened(section) | what follows after that if DMA_UNMAP needed the RESET |
    | close() | a lost device is closed |
    """

    deaf: frozenset[Fsm]
    enter: Callable[[Driver], Next]
    down: Callable[[Driver, Section], Next]
    not_enabled: Callable[[Driver, Section], Next]
    freed: Callable[[Section], Next]
    enable: SectionFunction
    opened: Callable[[Section], Next]
    close: Callable[[], Next]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a design does where designs differ; `_versions` has the existing ones.

    Of a START:

    | field | what it says |
    |---|---|
    | admit(state) | where the FSM refuses a request at first; None if it does not |
    | may_initialise(driver) | the errno that cp_init refuses a program with, 0 if not |
    | programs | one program, or a list of them |
    | chains_max | how many chains a program may have, 0 for no limit |
    | frees_chains | a failed translation frees the chains that it has built |
    | checks_idaw | the first IDAW must be the same when it is read again |
    | refuses_start(state) | whether the driver returns EBUSY without SSCH |
    | pending_state | there is CP_PENDING; without it the state is IDLE after SSCH |
    | idle_on_error | who sets IDLE when a request has failed: FSM or write handler |
    | start_failed(state) | what the FSM forgets of a request that has failed |

    Of HALT and CLEAR:

    | field | what it says |
    |---|---|
    | refuses_halt(state) | whether the driver returns EBUSY without HSCH |
    | clear_accepted(state) | what is remembered at CSCH with condition code 0 |

    Of an interruption, the worker, and the read of the region:

    | field | what it says |
    |---|---|
    | drops(state, scsw) | whether status is void |
    | unsolicited_is_final | unsolicited status may set IDLE |
    | to_free(state, section) | which program the status frees, None if none |
    | freed(driver, section) | what follows after a program has been freed |
    | sets_idle(section) | whether the worker sets IDLE when it has copied the IRB |
    | handled(state, section) | what is forgotten when it has |
    | read(state) | what is forgotten when the emulator has read the region |

    Of RESET, CLOSE and the loss of a device:

    | field | what it says |
    |---|---|
    | reset | how a device is taken down and up again |
    | lost(driver) | what happens to the program when the driver notices the loss |
    | locked | the threads that hold a lock over all their sections |
    """

    admit: Callable[[HostState], Section | None]
    may_initialise: Callable[[Driver], int]
    programs: Programs
    chains_max: int
    frees_chains: bool
    checks_idaw: bool
    refuses_start: Callable[[HostState], bool]
    pending_state: bool
    idle_on_error: Literal["FSM", "write handler"]
    start_failed: Callable[[HostState], None]
    refuses_halt: Callable[[HostState], bool]
    clear_accepted: Callable[[HostState], None]
    drops: Callable[[HostState, Scsw], bool]
    unsolicited_is_final: bool
    to_free: Callable[[HostState, Section], int | None]
    freed: Callable[[Driver, Section], Section]
    sets_idle: Callable[[Section], bool]
    handled: Callable[[HostState, Section], None]
    read: Callable[[HostState], None]
    reset: Reset
    lost: Callable[[Driver], None]
    locked: frozenset[Locked]
