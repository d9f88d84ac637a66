"""How the guest's operating system handles every answer of a subchannel."""

import asyncio
from collections.abc import Iterable
from typing import cast

import pytest

from ccw_actors.actors import Cpu, protocol
from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Fctl,
    InterruptionCode,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
)
from ccw_actors.errors import ProgramError
from ccw_actors.machine._channel_program import BUFFER, PROGRAM, Take, Tic, assemble
from ccw_actors.machine.guest_os import ATTEMPTS, Ending, GuestDevice, find_devices

NORMAL = Dstat.CHANNEL_END | Dstat.DEVICE_END
FINAL = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
UNSOLICITED = Irb(Scsw(stctl=Stctl.UNSOLICITED_STATUS, dstat=Dstat.ATTENTION))
COMMAND = 0xE4
COUNT = 20
DATA = bytes(range(COUNT))


def status(
    dstat: int = NORMAL, *, stctl: int = FINAL, actl: int = 0, count: int = 0
) -> Irb:
    """Make the IRB of a start function."""
    return Irb(Scsw(fctl=Fctl.START, actl=actl, stctl=stctl, dstat=dstat, count=count))


class ScriptedStorage:
    """Storage whose buffer always has `DATA`."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, address: int, data: bytes) -> None:
        """Keep what was written as a channel program."""
        assert address == PROGRAM
        self.written.append(data)

    def __getitem__(self, area: slice) -> "asyncio.Future[bytes]":
        """Return bytes of the buffer."""
        found = asyncio.get_running_loop().create_future()
        found.set_result(DATA[area.start - BUFFER : area.stop - BUFFER])
        return found


class ScriptedCpu:
    """A cpu whose subchannels answer as the test demands.

    `codes` are the condition codes of START and MODIFY, 0 when there are no more.
    `statuses` become pending one after the other, each with the next wait.
    """

    def __init__(
        self,
        statuses: Iterable[tuple[int, Irb]] = (),
        codes: Iterable[int] = (),
        pmcws: Iterable[Pmcw] = (),
    ) -> None:
        self.storage = ScriptedStorage()
        self.calls: list[str] = []
        self.modified: list[Pmcw] = []
        self._statuses = list(statuses)
        self._codes = list(codes)
        self._pmcws = list(pmcws)
        self._pending: dict[int, Irb] = {}

    async def start(self, subchannel: int, orb: Orb) -> int:
        """SSCH."""
        assert orb.cpa == PROGRAM
        self.calls.append(f"start {subchannel}")
        return self._codes.pop(0) if self._codes else 0

    async def modify(self, subchannel: int, pmcw: Pmcw) -> int:
        """MSCH."""
        self.calls.append(f"modify {subchannel}")
        self.modified.append(pmcw)
        return self._codes.pop(0) if self._codes else 0

    async def store(self, subchannel: int) -> protocol.Stored:
        """STSCH."""
        if subchannel < len(self._pmcws):
            return protocol.Stored(0, Schib(self._pmcws[subchannel]))
        return protocol.Stored(3, Schib())

    async def wait(self, timeout: float | None = None) -> InterruptionCode | None:
        """Make the next status pending."""
        assert timeout is not None
        self.calls.append("wait")
        if not self._statuses:
            return None
        subchannel, irb = self._statuses.pop(0)
        self._pending[subchannel] = irb
        return InterruptionCode.of(SubchannelId(0, subchannel), 0, 3)

    async def test(self, subchannel: int) -> protocol.Tested:
        """TSCH."""
        self.calls.append(f"test {subchannel}")
        irb = self._pending.pop(subchannel, None)
        return (
            protocol.Tested(1, Irb(Scsw())) if irb is None else protocol.Tested(0, irb)
        )


def run(cpu: ScriptedCpu) -> Ending:
    """Run one command on subchannel 1."""
    device = GuestDevice(cast("Cpu", cpu), 1, 0x190)
    return asyncio.run(device.run(Take(COMMAND, COUNT)))


def failure(cpu: ScriptedCpu) -> str:
    """Run one command that fails; return the text of its error."""
    with pytest.raises(ProgramError) as caught:
        run(cpu)
    text = str(caught.value)
    assert text.startswith("0.0.0190: ")
    assert "\n" not in text
    return text


def test_data_are_what_the_residual_count_leaves() -> None:
    """A program that ends normally returns the bytes transferred."""
    cpu = ScriptedCpu([(1, status(count=13))])
    assert run(cpu) == Ending(NORMAL, 0, DATA[: COUNT - 13])
    assert cpu.calls == ["start 1", "wait", "test 1"]


def test_pending_status_is_dropped_before_a_start() -> None:
    """Condition code 1 leads to TEST SUBCHANNEL and another START."""
    cpu = ScriptedCpu([(1, status())], codes=[1])
    assert run(cpu).normal
    assert cpu.calls == ["start 1", "test 1", "start 1", "wait", "test 1"]


def test_busy_subchannel_is_started_after_an_interruption() -> None:
    """Condition code 2 leads to a wait; the status it brings is condition code 1."""
    cpu = ScriptedCpu([(1, UNSOLICITED), (1, status())], codes=[2, 1])
    assert run(cpu).normal
    starts = ["start 1", "wait", "start 1", "test 1", "start 1"]
    assert cpu.calls == [*starts, "wait", "test 1"]


@pytest.mark.parametrize("code", [1, 2])
def test_subchannel_that_stays_busy(code: int) -> None:
    """After some attempts the program gives up."""
    statuses = [(1, UNSOLICITED)] * ATTEMPTS
    text = failure(ScriptedCpu(statuses, codes=[code] * ATTEMPTS))
    assert text.endswith(f"still busy after {ATTEMPTS} attempts")


def test_device_that_is_gone() -> None:
    """Condition code 3 ends the program."""
    assert "condition code 3" in failure(ScriptedCpu(codes=[3]))


def test_deferred_condition_code_3() -> None:
    """A start without a path also ends the program."""
    gone = Irb(status(0).scsw.with_deferred_cc(3))
    assert "deferred: condition code 3" in failure(ScriptedCpu([(1, gone)]))


def test_deferred_condition_code_1() -> None:
    """A start that met status of the device is repeated."""
    met = Irb(status(Dstat.ATTENTION).scsw.with_deferred_cc(1))
    cpu = ScriptedCpu([(1, met), (1, status())])
    assert run(cpu).normal
    assert cpu.calls.count("start 1") == 2


def test_lost_interruption() -> None:
    """A program does not wait forever."""
    assert "no interruption within" in failure(ScriptedCpu())


@pytest.mark.parametrize(
    "noise",
    [
        UNSOLICITED,
        status(0, stctl=Stctl.INTERMEDIATE_STATUS),
        Irb(Scsw(stctl=Stctl.SECONDARY | Stctl.PENDING, dstat=Dstat.DEVICE_END)),
    ],
    ids=["attention", "intermediate", "device end"],
)
def test_status_that_ends_no_start(noise: Irb) -> None:
    """Unsolicited and intermediate status do not end a program."""
    cpu = ScriptedCpu([(1, noise), (1, status())])
    assert run(cpu).normal
    assert cpu.calls.count("start 1") == 1


def test_status_of_another_device_is_dropped() -> None:
    """An interruption of another subchannel is taken and dropped."""
    cpu = ScriptedCpu([(0, UNSOLICITED), (1, status())])
    assert run(cpu).normal
    assert cpu.calls == ["start 1", "wait", "test 0", "wait", "test 1"]


def test_device_end_after_channel_end() -> None:
    """Primary and secondary status that come separately are one ending."""
    first = status(
        Dstat.CHANNEL_END,
        stctl=Stctl.PRIMARY | Stctl.PENDING,
        actl=Actl.DEVICE_ACTIVE,
        count=3,
    )
    second = status(
        Dstat.DEVICE_END | Dstat.UNIT_EXCEPTION, stctl=Stctl.SECONDARY | Stctl.PENDING
    )
    ending = run(ScriptedCpu([(1, first), (1, second)]))
    assert ending == Ending(NORMAL | Dstat.UNIT_EXCEPTION, 0, DATA[: COUNT - 3])
    assert ending.end_of_file


def test_check_before_the_device_has_ended() -> None:
    """A program check is primary status without a device end to wait for."""
    checked = Irb(
        Scsw(
            fctl=Fctl.START,
            stctl=Stctl.ALERT | Stctl.PRIMARY | Stctl.PENDING,
            cstat=Cstat.PROGRAM_CHECK,
            count=COUNT,
        )
    )
    ending = run(ScriptedCpu([(1, checked)]))
    assert (ending.normal, ending.cstat) == (False, Cstat.PROGRAM_CHECK)
    assert "program-check" in str(ending)


def test_unit_check_is_sensed() -> None:
    """Without concurrent sense, a SENSE command asks what was wrong."""
    check = status(NORMAL | Dstat.UNIT_CHECK)
    cpu = ScriptedCpu([(1, check), (1, status(count=32 - COUNT))])
    ending = run(cpu)
    assert ending.sense == DATA
    assert [program[0] for program in cpu.storage.written] == [COMMAND, 0x04]


def test_concurrent_sense_is_used() -> None:
    """Sense data in the IRB need no SENSE command."""
    sense = bytes([0x10, 0x08]).ljust(32, b"\0")
    check = Irb.with_sense(status(NORMAL | Dstat.UNIT_CHECK).scsw, 0x80, sense)
    cpu = ScriptedCpu([(1, check)])
    ending = run(cpu)
    assert ending.sense == sense
    assert ending.no_record_found
    assert "equipment-check+no-record-found" in str(ending)
    assert len(cpu.storage.written) == 1


def test_devices_are_found_and_enabled() -> None:
    """Valid subchannels up to the first missing one are enabled with ISC 3."""
    valid = Pmcw(flags=Pmcw.valid.mask, devno=0x190)
    cpu = ScriptedCpu(pmcws=[valid, Pmcw(), valid], codes=[1])
    devices = asyncio.run(find_devices(cast("Cpu", cpu)))
    assert [str(device) for device in devices] == ["0.0.0190"] * 2
    assert cpu.calls == ["modify 0", "test 0", "modify 0", "modify 2"]
    assert {(one.enabled, one.isc) for one in cpu.modified} == {(True, 3)}


def test_commands_are_chained_and_data_indirect() -> None:
    """CCWs are chained up to the last; a long read goes through a list of pages."""
    page = assemble((Take(0x06), Tic(0), Take(0x06)))
    first, tic, last = page[0:8], page[8:16], page[16:24]
    assert first[1] & 0x40
    assert not last[1] & 0x40
    assert tic == bytes.fromhex("08000000") + PROGRAM.to_bytes(4)
    idaws = int.from_bytes(last[4:]) - PROGRAM
    pages = [int.from_bytes(page[i : i + 8]) for i in range(idaws, len(page), 8)]
    assert pages == [BUFFER + index * 4096 for index in range(16)]
