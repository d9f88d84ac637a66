"""Addresses of an order's places in a kernel's code, and offsets in its data."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.designs import DESIGNS
from ccw_actors.errors import SymbolsError
from ccw_actors.kernel.debugger import Member, Symbols
from ccw_actors.kernel.lab._order import Place
from ccw_actors.kernel.records import Target

__all__ = ["KernelCode", "TaskOffsets"]

_STATES: Final = ("NOT_OPER", "STANDBY", "IDLE", "CP_PROCESSING", "CP_PENDING")
"""The states of vfio_ccw's FSM, without their prefix in vfio_ccw_private.h."""


class TaskOffsets(Struct, frozen=True):
    """Where a kernel keeps its tasks, in bytes.

    `current` is where a CPU's low storage has its task. Of a task, `stack_pointer` is
    that of one that does not execute, and `is_executing` is not 0 for one that does.
    """

    current: int
    stack_pointer: int
    is_executing: Member


class KernelCode:
    """A kernel's code and data, by the symbols of its vmlinux."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def find(self, place: Place) -> Sequence[int]:
        """Return the addresses of a place.

        Raises:
            SymbolsError: The kernel has no such place.
        """
        if place.otherwise is not None:
            with suppress(SymbolsError):
                return self.find(replace(place, otherwise=None))
            return self.find(place.otherwise)
        if place.inlines:
            return self._symbols.inlined_in(place.function, place.inlines)
        if not place.calls:
            return self._symbols.entries(place.function)
        if place.after:
            return self._symbols.after_calls(place.function, place.calls)
        return self._symbols.calls(place.function, place.calls)

    def function(self, address: int) -> str:
        """Return the function whose code an address is within, "" if none."""
        name, within, _ = self._symbols.where(address).partition("+")
        return name if within else ""

    def copying(self, function: str, structure: str) -> str:
        """Say by which instructions a function copies a structure.

        The copy is one instruction if the function has an MVC of the structure's size.
        """
        size = self._symbols.size(structure)
        moves = self._symbols.moves(function)
        whole = [hex(one.address) for one in moves if one.length == size]
        if whole:
            where = " and ".join(whole)
            return (
                f"a debugger stops between instructions, and {function}() copies the"
                f" {structure} by one: MVC of {size} bytes, at {where}"
            )
        return (
            f"{function}() has no MVC of the {size} bytes of {structure}, and the lab"
            " has no order for a copy by several instructions or by a function"
        )

    def described(self, target: Target) -> Target:
        """Return the target with its row of the verdict table.

        It is that of the change, if that is a design of the table, else by its code. A
        kernel with another change has none.
        """
        if target.change:
            design = target.change if target.change in DESIGNS else ""
        else:
            design = self._design
        return replace(target, design=design)

    @property
    def _design(self) -> str:
        """The model of the version whose code this is.

        With the fixes of 2026 the worker takes io_mutex; since 6.0 the FSM closes.
        """
        try:
            self._symbols.calls("vfio_ccw_sch_io_todo", "mutex_lock")
        except SymbolsError:
            pass
        else:
            return "2026"
        try:
            self._symbols.entries("fsm_close")
        except SymbolsError:
            return "v5.13"
        return "v6.0"

    @cached_property
    def state_offset(self) -> int:
        """The offset of the FSM's state in the driver's private structure, in bytes."""
        return self._symbols.offset("vfio_ccw_private", "state")

    @cached_property
    def task_offsets(self) -> TaskOffsets:
        """Where tasks are, and what they are doing."""
        offset = self._symbols.offset
        return TaskOffsets(
            offset("lowcore", "current_task"),
            offset("task_struct", "thread.ksp"),
            self._symbols.member("task_struct", "on_cpu"),
        )

    def state_name(self, value: int) -> str:
        """Return the name of a state of the FSM."""
        for name in _STATES:
            if self._symbols.constant(f"VFIO_CCW_STATE_{name}") == value:
                return name
        return str(value)
