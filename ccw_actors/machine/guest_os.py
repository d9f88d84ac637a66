"""The beginnings of an operating system: finds a guest's devices, and does I/O.

| condition code | START and MODIFY SUBCHANNEL |
|---|---|
| 0 | continue |
| 1 | status is pending: drop it with TEST SUBCHANNEL, and issue the instruction again |
| 2 | busy: issue the instruction again after the next interruption |
| 3 | the device is gone: `ProgramError` |

A start has ended with primary and secondary status. Status of no start, and of other
devices, is dropped. After a unit check without concurrent sense, sense is read.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors import Cpu
from ccw_actors.channel import (
    Actl,
    Command,
    Cstat,
    Dstat,
    Irb,
    Orb,
    Pmcw,
    Scsw,
    Stctl,
    SubchannelId,
    bus_id,
)
from ccw_actors.channel.ccw import SENSE_LENGTH
from ccw_actors.channel.fields import bit_names
from ccw_actors.errors import ProgramError
from ccw_actors.machine._channel_program import (
    BUFFER,
    BUFFER_END,
    PROGRAM,
    Step,
    Take,
    assemble,
)

__all__ = [
    "ATTEMPTS",
    "ISC",
    "PATIENCE",
    "Ending",
    "GuestDevice",
    "find_devices",
    "need_storage",
]

ISC: Final = 3
ATTEMPTS: Final = 5
PATIENCE: Final = 30.0  # seconds, the time that Linux gives a disk

_SUBCHANNELS: Final = 0x1_0000
_SENSE_NAMES: Final = {
    0x8000: "command-reject",
    0x4000: "intervention-required",
    0x2000: "bus-out-check",
    0x1000: "equipment-check",
    0x0800: "data-check",
    0x0400: "overrun",
    0x0100: "incomplete-domain",
    0x0080: "permanent-error",
    0x0040: "invalid-track-format",
    0x0020: "end-of-cylinder",
    0x0010: "message",
    0x0008: "no-record-found",
    0x0004: "file-protected",
    0x0002: "write-inhibited",
    0x0001: "imprecise-ending",
}


class Ending(Struct, frozen=True):
    """How a channel program ended.

    `data` are those that the last command took from the device. `sense` is empty
    without a unit check.
    """

    dstat: int
    cstat: int
    data: bytes = b""
    sense: bytes = b""

    @property
    def normal(self) -> bool:
        """Whether it ended with channel end and device end, and nothing else."""
        return self.dstat == Dstat.CHANNEL_AND_DEVICE_END and not self.cstat

    @property
    def end_of_file(self) -> bool:
        """Whether the record that was read has no data: unit exception."""
        return (
            self.dstat == Dstat.CHANNEL_AND_DEVICE_END | Dstat.UNIT_EXCEPTION
            and not self.cstat
        )

    @property
    def no_record_found(self) -> bool:
        """Whether the track lacks the record (sense byte 1, bit 4)."""
        return len(self.sense) > 1 and bool(self.sense[1] & 0x08)

    def __str__(self) -> str:
        parts = ["device status " + bit_names(Dstat.NAMES, self.dstat)]
        if self.cstat:
            parts.append("subchannel status " + bit_names(Cstat.NAMES, self.cstat))
        if self.sense:
            names = bit_names(_SENSE_NAMES, int.from_bytes(self.sense[:2]))
            parts.append(f"sense {names} ({self.sense.hex()})")
        return ", ".join(parts)


class GuestDevice:
    """A device behind an enabled subchannel; runs one channel program at a time."""

    def __init__(self, cpu: Cpu, subchannel: int, number: int) -> None:
        self._cpu = cpu
        self._subchannel = subchannel
        self.number = number

    def __str__(self) -> str:
        return bus_id(self.number)

    async def enable(self, pmcw: Pmcw) -> None:
        """Enable the subchannel, with interruptions of subclass `ISC`."""
        wanted = pmcw.with_isc(ISC).with_flag(Pmcw.enabled, on=True)
        cpu, subchannel = self._cpu, self._subchannel
        await self._accept("MSCH", lambda: cpu.modify(subchannel, wanted))

    async def run(self, *steps: Step) -> Ending:
        """Run a channel program to its end, and read the sense data of a unit check."""
        ending = await self._run(steps)
        if ending.dstat & Dstat.UNIT_CHECK and not ending.sense:
            sensed = await self._run((Take(Command.BASIC_SENSE, SENSE_LENGTH),))
            if not sensed.normal:
                raise ProgramError(f"{self}: sense: {sensed}")
            ending = replace(ending, sense=sensed.data)
        return ending

    async def read(self, what: str, *steps: Step) -> bytes:
        """Run a channel program that has to end normally; return the data taken.

        Raises:
            ProgramError: It ended otherwise; the text has `what` it was for.
        """
        ending = await self.run(*steps)
        if not ending.normal:
            raise ProgramError(f"{self}: {what}: {ending}")
        return ending.data

    async def _run(self, steps: tuple[Step, ...]) -> Ending:
        cpu, subchannel = self._cpu, self._subchannel
        orb = Orb.command(PROGRAM, intparm=subchannel)
        await cpu.storage.write(PROGRAM, assemble(steps))
        for _ in range(ATTEMPTS):
            await self._accept("SSCH", lambda: cpu.start(subchannel, orb))
            irb = await self._ended()
            if irb is not None:
                return await self._ending(steps[-1], irb)
        raise ProgramError(f"{self}: no start gets past unsolicited status")

    async def _accept(
        self, name: str, instruction: Callable[[], Awaitable[int]]
    ) -> None:
        """Issue an instruction until it has condition code 0; see the table above."""
        for _ in range(ATTEMPTS):
            match await instruction():
                case 0:
                    return
                case 1:
                    await self._cpu.test(self._subchannel)
                case 2:
                    await self._interrupted()
                case _:
                    raise self._gone(name)
        raise ProgramError(f"{self}: {name}: still busy after {ATTEMPTS} attempts")

    async def _ended(self) -> Irb | None:
        """Wait for primary and secondary status; None if the start has to be repeated.

        The IRB is that of the primary status, with the device status of both.
        """
        primary: Irb | None = None
        while True:
            irb = await self._status()
            if irb.scsw.deferred_cc:
                return None
            if primary is not None:
                return _with_device_status(primary, irb.scsw)
            if irb.scsw.stctl & Stctl.PRIMARY:
                if _is_last(irb.scsw):
                    return irb
                primary = irb

    async def _status(self) -> Irb:
        """Wait for primary or secondary status."""
        while True:
            await self._interrupted()
            tested = await self._cpu.test(self._subchannel)
            if tested.cc == 3:
                raise self._gone("TSCH")
            scsw = tested.irb.scsw
            if tested.cc or not scsw.stctl & (Stctl.PRIMARY | Stctl.SECONDARY):
                continue
            if scsw.deferred_cc == 3:
                raise self._gone("SSCH, deferred")
            return tested.irb

    async def _interrupted(self) -> None:
        """Wait for an interruption of this device; drop the status of others."""
        while True:
            code = await self._cpu.wait(PATIENCE)
            if code is None:
                raise ProgramError(f"{self}: no interruption within {PATIENCE:.0f} s")
            schid = SubchannelId.from_word(code.schid)
            assert schid is not None, "an interruption code names a subchannel"
            if schid.number == self._subchannel:
                return
            await self._cpu.test(schid.number)

    async def _ending(self, last: Step, irb: Irb) -> Ending:
        scsw = irb.scsw
        data = b""
        if isinstance(last, Take) and not scsw.dstat & Dstat.UNIT_CHECK:
            taken = max(0, last.count - scsw.count)
            data = await self._cpu.storage[BUFFER : BUFFER + taken]
        return Ending(scsw.dstat, scsw.cstat, data, irb.sense)

    def _gone(self, name: str) -> ProgramError:
        return ProgramError(f"{self}: {name}: condition code 3, the device is gone")


async def find_devices(cpu: Cpu) -> list[GuestDevice]:
    """Store every subchannel from 0 up to the first that does not exist; enable them.

    Subchannels without a device are skipped.
    """
    devices: list[GuestDevice] = []
    for subchannel in range(_SUBCHANNELS):
        stored = await cpu.store(subchannel)
        if stored.cc:
            break
        pmcw = stored.schib.pmcw
        if pmcw.valid:
            device = GuestDevice(cpu, subchannel, pmcw.devno)
            await device.enable(pmcw)
            devices.append(device)
    return devices


async def need_storage(cpu: Cpu) -> None:
    """Read all storage up to the end of the area that channel programs here use.

    Raises:
        ProgramError: The guest has less storage.
    """
    await cpu.storage[:BUFFER_END]


def _is_last(scsw: Scsw) -> bool:
    """Whether no secondary status follows a primary one."""
    return bool(scsw.stctl & Stctl.SECONDARY) or not scsw.actl & Actl.DEVICE_ACTIVE


def _with_device_status(primary: Irb, secondary: Scsw) -> Irb:
    scsw = replace(primary.scsw, dstat=primary.scsw.dstat | secondary.dstat)
    return replace(primary, scsw=scsw)
