"""Try a change to a design before it is written: Linux 2026 with the bits of RFC v2.

RFC v2 kept in the driver which functions were accepted and not handled, and had START
refused by them. The fixes of 2026 do not. Would that close the mail's race?
"""

from collections.abc import Callable

from msgspec.structs import replace

from ccw_actors.designs import DESIGNS, Features
from ccw_actors.explore import World, explore
from ccw_actors.verdicts import design_machine

NOW = DESIGNS["2026"].features
CHANGED = replace(NOW, kept_activity=True, unsolicited_apart=True)


def race(features: Features, scenario: str) -> Callable[[World], None]:
    """Return the scenario: is a program freed while the channel owns it?"""

    def of_the_channel(world: World) -> None:
        design_machine(world, features, "ours", scenario)
        world.invariant(
            world.system.ref("host"),
            "no program is freed while the channel owns it",
            lambda host: not any(one.startswith("I1:") for one in host.wrong),
        )

    return of_the_channel


def main() -> None:
    """Explore both, in the mail's six steps and as a guest meets them."""
    for scenario in ("mail", "seed"):
        for name, features in (("2026", NOW), ("2026, changed", CHANGED)):
            result = explore(race(features, scenario))
            steps = f" in {len(result.counterexample)} steps" * (not result)
            print(f"{scenario}: {name} is {result.verdict}{steps}")


if __name__ == "__main__":
    main()
