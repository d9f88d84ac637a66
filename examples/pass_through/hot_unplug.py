"""A disk is unplugged while a guest reads from it.

The guest's subchannel becomes not operational: its instructions get condition code 3,
and a channel report names the subchannel. The guest's other disk goes on.

    python -m examples.pass_through.hot_unplug
"""

from ccw_actors.actors import Cpu
from ccw_actors.actors.protocol import CrwStored, DetachDevice, StoreChannelReportWord
from ccw_actors.channel import Ccw
from examples.pass_through.machine import (
    CC,
    NO_OPERATION,
    PROGRAM,
    SLI,
    TRANSFER_IN_CHANNEL,
    Machine,
    enable,
    load,
    new_system,
    read_label,
)


async def survivor(cpu: Cpu) -> dict[str, object]:
    """Use disk 0 until it is gone, then disk 1."""
    await enable(cpu, 0)
    await enable(cpu, 1)
    loop = Ccw(TRANSFER_IN_CHANNEL, address=PROGRAM)
    orb = await load(cpu, Ccw(NO_OPERATION, CC | SLI, 1), loop)
    assert await cpu.start(0, orb) == 0
    while (await cpu.test(0)).cc != 3:
        pass  # the channel program loops until the disk is gone
    stored = await cpu.subsystem(StoreChannelReportWord())
    assert isinstance(stored, CrwStored)
    assert stored.crw is not None
    return {
        "report": stored.crw.to_bytes().hex(),
        "START on disk 0": await cpu.start(0, orb),
        "disk 1": await read_label(cpu, 1),
    }


def main() -> dict[str, object]:
    """Run the guest, and unplug its first disk during its I/O."""
    system = new_system()
    machine = Machine(system, disks=2)
    machine.guest("alice", survivor, 0, 1)
    machine.operator(100, "disk0/subchannel", DetachDevice())
    report = machine.report("alice")
    assert report.error is None, report.error
    assert report.result == {
        "report": "03040000",
        "START on disk 0": 3,
        "disk 1": "this is disk1",
    }
    assert machine.pins("alice") == 0
    return dict(report.result)


if __name__ == "__main__":
    print(main())
