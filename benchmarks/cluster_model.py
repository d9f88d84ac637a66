"""What shares on many machines would take: a simulation from measured costs."""

from typing import NamedTuple

from benchmarks.tables import Row, table

__all__ = ["Costs", "simulated"]

MACHINES = (1, 2, 4, 16, 64)
STATES = (10_000_000, 1_000_000_000)
ROUND_TRIP = 0.5e-3
"""Seconds of a message and its answer between two machines of a data centre."""

BANDWIDTH = 1e9
"""Bytes a second that a machine sends, 10 Gbit/s less what its protocols take."""

ASSUMPTIONS = f"""\
Assumptions: a process on each machine, all as fast as a core of this one. States are
spread evenly, as they are here. Of N shares, (N-1)/N of all steps lead to another one.
A step, a mark for another share and a state for another share cost what they cost
here, and their bytes go at {8 * BANDWIDTH / 1e9:.0f} Gbit/s. A level waits for two
exchanges between the coordinator and all shares, of {1e3 * ROUND_TRIP:g} ms each and
what the coordinator's messages cost here, one after the other. A state has as many
steps, and a search as many levels, as the one that was measured. Nothing else is
modelled: no slow machine, no loss, no level that is too small for its shares.
"""


class Costs(NamedTuple):
    """What was measured.

    Seconds of CPU for each step, for each mark that goes to another share (both ends),
    and of the coordinator for each share and level; bytes of each state, in memory and
    on the way; steps of each state, and levels.
    """

    step: float
    mark: float
    report: float
    memory: float
    on_the_way: float
    steps: float
    levels: int

    def seconds(self, states: float, machines: int) -> float:
        """Return how long so many states take."""
        steps = states * self.steps / machines
        away = (machines - 1) / machines
        work = steps * (self.step + away * self.mark)
        sent = away * (8 * steps + self.on_the_way * states / machines) / BANDWIDTH
        waits = self.levels * (2 * ROUND_TRIP + machines * self.report)
        return work + sent + (waits if machines > 1 else 0.0)


def simulated(costs: Costs) -> str:
    """Return the assumptions, the costs, and a table."""
    rows: list[Row] = []
    for states in STATES:
        alone = costs.seconds(states, 1)
        for machines in MACHINES:
            took = costs.seconds(states, machines)
            memory = costs.memory * states / machines / (1 << 30)
            row = f"{states:,}", f"{machines}", _time(took), f"{alone / took:.1f}"
            rows.append((*row, f"{memory:.1f} GiB"))
    head = "states", "machines", "time", "times as fast", "memory for each"
    measured = (
        f"Measured here: a step {1e6 * costs.step:.2f} us, a mark for another share"
        f" {1e6 * costs.mark:.2f} us, a report {1e6 * costs.report:.0f} us;"
        f" {costs.memory:.0f} bytes of memory for each state, {costs.on_the_way:.0f} on"
        f" the way; {costs.steps:.1f} steps of each state, {costs.levels} levels."
    )
    title = "What more machines would do: a simulation"
    return f"{table(title, head, rows)}\n\n{measured}\n\n{ASSUMPTIONS}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
