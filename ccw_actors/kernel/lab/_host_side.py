"""What an order has the host's side do: gates, events at a device, and looks at it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import Schib
from ccw_actors.kernel.boot import KernelMachine
from ccw_actors.kernel.lab._harm import scsw_text
from ccw_actors.kernel.lab._order import (
    Attention,
    Begun,
    Hold,
    HostStep,
    Injected,
    LookAtHost,
    Lose,
    Open,
    PathReport,
    Pause,
    Signals,
    TellHost,
)

__all__ = ["BOOT", "HostSide"]

_INJECTED: Final = 0.05
"""Seconds that QEMU has to make an interruption pending, once it has read an IRB."""
_PATIENCE: Final = 5.0
BOOT: Final = 90.0
"""Seconds that a kernel has to boot."""
_LOOKS: Final = 0.005
"""Seconds between two looks at what has happened."""


class HostSide:
    """Carries out steps of an order that are about the host's side of a machine.

    `steps` has what was done, in words, and `schibs` what was looked at.
    """

    def __init__(self, machine: KernelMachine) -> None:
        self._machine = machine
        self._reads = 0
        self._signals = 0
        self.steps: list[str] = []
        self.schibs: list[Schib] = []

    async def do(self, step: HostStep) -> str:
        """Carry out a step; return what went wrong, "" if nothing."""
        match step:
            case Begun():
                return await self._begun()
            case Pause(seconds):
                await asyncio.sleep(seconds)
                self.steps.append(f"{seconds * 1000:.0f} ms pass")
            case Signals(device):
                return await self._signalled(device)
            case Injected(device):
                return await self._injected(device)
            case LookAtHost(device):
                schib = await self._machine.schib(device)
                self.schibs.append(schib)
                words = f"SCSW of the host's subchannel: {scsw_text(schib.scsw)}"
                self._note(device, words)
            case PathReport(comes, device):
                await self._machine.report_path(comes=comes, device=device)
                words = "the channel path {} (a report)"
                self._note(device, words.format("comes" if comes else "goes"))
            case _:
                # What comes next is counted from here.
                counted = await self._machine.count(step.device)
                self._reads, self._signals = counted.reads, counted.signals
                self._note(step.device, self._tell(step))
        return ""

    def _tell(self, step: TellHost) -> str:
        """Tell a device or a gate what to do; return it in words."""
        machine = self._machine
        action, words = {
            Hold("interrupt"): (machine.hold_interrupt, "interruptions are held"),
            Open("interrupt"): (
                machine.open_interrupt,
                "the interruption goes to the kernel",
            ),
            Hold("data"): (machine.hold_data, "data are held"),
            Open("data"): (machine.open_data, "the channel gets its data"),
            Attention(): (machine.show_attention, "the device shows attention"),
            Lose(): (machine.lose_device, "the device is unplugged"),
        }[replace(step, device=0)]
        action(step.device)
        return words

    def _note(self, device: int, words: str) -> None:
        """Note something about a device, which has a number if there are several."""
        several = self._machine.devices > 1
        self.steps.append(f"device {device}: {words}" if several else words)

    async def _begun(self) -> str:
        """Wait until the client's threads have begun."""

        async def begun() -> bool:
            return self._machine.has_begun

        return "" if await _is_seen(begun, BOOT) else "the client does not begin"

    async def _signalled(self, device: int) -> str:
        """Wait until the host's side has signalled one more interruption."""

        async def signalled() -> bool:
            return (await self._machine.count(device)).signals > self._signals

        if not await _is_seen(signalled, _PATIENCE):
            return "no interruption comes"
        self._note(device, "the interruption has come")
        return ""

    async def _injected(self, device: int) -> str:
        """Wait until QEMU has read one more IRB."""

        async def read() -> bool:
            return (await self._machine.count(device)).reads > self._reads

        if not await _is_seen(read, _PATIENCE):
            return "QEMU does not read the IRB"
        await asyncio.sleep(_INJECTED)
        return ""


async def _is_seen(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Look again and again for so many seconds; return whether it was true."""
    for _ in range(int(seconds / _LOOKS)):
        if await condition():
            return True
        await asyncio.sleep(_LOOKS)
    return False
