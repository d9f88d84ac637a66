"""Where things are in a kernel's code and data: the addresses of an order's places."""

from collections.abc import Sequence
from typing import Protocol

from ccw_actors.kernel.lab._order import Place

__all__ = ["KernelCode"]


class KernelCode(Protocol):
    state_offset: int

    def find(self, place: Place) -> Sequence[int]: ...
    def name(self, address: int) -> str: ...
    def function(self, address: int) -> str: ...
    def state_name(self, value: int) -> str: ...
