"""Trial: one run of a scenario on a target, which notes each step and judges it."""

import errno
from typing import Final

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    HaltSubchannel,
    Instruction,
    ModifySubchannel,
    ResumeSubchannel,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import PATH_0, Ccw, Command, Orb, Pmcw, Schib
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.kernel.emulators._monitor import Monitor, described
from ccw_actors.kernel.emulators._target import Target
from ccw_actors.machine import DEFINE_EXTENT, LOCATE_RECORD

__all__ = ["Trial"]

_PROGRAM: Final = 0x00200000
_OPERANDS: Final = 0x00200100
_BUFFER: Final = 0x00201000
_BEYOND: Final = 0x7FFFF000
_LABEL: Final = 80
_INTPARM: Final = 0x11223344
_READ: Final = 0x06
_ISC: Final = 3
_TAKES_MAX: Final = 8


class Trial:
    """One run on `target`; `steps` are what happened, `monitor` judges the guest's."""

    def __init__(self, target: Target, monitor: Monitor | None = None) -> None:
        self.monitor = monitor or Monitor()
        self.steps: list[str] = []
        self._target = target
        self._pmcw = Pmcw()

    def _guest(self, cpu: int, text: str) -> None:
        self.steps.append(f"CPU {cpu}: {text}")

    def _host(self, text: str) -> None:
        self.steps.append(f"host: {text}")

    # -- the guest ---------------------------------------------------------------------

    async def begin(self) -> None:
        """Write the channel program, and enable the subchannel."""
        await self._target.guest.write(_OPERANDS, _operands())
        await self.write_program()
        stored = await self._stored(0)
        self._pmcw = stored.schib.pmcw
        await self.modify(enabled=True)

    def look_at_first(self) -> None:
        """Judge the STSCH that `begin` has executed first."""
        pmcw = self._pmcw
        self.steps.insert(
            0, f"CPU 0: STSCH: cc 0, LPM {pmcw.lpm:02x}, PIM {pmcw.pim:02x}"
        )
        self.monitor.first_stored(pmcw)

    async def write_program(self, *, pci: bool = False, suspends: bool = False) -> None:
        """Write a program that reads the volume label, possibly behind a NO-OPERATION.

        With `suspends` the CCW after that has the suspend flag; with `pci` the PCI flag
        is in the last CCW but one.
        """
        chain = Ccw.chain_command.mask
        ccws = (
            Ccw(Command.NOOP, chain | Ccw.suppress_length.mask, 1, _OPERANDS),
            Ccw(
                DEFINE_EXTENT,
                chain | (Ccw.suspend.mask if suspends else 0),
                16,
                _OPERANDS,
            ),
            Ccw(
                LOCATE_RECORD,
                chain | (Ccw.program_controlled.mask if pci else 0),
                16,
                _OPERANDS + 16,
            ),
            Ccw(_READ, 0, _LABEL, _BUFFER),
        )
        await self._target.guest.write(
            _PROGRAM, b"".join(ccw.to_bytes(1) for ccw in ccws)
        )

    async def go_on(self) -> None:
        """Take the suspend flag off the program."""
        await self.write_program()
        self._guest(0, "takes the suspend flag off the channel program")

    async def label(self) -> str:
        """Return the start of the volume label, as far as it has been read."""
        raw = await self._target.guest.read(_BUFFER, 4)
        return raw.decode("cp037")

    async def start_beyond_storage(self) -> int:
        """SSCH of a channel program that cannot be fetched."""
        self._guest(0, "its channel program is beyond storage")
        return await self.start(program=_BEYOND)

    async def start(
        self, *, suspends: bool = False, program: int = _PROGRAM, cpu: int = 0
    ) -> int:
        """SSCH; return the condition code."""
        orb = Orb.command(program, intparm=_INTPARM, suspend=suspends)
        cc = await self._execute(StartSubchannel(orb), "SSCH", cpu)
        self.monitor.started(cc)
        return cc

    async def halt(self, *, cpu: int = 0) -> int:
        """HSCH; return the condition code."""
        cc = await self._execute(HaltSubchannel(), "HSCH", cpu)
        self.monitor.halted(cc)
        return cc

    async def clear(self, *, cpu: int = 0) -> int:
        """CSCH; return the condition code."""
        cc = await self._execute(ClearSubchannel(), "CSCH", cpu)
        self.monitor.cleared(cc)
        return cc

    async def cancel(self, *, cpu: int = 0) -> int:
        """XSCH; return the condition code."""
        cc = await self._execute(CancelSubchannel(), "XSCH", cpu)
        self.monitor.cancelled(cc)
        return cc

    async def resume(self, *, cpu: int = 0) -> int:
        """RSCH; return the condition code."""
        cc = await self._execute(ResumeSubchannel(), "RSCH", cpu)
        self.monitor.resumed(cc)
        return cc

    async def modify(self, *, enabled: bool, cpu: int = 0) -> int:
        """MSCH; return the condition code."""
        pmcw = Pmcw(
            intparm=_INTPARM, lpm=PATH_0, pom=self._pmcw.pom, devno=self._pmcw.devno
        )
        pmcw = pmcw.with_isc(_ISC).with_flag(Pmcw.enabled, on=enabled)
        name = f"MSCH, E {'on' if enabled else 'off'}"
        cc = await self._execute(ModifySubchannel(pmcw), name, cpu)
        self.monitor.modified(cc)
        return cc

    async def _execute(self, instruction: Instruction, name: str, cpu: int) -> int:
        answer = await self._target.guest.execute(instruction, cpu)
        assert isinstance(answer, ConditionCode), "it stores nothing"
        self._guest(cpu, f"{name}: cc {answer.cc}")
        return answer.cc

    async def _stored(self, cpu: int) -> Stored:
        answer = await self._target.guest.execute(StoreSubchannel(), cpu)
        assert isinstance(answer, Stored), "STSCH stores"
        return answer

    async def store(self, *, cpu: int = 0) -> Schib:
        """STSCH."""
        return await self._store(cpu)

    async def _store(self, cpu: int, *, after_reset: bool = False) -> Schib:
        answer = await self._stored(cpu)
        schib = answer.schib
        self._guest(cpu, f"STSCH: cc {answer.cc}, {described(schib.scsw)}")
        if after_reset:
            self.monitor.stored_after_reset(schib)
        else:
            self.monitor.stored(answer.cc, schib)
        return schib

    async def test(self, *, cpu: int = 0) -> int:
        """TSCH; return the condition code."""
        answer = await self._target.guest.execute(TestSubchannel(), cpu)
        assert isinstance(answer, Tested), "TSCH stores"
        status = "" if answer.cc else f", {described(answer.irb.scsw)}"
        self._guest(cpu, f"TSCH: cc {answer.cc}{status}")
        self.monitor.tested(answer.cc, answer.irb.scsw)
        return answer.cc

    async def take_interruption(self) -> bool:
        """TPI; return whether there was an interruption."""
        taken = await self._target.guest.take_interruption()
        self._guest(0, f"TPI: cc {int(taken)}")
        self.monitor.interruption(taken=taken)
        return taken

    async def reset(self) -> None:
        """IPL again, and store the subchannel before anything else."""
        await self._target.guest.reset()
        self._guest(0, "IPLs again")
        self.monitor.reset()
        await self._store(0, after_reset=True)

    async def drain(self) -> None:
        """Take all status, until the host has nothing to do."""
        for _ in range(_TAKES_MAX):
            await self._target.host.settle()
            if await self.test():
                self.monitor.settled()
                return
        self.steps.append(f"the guest gives up after {_TAKES_MAX} TSCH")

    # -- the host ----------------------------------------------------------------------

    async def hold_reads(self) -> None:
        """Keep the device waiting for its data from now on."""
        await self._target.host.hold_reads()

    async def read_begins(self) -> None:
        """Wait until the channel program is active, and will stay so."""
        await self._target.host.read_begins()
        self._host("the channel program is active: its READ waits for data")
        self.monitor.is_active = True

    async def release_reads(self) -> None:
        """Give the device its data; the channel program ends."""
        await self._target.host.release_reads()
        self._host("the READ gets its data, the channel program ends")
        self.monitor.is_active = False

    async def hold_status(self, *, keeps: bool = False) -> None:
        """Keep status from the emulator; with `keeps` CLEAR does not drop it."""
        await self._target.host.hold_status(keeps=keeps)

    async def status_waits(self) -> None:
        """Wait until the host has status that the emulator has not seen."""
        await self._target.host.status_waits()
        self._host("it has status, which the emulator has not read")

    async def release_status(self, *, holds_on: bool = False) -> None:
        """Let the emulator read it; with `holds_on`, not the next one."""
        await self._target.host.release_status(holds_on=holds_on)
        self._host("the emulator has read the status")

    async def status_shown(self) -> None:
        """Wait until the emulator has read a status."""
        await self._target.host.status_shown()
        self._host("the emulator has read a status")

    async def refuse_starts(self, number: int) -> None:
        """Refuse each START of the emulator with an errno."""
        await self._target.host.refuse_starts(number)
        self._host(f"refuses every START with {errno.errorcode[number]}")

    async def attend(self) -> None:
        """Have the device present attention."""
        await self._target.host.attend()
        self._host("the device presents attention")


def _operands() -> bytes:
    """Return the operands of DEFINE EXTENT and LOCATE RECORD: record 3 of track 0."""
    extent = bytearray(16)
    extent[0], extent[1] = 0x40, 0xC0
    locate = bytearray(16)
    locate[0], locate[3], locate[12], locate[13] = _READ, 1, 3, 0xFF
    return bytes(extent + locate)


assert _OPERANDS >= _PROGRAM + 4 * CCW_LENGTH, "the program has room"
