"""The time of steps that the architecture lets a subchannel delay.

After HSCH the halt signal goes out "as soon as possible"; the architecture does not say
how far a channel program gets until then. The status of a PCI becomes pending at any
time after its CCW was fetched, at the latest with the status that suspends or ends the
program (PoP, "HALT SUBCHANNEL" and "Program-Controlled Interruption").
"""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["PROMPT", "UNHURRIED", "Pace", "UnshownPci"]

When: TypeAlias = Literal["next step", "any time"]


class Pace(Struct, frozen=True):
    """When the halt signal goes out, and when a PCI is shown.

    "next step" is before the next CCW: machines use it. "any time" is whenever a timer
    fires: an exploration takes it in every order, so it covers all that the
    architecture allows.
    """

    halt_signal: When = "next step"
    pci: When = "next step"


PROMPT: Final = Pace()
UNHURRIED: Final = Pace("any time", "any time")


class UnshownPci(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A PCI whose status is not pending yet: its program, and its CCW address.

    `cpa` is the address of the CCW with the PCI flag plus 8.
    """

    run: int
    cpa: int
