"""A guest is reset while its channel program runs in an endless loop.

The program of the guest ends without stopping its I/O. The emulator resets the
guest's subchannel: the host's is cleared, the device is idle, and no page stays pinned.

    python -m examples.pass_through.guest_reset
"""

from ccw_actors.actors import Cpu
from ccw_actors.actors.protocol import StoreSubchannel
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
)


async def careless(cpu: Cpu) -> int:
    """Start an endless channel program, and end; return the number of pinned pages."""
    await enable(cpu)
    loop = Ccw(TRANSFER_IN_CHANNEL, address=PROGRAM)
    orb = await load(cpu, Ccw(NO_OPERATION, CC | SLI, 1), loop)
    return await cpu.start(0, orb)


def main() -> dict[str, int]:
    """Run the guest, and check what is left."""
    system = new_system()
    machine = Machine(system, disks=1)
    machine.guest("alice", careless, 0)
    report = machine.report("alice")
    stored = system.ref("disk0/subchannel").ask(StoreSubchannel(), block=True)
    scsw = stored.schib.scsw
    found = {
        "condition code of START": report.result,
        "functions at the host": scsw.fctl,
        "pages pinned": machine.pins("alice"),
    }
    assert found == {
        "condition code of START": 0,
        "functions at the host": 0,
        "pages pinned": 0,
    }
    return found


if __name__ == "__main__":
    print(main())
