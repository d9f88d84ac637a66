"""QemuTarget: a guest of a real QEMU, with a disk passed through to it with gates."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final, Self

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    Instruction,
    InstructionAnswer,
    ModifySubchannel,
    ResumeSubchannel,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import SCHIB_LENGTH, Irb, Schib
from ccw_actors.errors import ActorStoppedError, NoAnswerError
from ccw_actors.kernel.emulators._boxes import Answer, Boxes, Request
from ccw_actors.kernel.emulators._errors import EmulatorTestError
from ccw_actors.kernel.emulators._gated_host import GatedHost
from ccw_actors.kernel.emulators._own_layers import DEVICE, STORAGE
from ccw_actors.kernel.emulators._target import PATIENCE
from ccw_actors.kernel.gates import Gates
from ccw_actors.machine import (
    Binary,
    HostDevice,
    Machine,
    MachineRun,
    PassedThrough,
    QemuGuest,
    StorageSize,
)

__all__ = ["QemuTarget"]

_GUEST: Final = "guest"
_FIRST: Final = 0x00010000
_ORB_AREA: Final = 32
_IRB_AREA: Final = 64
_IPL_AGAIN: Final = 3
_START: Final = 30.0

_CODES: Final[dict[type, Request]] = {
    HaltSubchannel: Request.HALT_SUBCHANNEL,
    ClearSubchannel: Request.CLEAR_SUBCHANNEL,
    CancelSubchannel: Request.CANCEL_SUBCHANNEL,
    ResumeSubchannel: Request.RESUME_SUBCHANNEL,
}
"""Instructions without an operand in storage."""


class QemuTarget:
    """A QEMU that runs the guest's program `kernel`; an async context manager.

    `binary` is that QEMU, None for the one on PATH. `disk` is an image file.

    Entering raises `EmulatorTestError` if the guest does not start.
    """

    def __init__(
        self, binary: str | None, kernel: Path, disk: Path, *, cpus: int = 1
    ) -> None:
        guest = QemuGuest(
            _GUEST,
            StorageSize(STORAGE),
            binary=None if binary is None else Binary.read(binary, Path()),
            cpus=cpus,
            kernel=kernel,
            devices=(PassedThrough(DEVICE, DEVICE),),
        )
        device = HostDevice(DEVICE, "3390", disk, read_only=True)
        self._cpus = cpus
        self._gates = Gates()
        self._run = MachineRun(Machine((device,), (guest,)), layers=self._gates.layers)
        self._task: asyncio.Task[object] | None = None
        self._number = 0
        self._lives = 1
        self._running = {0}
        self._host = GatedHost(self._gates)

    @property
    def guest(self) -> "QemuTarget":
        """The guest is here."""
        return self

    @property
    def host(self) -> GatedHost:
        """The host, with gates."""
        return self._host

    # -- start and end -----------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._run.run())
        try:
            await self._begin()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def _begin(self) -> None:
        begun = asyncio.ensure_future(self._start_guest())
        assert self._task is not None, "it is entered"
        try:
            await asyncio.wait({begun, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()  # if it is done, this does nothing
        try:
            await begun
        except (asyncio.CancelledError, NoAnswerError, ActorStoppedError) as error:
            # With QEMU the guest's storage is gone: its end says more.
            await asyncio.wait({self._task})
            why = self._run.so_far("QEMU has ended").guests[_GUEST].error
            raise EmulatorTestError(f"the guest does not start: {why}") from error

    async def _start_guest(self) -> None:
        try:
            async with asyncio.timeout(_START):
                await self._gates.made.wait()
                self._boxes = Boxes(self._gates.storage)
                await self._boxes.wait_for_life(1)
        except TimeoutError as error:
            raise EmulatorTestError(
                "the guest's program does not start: nothing is in its storage"
            ) from error
        self._number = await self._find_device()
        for cpu in range(1, self._cpus):
            await self._boxes.ask(Request.START_CPU, cpu)
            await self._boxes.wait_for_life(1, cpu)
            self._running.add(cpu)

    async def _find_device(self) -> int:
        for number in range(_FIRST, _FIRST + 16):
            answer = await self._boxes.ask(Request.STORE_SUBCHANNEL, number)
            if answer.cc:
                break
            if Schib.from_bytes(answer.result[:SCHIB_LENGTH]).pmcw.valid:
                return number
        raise EmulatorTestError("the guest finds no subchannel that has a device")

    async def stop(self) -> None:
        """Stop the CPUs, which ends QEMU; if it goes on, kill it."""
        task = self._task
        assert task is not None, "it is entered"
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PATIENCE / 2):
                for cpu in self._running - {0}:
                    await self._boxes.ask(Request.STOP_CPU, cpu)
                await self._boxes.tell(Request.STOP_CPU, 0)
                await asyncio.wait({task})
        if not task.done():
            self._run.stop()
        await asyncio.wait({task})

    # -- the guest's side --------------------------------------------------------------

    async def execute(self, instruction: Instruction, cpu: int) -> InstructionAnswer:
        """Have a CPU of the guest execute an instruction."""
        match instruction:
            case StartSubchannel(orb=orb):
                operand = orb.to_bytes().ljust(_ORB_AREA, b"\0")
                answer = await self._ask(Request.START_SUBCHANNEL, cpu, operand)
            case ModifySubchannel(pmcw=pmcw, mba=mba):
                operand = Schib(pmcw, mba=mba).to_bytes()
                answer = await self._ask(Request.MODIFY_SUBCHANNEL, cpu, operand)
            case TestSubchannel():
                answer = await self._ask(Request.TEST_SUBCHANNEL, cpu)
                return Tested(answer.cc, Irb.from_bytes(answer.result[:_IRB_AREA]))
            case StoreSubchannel():
                answer = await self._ask(Request.STORE_SUBCHANNEL, cpu)
                raw = bytes(SCHIB_LENGTH) if answer.cc else answer.result
                return Stored(answer.cc, Schib.from_bytes(raw[:SCHIB_LENGTH]))
            case _:
                answer = await self._ask(_CODES[type(instruction)], cpu)
        return ConditionCode(answer.cc)

    async def _ask(self, request: Request, cpu: int, operand: bytes = b"") -> Answer:
        return await self._boxes.ask(request, self._number, operand, cpu)

    async def take_interruption(self) -> bool:
        """TEST PENDING INTERRUPTION."""
        answer = await self._boxes.ask(Request.TEST_PENDING_INTERRUPTION)
        return bool(answer.cc)

    async def write(self, address: int, data: bytes) -> None:
        """Write to the guest's storage."""
        await self._boxes.write(address, data)

    async def read(self, address: int, length: int) -> bytes:
        """Read the guest's storage."""
        return await self._boxes.read(address, length)

    async def reset(self) -> None:
        """Have the guest IPL again, by DIAGNOSE 308; CPU 0 alone runs then."""
        await self._boxes.tell(Request.LOAD_AGAIN, _IPL_AGAIN)
        self._lives += 1
        self._running = {0}
        await self._boxes.wait_for_life(self._lives)
