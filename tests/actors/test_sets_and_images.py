"""Subchannel sets and images, busy paths, held attention: no golden vector has them."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    Cpu,
    Region,
    Storage,
)
from ccw_actors.actors.guest import instructions as execute
from ccw_actors.actors.protocol import (
    Attend,
    AwaitGuest,
)
from ccw_actors.channel import Ccw, Dstat, Irb, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.runtime import Choice, SteppingDispatcher, System

SCHIB, IRB, ORB, PROGRAM, REQUEST = 0x1000, 0x1100, 0x1200, 0x1300, 0x4000
STORAGE_SIZE = 1 << 16
FIRST, SECOND, IN_SET_1 = (
    SubchannelId(0, 0),
    SubchannelId(0, 1),
    SubchannelId(1, 0),
)
IN_IMAGE_1 = SubchannelId(0, 0, cssid=1, m=True)
SETS, IMAGES = 2, 0

Program = Callable[[Cpu], Coroutine[Any, Any, Any]]


class BareHost:
    """One CPU on host subchannels, each with a virtio-rng device, all on one path."""

    def __init__(self, program: Program, *schids: SubchannelId) -> None:
        self.dispatcher = SteppingDispatcher("channel")
        self.system = System(self.dispatcher)
        ref, spawn = self.system.ref, self.system.spawn
        storage = spawn(Storage(STORAGE_SIZE), "storage")
        subchannels = {schid.index: ref(f"subchannel{schid.index}") for schid in schids}
        for schid in schids:
            model = device_model(DeviceConfiguration("virtio-rng"))
            paths = DevicePaths(
                device=f"device{schid.index}", subchannel=f"subchannel{schid.index}"
            )
            add_device(self.system, paths, model, None)
            pmcw = Pmcw.of_device(0x100 + schid.index % 16)
            regions = (Region(0, STORAGE_SIZE, storage),)
            add_subchannel(self.system, paths, schid, pmcw, regions, sink=ref("css"))
        spawn(ChannelPath(0, list(subchannels.values())), "path0")
        css = ChannelSubsystem(subchannels, {0: ref("path0")})
        add_guest(
            self.system,
            GuestPaths(),
            (program,),
            subchannels,
            storage,
            css=css,
            resets=False,
        )

    def choices(self) -> list[Choice]:
        """Return the messages that can come next."""
        return list(self.dispatcher.enabled())

    def step(self) -> None:
        """Handle the most urgent message."""
        self.dispatcher.step(min(self.choices(), key=_urgency))

    def run(self) -> Any:
        """Let the program run to its end; return its result."""
        while self.choices():
            self.step()
        report = self.system.ref("emulator").ask(AwaitGuest(), block=True)
        assert report.error is None, report.error
        return report.result


def _urgency(choice: Choice) -> tuple[bool, bool, bool]:
    """Return the priority: the processor and the channel subsystem come first."""
    names = {choice.recipient, choice.sender}
    return bool(choice.timer), "cpu0" not in names, "css" not in names


async def enable(cpu: Cpu, schid: SubchannelId) -> int:
    """Enable a subchannel; return the condition code."""
    enabled = Pmcw.of_device(0).with_flag(Pmcw.enabled, on=True)
    await cpu.storage.write(SCHIB, enabled.to_bytes().ljust(52, b"\0"))
    return await execute.modify_subchannel(cpu, schid.to_word(), SCHIB)


async def set_attribute(cpu: Cpu, operation: int) -> int:
    """SET DOMAIN ATTRIBUTES; return the response code."""
    request = bytes.fromhex("04000031 0000") + operation.to_bytes(2)
    await cpu.storage.write(REQUEST, request.ljust(0x400, b"\0"))
    assert await execute.channel_subsystem_call(cpu, REQUEST) == 0
    response = await cpu.storage[REQUEST + 0x400 : REQUEST + 0x408]
    return int.from_bytes(response[2:4])


@pytest.mark.parametrize(
    ("schid", "operation", "other"),
    [(IN_SET_1, SETS, IMAGES), (IN_IMAGE_1, IMAGES, SETS)],
    ids=["set", "image"],
)
def test_not_operational_until_enabled(
    schid: SubchannelId, operation: int, other: int
) -> None:
    """CHSC must enable sets, or images, other than the first."""

    async def program(cpu: Cpu) -> list[int]:
        word = schid.to_word()
        codes = [await execute.store_subchannel(cpu, word, SCHIB)]
        codes.append(await set_attribute(cpu, other))
        codes.append(await execute.store_subchannel(cpu, word, SCHIB))
        codes.append(await set_attribute(cpu, operation))
        codes.append(await execute.store_subchannel(cpu, word, SCHIB))
        codes.append(await enable(cpu, schid))
        codes.append(await execute.halt_subchannel(cpu, word))
        return codes

    assert BareHost(program, FIRST, schid).run() == [3, 1, 3, 1, 0, 0, 0]


def test_every_set_has_its_own_subchannels() -> None:
    """A START in one set starts nothing in another."""

    async def program(cpu: Cpu) -> list[int]:
        await set_attribute(cpu, SETS)
        await enable(cpu, FIRST)
        await enable(cpu, IN_SET_1)
        ccw = Ccw(0x03, Ccw.suppress_length.mask, 1)
        await cpu.storage.write(PROGRAM, ccw.to_bytes(1))
        orb = Orb.command(PROGRAM, intparm=7).to_bytes().ljust(32, b"\0")
        await cpu.storage.write(ORB, orb)
        word = IN_SET_1.to_word()
        codes = [await execute.start_subchannel(cpu, word, ORB)]
        interruption = await cpu.wait(timeout=1.0)
        assert interruption is not None
        codes.append(interruption.schid == IN_SET_1.to_word())
        codes.append(await execute.test_subchannel(cpu, FIRST.to_word(), IRB))
        codes.append(await execute.test_subchannel(cpu, word, IRB))
        return codes

    assert BareHost(program, FIRST, IN_SET_1).run() == [0, True, 1, 0]


def test_a_path_that_is_being_reset_is_busy() -> None:
    """RCHP has condition code 2 until the reset has ended, and one report."""

    async def program(cpu: Cpu) -> list[int]:
        codes = [await execute.reset_channel_path(cpu, 0) for _ in range(2)]
        await cpu.wait(timeout=1.0)
        codes.append(await execute.reset_channel_path(cpu, 0))
        await cpu.wait(timeout=1.0)
        reports = [await execute.store_channel_report_word(cpu, IRB) for _ in range(3)]
        return codes + reports

    assert BareHost(program, FIRST, SECOND).run() == [0, 2, 0, 0, 0, 1]


def test_attention_waits_for_the_end_of_a_program() -> None:
    """Attention is shown alone, after the status of the program has been taken."""

    async def program(cpu: Cpu) -> list[int]:
        await enable(cpu, FIRST)
        word = FIRST.to_word()
        ccw = Ccw(0x03, Ccw.suppress_length.mask, 1)
        await cpu.storage.write(PROGRAM, ccw.to_bytes(1))
        await cpu.storage.write(ORB, Orb.command(PROGRAM).to_bytes().ljust(32, b"\0"))
        assert await execute.start_subchannel(cpu, word, ORB) == 0
        shown: list[int] = []
        for _ in range(2):
            assert await cpu.wait(timeout=1.0) is not None
            assert await execute.test_subchannel(cpu, word, IRB) == 0
            irb = Irb.from_bytes(await cpu.storage[IRB : IRB + 64])
            shown.append(irb.scsw.dstat)
        return shown

    host = BareHost(program, FIRST)
    while not any(one[:2] == ("device0", "subchannel0") for one in host.choices()):
        host.step()
    host.system.ref("device0").tell(Attend())
    assert host.run() == [Dstat.CHANNEL_END | Dstat.DEVICE_END, Dstat.ATTENTION]
