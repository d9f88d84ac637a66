"""Two guests share one channel path, which is reset while both use it.

Each guest reads its own disk, again and again. The host's operator resets the path. The
channel programs in progress end with an interface-control check, and the guests start
them again. Neither guest notices the other.

    python -m examples.pass_through.shared_path
"""

from ccw_actors.actors import Cpu
from ccw_actors.actors.protocol import ResetPath
from ccw_actors.channel import Ccw, Cstat
from examples.pass_through.machine import (
    BUFFER,
    READ_IPL,
    SLI,
    Machine,
    enable,
    load,
    new_system,
)

READS = 20


async def reader(cpu: Cpu) -> dict[str, object]:
    """Read the label many times; count how often a path reset interrupted a read."""
    await enable(cpu)
    orb = await load(cpu, Ccw(READ_IPL, SLI, 16, BUFFER))
    labels: set[str] = set()
    cut_short = 0
    for _ in range(READS):
        assert await cpu.start(0, orb) == 0
        await cpu.wait()
        scsw = (await cpu.test(0)).irb.scsw
        if scsw.cstat == Cstat.INTERFACE_CONTROL_CHECK:
            cut_short += 1
            continue
        data = await cpu.storage[BUFFER : BUFFER + 16 - scsw.count]
        labels.add(data.decode())
    return {"labels": sorted(labels), "cut short": cut_short}


def main() -> dict[str, object]:
    """Run both guests, and reset the path three times while they run."""
    system = new_system()
    machine = Machine(system, disks=2)
    machine.guest("alice", reader, 0)
    machine.guest("bob", reader, 1)
    for turns in (80, 160, 240):
        machine.operator(turns, "path", ResetPath())
    found = {name: machine.report(name).result for name in ("alice", "bob")}
    assert found["alice"]["labels"] == ["this is disk0"]
    assert found["bob"]["labels"] == ["this is disk1"]
    assert sum(one["cut short"] for one in found.values()) > 0
    assert all(machine.pins(name) == 0 for name in found)
    return found


if __name__ == "__main__":
    for name, result in main().items():
        print(f"{name}: {result}")
