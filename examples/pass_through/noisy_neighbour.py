"""A noisy guest, and a quiet one that does not have to wait for it.

The noisy guest starts and clears without end; the quiet one reads its disk at times.
The number of messages of the quiet guest's reads does not depend on the noisy one, and
all actors take turns. So the reads take longer by a bounded factor.

    python -m examples.pass_through.noisy_neighbour
"""

from ccw_actors.actors import Cpu
from ccw_actors.channel import Ccw
from ccw_actors.runtime import Handled, Observer
from examples.pass_through.machine import (
    BUFFER,
    READ_IPL,
    SLI,
    Machine,
    enable,
    load,
    new_system,
    read_label,
)

READS = 10
NOISE = 2000


class Counter(Observer):
    """Counts the messages that all actors handle, and those for the quiet guest."""

    def __init__(self) -> None:
        self.all = 0
        self.quiet = 0

    def handled(self, event: Handled) -> None:
        """Count a message."""
        self.all += 1
        self.quiet += event.recipient.startswith(("quiet", "disk0"))


async def noise(cpu: Cpu) -> int:
    """Start and clear, again and again."""
    await enable(cpu)
    orb = await load(cpu, Ccw(READ_IPL, SLI, 16, BUFFER))
    for _ in range(NOISE):
        await cpu.start(0, orb)
        await cpu.clear(0)
        await cpu.wait()
        await cpu.test(0)
    return NOISE


async def reads(cpu: Cpu) -> str:
    """Read the label a few times."""
    await enable(cpu)
    labels = [await read_label(cpu) for _ in range(READS)]
    return labels[-1]


def messages(*, noisy: bool) -> tuple[int, int]:
    """Run the quiet guest; count its messages, and all messages during that time."""
    system = new_system()
    counter = Counter()
    system.observe(counter)
    machine = Machine(system, disks=2)
    if noisy:
        machine.guest("noisy", noise, 1)
    machine.guest("quiet", reads, 0)
    assert machine.report("quiet").result == "this is disk0"
    return counter.quiet, counter.all


def main() -> dict[str, float]:
    """Compare the quiet guest alone with the quiet guest next to a noisy one."""
    own, alone = messages(noisy=False)
    own_beside, beside = messages(noisy=True)
    assert own == own_beside
    slower = beside / alone
    assert slower < 3.0
    return {"its own messages": own, "longer by a factor of": round(slower, 1)}


if __name__ == "__main__":
    print(main())
