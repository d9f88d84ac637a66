"""The rows of the table: designs and emulators, by their ids, each with a title."""

from itertools import combinations
from typing import Final, Literal, NamedTuple, TypeAlias

from ccw_actors.designs import DESIGNS, Choices, v4_with

__all__ = [
    "DESIGN_NAMES",
    "EMULATORS",
    "HOST_SIDE_ONLY",
    "OUR_DESIGN",
    "SUBSET_SCENARIOS",
    "V4_SUBSETS",
    "EmulatorName",
    "Row",
    "choices_of",
    "design_row",
]

EmulatorName: TypeAlias = Literal["qemu", "ours"]


class Row(NamedTuple):
    """The title that tables show for an id, and one line about it."""

    title: str
    summary: str


EMULATORS: Final[dict[EmulatorName, Row]] = {
    "qemu": Row("QEMU's emulator", "replaces its SCSW by that of each IRB"),
    "ours": Row("this package's emulator", "GuestSubchannel, which keeps FC to itself"),
}

OUR_DESIGN: Final = "ours"
"""The id of the design of this package."""
HOST_SIDE_ONLY: Final = "ours-host-side"
"""The same, held to the invariants of the host's side alone."""

V4_SUBSETS: Final = tuple(
    "rfc-v4-" + "".join(patches)
    for count in (1, 2, 3)
    for patches in combinations("1234", count)
)
"""v5.12 with some of the patches of RFC v4."""

SUBSET_SCENARIOS: Final = ("sequence", "seed", "mail", "double-start", "collapse")
"""The scenarios that these designs are in."""

DESIGN_NAMES: Final = (*DESIGNS, OUR_DESIGN, HOST_SIDE_ONLY, *V4_SUBSETS)
"""The ids of designs, in the order of the table."""

_OWN_ROWS: Final = {
    OUR_DESIGN: Row("This package", "VfioCcw and Cio"),
    HOST_SIDE_ONLY: Row(
        "This package, host side only",
        "the same, held to the invariants of the host's side alone",
    ),
}


def design_row(name: str) -> Row:
    """Return the row of a design: one of `DESIGN_NAMES`."""
    if name in _OWN_ROWS:
        return _OWN_ROWS[name]
    if name in V4_SUBSETS:
        patches = name.removeprefix("rfc-v4-")
        listed = ", ".join(patches)
        plural = "es" * (len(patches) > 1)
        return Row(f"RFC v4, patch{plural} {listed}", v4_with(patches).summary)
    design = DESIGNS[name]
    return Row(design.title, design.summary)


def choices_of(design: str) -> Choices:
    """Return the choices of one of `DESIGNS`, or of one such as "rfc-v4-13"."""
    known = DESIGNS.get(design)
    if known is None:
        known = v4_with(design.removeprefix("rfc-v4-"))
    return known.choices
