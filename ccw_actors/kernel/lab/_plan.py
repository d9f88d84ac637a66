"""Plans: scenarios of the verdict table as steps of a client, an order, a harm."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from ccw_actors.channel import Irb, Schib
from ccw_actors.kernel.boot import ClientLog, ClientScript, ClientStep, ClientThread
from ccw_actors.kernel.lab._order import Begin, OrderStep, Place, Until
from ccw_actors.kernel.lab._programs import CONTENTS, RAM

__all__ = ["CLIENT_CPUS", "Harm", "HarmCheck", "Observed", "Plan"]

CLIENT_CPUS: Final = 2
"""The client's threads have CPUs from 1 on."""


class Harm(Struct, frozen=True):
    """Harm that was seen: one sentence, and lines of evidence."""

    what: str
    evidence: tuple[str, ...] = ()


class Observed(Struct, frozen=True):
    """What can be looked at when a try is over.

    `ran` says that the order ran to its end. `states` are values of the driver's state
    at `ReadState`, `schibs` the SCHIBs of the host's subchannels at `LookAtHost`,
    `tasks` the functions at `LookAtTask`, in their order.
    """

    plan: "Plan"
    log: ClientLog
    ran: bool = True
    states: tuple[str, ...] = ()
    schibs: tuple[Schib, ...] = ()
    tasks: tuple[str, ...] = ()

    def step(self, label: str) -> ClientStep | None:
        """Return what the step with that label did, None if it has not ended."""
        for thread, steps in enumerate(self.plan.threads):
            for number, (name, _) in enumerate(steps):
                if name == label:
                    return self.log.step(thread, number)
        raise KeyError(label)

    def errno(self, label: str) -> int | None:
        """Return the errno of a step, None if it has not ended."""
        step = self.step(label)
        return None if step is None else step.errno

    def irbs(self) -> list[Irb]:
        """Return the IRBs that the client has taken after a signal, in their order."""
        return [
            Irb.from_bytes(step.data)
            for step in self.log.steps
            if step.what.startswith("take ") and not step.errno
        ]


HarmCheck: TypeAlias = Callable[[Observed], Harm | None]


class Plan(Struct, frozen=True, kw_only=True):
    """How a scenario is tried.

    `threads` are the steps of the client's threads, with labels; thread N has CPU N+1.
    A plan with one thread has another that is only parked, so that its CPU takes no
    interruption. `drives` has the number of the device that each thread drives; the
    machine has as many as that needs. `harm` looks for what must not happen. `variant`
    says how the order differs from the counterexample in the verdict table, "" if it
    does not. A plan without `order` needs none. With `delays` its order has no step for
    a debugger: it waits, and is likely at best. Steps with the labels of `expects` have
    to succeed, or nothing was tried.
    """

    invariant: str
    threads: tuple[tuple[tuple[str, str], ...], ...]
    harm: HarmCheck
    drives: tuple[int, int] = (0, 0)
    order: tuple[OrderStep, ...] = ()
    delays: bool = False
    variant: str = ""
    expects: tuple[str, ...] = ()

    @property
    def devices(self) -> int:
        """How many devices the plan needs."""
        return max(self.drives) + 1

    @property
    def places(self) -> list[Place]:
        """The places that the order names."""
        places: list[Place] = []
        for step in self.order:
            if isinstance(step, Until):
                places.append(step.place)
            elif isinstance(step, Begin):
                places += [place for _, place in step.places]
        return places

    @property
    def script(self) -> ClientScript:
        """What the client does."""
        idle = ((("", "mark"),),) * (CLIENT_CPUS - len(self.threads))
        threads = tuple(
            ClientThread(cpu, tuple(text for _, text in steps), device)
            for cpu, (steps, device) in enumerate(
                zip((*self.threads, *idle), self.drives, strict=True), 1
            )
        )
        return ClientScript(
            RAM,
            threads,
            CONTENTS,
            events=("s390", "vfio_ccw"),
            devices=self.devices,
        )
