"""Your own design: Linux 2026, with START refused while a CLEAR is not handled.

A design chooses a function wherever designs differ (`ccw_actors.designs.Choices`).
Yours takes those of an existing design and replaces some of them: here one, which
`fsm_io_helper` would call before SSCH, with `sch->lock` held. Does it close the race
in the scenarios `mail` and `seed`?
"""

from collections.abc import Callable
from dataclasses import replace

from ccw_actors.channel import Fctl
from ccw_actors.designs import DESIGNS, Choices, HostState
from ccw_actors.explore import Result, World, explore
from ccw_actors.verdicts import design_machine


def clear_is_unhandled(state: HostState) -> bool:
    """Return whether the subchannel, or the slot for its IRB, still has the CLEAR."""
    slot = state.irb.scsw.fctl if state.fresh else 0
    return bool((state.scsw.fctl | slot) & Fctl.CLEAR)


LINUX = DESIGNS["2026"].choices
OWN = replace(LINUX, refuses_start=clear_is_unhandled)


def race(choices: Choices, scenario: str) -> Callable[[World], None]:
    """Return the scenario: it asks if a program is freed while the channel owns it."""

    def of_the_channel(world: World) -> None:
        design_machine(world, choices, "ours", scenario)
        world.invariant(
            world.system.ref("host"),
            "no program is freed while the channel owns it",
            lambda host: not any(one.startswith("I1:") for one in host.wrong),
        )

    return of_the_channel


def main() -> None:
    """Explore both designs in `mail`, and in `seed`, where a guest drives them."""
    for scenario in ("mail", "seed"):
        for name, choices in (("2026", LINUX), ("own", OWN)):
            result: Result = explore(race(choices, scenario))
            steps = f" in {len(result.counterexample)} steps" * (not result)
            print(f"{scenario}: {name} is {result.verdict}{steps}")


if __name__ == "__main__":
    main()
