"""A guest may have virtual devices and passed-through ones."""

from ccw_actors.actors import (
    Cpu,
    Region,
)
from ccw_actors.actors.protocol import AwaitGuest
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_guest_subchannel,
    add_subchannel,
)
from ccw_actors.runtime import System, VirtualDispatcher
from ccw_actors.scenarios import BUFFER, PATHS, PROGRAM, HostMachine, track

SENSE_ID = Ccw(0xE4, Ccw.suppress_length.mask, 7, BUFFER)
STORAGE = 0x3000


async def senses_both(cpu: Cpu) -> list[str]:
    """Send SENSE ID to both devices at once, and take both interruptions."""
    await cpu.storage.write(PROGRAM, SENSE_ID.to_bytes(1))
    found: list[str] = []
    for number in (0, 1):
        stored = (await cpu.store(number)).schib.pmcw
        enabled = stored.with_flag(Pmcw.enabled, on=True)
        assert await cpu.modify(number, enabled.with_isc(number)) == 0
    for number in (0, 1):
        assert await cpu.start(number, Orb.command(PROGRAM)) == 0
        code = await cpu.wait(mask=0x80 >> number)
        assert code is not None
        assert code.schid & 0xFFFF == number
        assert (await cpu.test(number)).cc == 0
        found.append((await cpu.storage[BUFFER : BUFFER + 7]).hex())
    return found


def test_both_kinds_of_subchannel() -> None:
    """Each subchannel answers for its own device, with its own subclass."""
    system = System(VirtualDispatcher())
    ref = system.ref
    host = HostMachine(system, image=track(b"label"))
    add_guest_subchannel(system, PATHS, 0, Pmcw.of_device(0x190), sink=ref("css"))
    paths = DevicePaths(device="virtual-device", subchannel="virtual")
    add_device(system, paths, device_model(DeviceConfiguration("virtio-rng")), None)
    regions = (Region(0, STORAGE, ref("storage")),)
    add_subchannel(
        system,
        paths,
        SubchannelId(0, 1),
        Pmcw.of_device(0x200),
        regions,
        sink=ref("css"),
    )
    subchannels = {0: ref("guest-subchannel"), 1: ref("virtual")}
    add_guest(system, GuestPaths(), (senses_both,), subchannels, ref("storage"))
    emulator = ref("emulator")
    report = emulator.ask(AwaitGuest(), block=True)
    assert report.error is None, report.error
    assert report.result == ["ff3990c2339002", "ff383204000000"]
    assert not host.storage.state.pins
