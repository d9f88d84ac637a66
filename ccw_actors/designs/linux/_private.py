"""VfioCcwPrivate: the whole of the driver's memory, and its sections by name."""

from collections.abc import Callable
from typing import Any

from ccw_actors.designs.linux._features import Features
from ccw_actors.designs.linux._hardware import ENDS, Behaviour
from ccw_actors.designs.linux._memory import Done, Returned, Section
from ccw_actors.designs.linux._requests import Program
from ccw_actors.designs.linux._teardown import Teardown
from ccw_actors.runtime import ActorRef, receive

__all__ = ["VfioCcwPrivate"]


class VfioCcwPrivate(Teardown):
    """A host's subchannel, and `struct vfio_ccw_private` of a version."""

    def __init__(
        self,
        features: Features,
        worker: ActorRef[Any],
        emulator: ActorRef[Any],
        behaviour: Behaviour = ENDS,
        program: Program = "",
    ) -> None:
        super().__init__(features, worker, emulator, behaviour, program)
        self._sections: dict[str, Callable[[Section], Section | Returned | Done | None]]
        self._sections = {
            "io_request": self._io_request,
            "cp_init": self._cp_init,
            "cp_prefetch": self._cp_prefetch,
            "copy_idal": self._copy_idal,
            "io_helper": self._io_helper,
            "idle_again": self._idle_again,
            "free_request": self._free_request,
            "free_failed": self._free_failed,
            "fail_io": self._fail_io,
            "leave_io": self._leave_io,
            "halt": self._halt,
            "clear": self._clear,
            "io_todo": self._io_todo,
            "read_final": self._read_final,
            "read_irb": self._read_irb,
            "test_free": self._test_free,
            "cp_free": self._cp_free,
            "free_chains": self._free_chains,
            "copy_irb": self._copy_irb,
            "copy_rest": self._copy_rest,
            "set_idle": self._set_idle,
            "signal": self._signal,
            "read_region": self._read_region,
            "disable": self._disable,
            "flush": self._flush,
            "close_free": self._close_free,
            "close_chains": self._close_chains,
            "open": self._open,
            "open_idle": self._open_idle,
            "notoper_todo": self._notoper_todo,
            "unmap": self._unmap,
            "check_pinned": self._check_pinned,
            "checked": self._checked,
            "crw_todo": self._crw_todo,
            "report_taken": self._taken_off,
        }

    @receive
    def section(self, message: Section) -> Section | Returned | Done | None:
        """Do one section of a thread."""
        answer = self._sections[message.step](message)
        state = self.state
        if state.fsm == "IDLE" and state.owned and not self._features.no_pending_state:
            self._wrong("I2", "the state is IDLE while the channel owns a program")
        return answer
