"""Boxes: asks the CPUs of the guest, guest.c, for instructions, by its storage."""

import asyncio
from enum import IntEnum
from typing import Final

from msgspec import Struct

from ccw_actors.actors.protocol import Area, Piece, ReadStorage, WriteStorage
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.runtime import ActorRef

__all__ = ["Answer", "Boxes", "Request"]

_BOXES: Final = 0x00100000
_LENGTH: Final = 256
_READY: Final = b"ccw1"
_LIVES: Final = 4
_REQUEST: Final = 8
_REPLY: Final = 12
_INSTRUCTION: Final = 16
_CC: Final = 24
_OPERAND: Final = 32
_RESULT: Final = 128
_PAUSE: Final = 0.0005


class Request(IntEnum):
    """What a CPU of the guest executes; guest.c has the same numbers."""

    START_SUBCHANNEL = 1
    TEST_SUBCHANNEL = 2
    STORE_SUBCHANNEL = 3
    MODIFY_SUBCHANNEL = 4
    HALT_SUBCHANNEL = 5
    CLEAR_SUBCHANNEL = 6
    CANCEL_SUBCHANNEL = 7
    RESUME_SUBCHANNEL = 8
    TEST_PENDING_INTERRUPTION = 9
    LOAD_AGAIN = 10
    START_CPU = 11
    STOP_CPU = 12


class Answer(Struct, frozen=True):
    """The condition code of an instruction, and the 128 bytes that it may have stored.

    What it has not stored there is from an earlier one.
    """

    cc: int
    result: bytes


class Boxes:
    """The boxes of the guest's CPUs in its `storage`."""

    def __init__(
        self, storage: ActorRef[ReadStorage | WriteStorage], pause: float = _PAUSE
    ) -> None:
        self._storage = storage
        self._pause = pause
        self._newest: dict[int, int] = {}

    async def ask(
        self, request: Request, register: int = 0, operand: bytes = b"", cpu: int = 0
    ) -> Answer:
        """Have a CPU execute an instruction.

        Raises:
            TimeoutError: It does not end.
        """
        number = await self.tell(request, register, operand, cpu)
        async with asyncio.timeout(PATIENCE):
            # The guest can wake nobody: all it can do is write to its storage.
            while await self._word(cpu, _REPLY) != number:  # noqa: ASYNC110
                await asyncio.sleep(self._pause)
        box = await self.read(_BOXES + cpu * _LENGTH, _LENGTH)
        return Answer(int.from_bytes(box[_CC : _CC + 4]), box[_RESULT:])

    async def tell(
        self, request: Request, register: int = 0, operand: bytes = b"", cpu: int = 0
    ) -> int:
        """Have a CPU begin an instruction that may not end; return its number."""
        number = self._newest.get(cpu, 0) + 1
        self._newest[cpu] = number
        box = _BOXES + cpu * _LENGTH
        words = request.to_bytes(4) + register.to_bytes(4)
        await self.write(box + _OPERAND, operand)
        await self.write(box + _INSTRUCTION, words)
        await self.write(box + _REQUEST, number.to_bytes(4))
        return number

    async def wait_for_life(self, life: int, cpu: int = 0) -> None:
        """Wait until a CPU has started this often.

        Raises:
            TimeoutError: It has not.
        """
        newest = self._newest.get(cpu, 0)
        async with asyncio.timeout(PATIENCE):
            while not await self._lives(life, cpu, newest):  # noqa: ASYNC110 - as above
                await asyncio.sleep(self._pause)

    async def _lives(self, life: int, cpu: int, newest: int) -> bool:
        """Return whether a CPU has started this often, and takes requests."""
        return (
            await self.read(_BOXES + cpu * _LENGTH, 4) == _READY
            and await self._word(cpu, _LIVES) == life
            and await self._word(cpu, _REPLY) == newest
        )

    async def _word(self, cpu: int, offset: int) -> int:
        return int.from_bytes(await self.read(_BOXES + cpu * _LENGTH + offset, 4))

    async def read(self, address: int, length: int) -> bytes:
        """Read the guest's storage; less, or nothing, if there is not so much."""
        answer = await self._storage.ask(
            ReadStorage(0, (Area(address, length),)), timeout=PATIENCE
        )
        return answer.parts[0]

    async def write(self, address: int, data: bytes) -> None:
        """Write to the guest's storage."""
        if data:
            await self._storage.ask(
                WriteStorage(0, (Piece(address, data),)), timeout=PATIENCE
            )
