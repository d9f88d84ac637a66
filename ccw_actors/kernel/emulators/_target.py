"""Target: a subchannel that a guest's instructions reach, and what happens behind it.

| target | what it is |
|---|---|
| QemuTarget | a guest of a real QEMU |
| ModelTarget | the verdict table's model of QEMU's emulator |
| BareTarget | a bare subchannel of this package: what the architecture asks for |
"""

from typing import Final, Protocol

from ccw_actors.actors.protocol import Instruction, InstructionAnswer

__all__ = ["PATIENCE", "GuestSide", "HostSide", "Target"]

PATIENCE: Final = 10.0
"""Seconds that any one event may take; then the order has not run to its end."""


class GuestSide(Protocol):
    """What a scenario does to a subchannel from above.

    A method that waits raises `TimeoutError` after `PATIENCE` seconds.
    """

    async def execute(self, instruction: Instruction, cpu: int) -> InstructionAnswer:
        """Have one of the guest's CPUs execute an instruction."""
        ...

    async def take_interruption(self) -> bool:
        """TEST PENDING INTERRUPTION: whether there was one, which is taken then."""
        ...

    async def write(self, address: int, data: bytes) -> None:
        """Write to the guest's storage."""
        ...

    async def read(self, address: int, length: int) -> bytes:
        """Read the guest's storage."""
        ...

    async def reset(self) -> None:
        """Reset the guest, which IPLs again."""
        ...


class HostSide(Protocol):
    """What a scenario does to a subchannel from below.

    A method that waits raises `TimeoutError` after `PATIENCE` seconds.
    """

    async def hold_reads(self) -> None:
        """Keep the device waiting for its data from now on."""
        ...

    async def read_begins(self) -> None:
        """Wait until the device waits for its data."""
        ...

    async def release_reads(self) -> None:
        """Give the device its data."""
        ...

    async def hold_status(self, *, keeps: bool = False) -> None:
        """Keep status of the host from the emulator; CLEAR leaves it if it `keeps`."""
        ...

    async def status_waits(self) -> None:
        """Wait until the host has the next status for the emulator."""
        ...

    async def release_status(self, *, holds_on: bool = False) -> None:
        """Let the emulator take the status that was held."""
        ...

    async def status_shown(self) -> None:
        """Wait until the subchannel has taken the next status."""
        ...

    async def refuse_starts(self, errno: int) -> None:
        """Refuse each START of the emulator with an errno."""
        ...

    async def attend(self) -> None:
        """Have the device present attention."""
        ...

    async def settle(self) -> None:
        """Wait until the host has nothing to do, and the emulator knows all of it."""
        ...


class Target(Protocol):
    """Both sides of a subchannel."""

    @property
    def guest(self) -> GuestSide:
        """What is above it."""
        ...

    @property
    def host(self) -> HostSide:
        """What is below it."""
        ...
