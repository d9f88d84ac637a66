"""When a subchannel does what the architecture gives it time for.

After HSCH the halt signal goes out "as soon as possible"; how far a channel program
comes meanwhile is open. So is when the status of a PCI becomes pending: at any time
after its CCW was fetched, at the latest with the status that suspends or ends the
program (PoP, "HALT SUBCHANNEL" and "Program-Controlled Interruption").
"""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["PROMPT", "UNHURRIED", "Pace", "UnshownPci"]

When: TypeAlias = Literal["next step", "any time"]


class Pace(Struct, frozen=True):
    """When the halt signal goes out, and when a PCI is shown.

    "next step" is before the next CCW, and what drives devices does. "any time" is
    whenever a timer fires: what an exploration takes in every order, so that it has
    all that the architecture allows.
    """

    halt_signal: When = "next step"
    pci: When = "next step"


PROMPT: Final = Pace()
UNHURRIED: Final = Pace("any time", "any time")


class UnshownPci(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A PCI whose status is not pending yet: of which program, and its CCW address.

    `cpa` is the address of the CCW with the PCI flag plus 8.
    """

    run: int
    cpa: int
