"""What a kernel's code says of a scenario."""

from typing import Any

import pytest

from ccw_actors.kernel.debugger._instructions import Move
from ccw_actors.kernel.lab._kernel_code import KernelCode


class FakeSymbols:
    """A program whose function has these MVCs, and whose structures have 64 bytes."""

    def __init__(self, *moves: Move) -> None:
        self._moves = moves

    def size(self, _structure: str) -> int:
        """Return the size of each structure."""
        return 64

    def moves(self, _function: str) -> list[Move]:
        """Return the MVCs."""
        return [*self._moves]


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ((Move(0x100, 64), Move(0x180, 64)), "by one: MVC of 64 bytes, at 0x100 and"),
        ((Move(0x100, 32), Move(0x106, 32)), "no MVC of the 64 bytes"),
        ((), "no MVC of the 64 bytes"),
    ],
)
def test_how_a_structure_is_copied(moves: tuple[Move, ...], words: str) -> None:
    """One instruction copies it only if that has its size."""
    symbols: Any = FakeSymbols(*moves)
    assert words in KernelCode(symbols).copying("worker", "irb")
