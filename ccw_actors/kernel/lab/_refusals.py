"""Plans about requests that the kernel has to refuse, and about what it leaves then."""

from typing import Final

from ccw_actors.kernel.lab import _harm as harm
from ccw_actors.kernel.lab._order import (
    Hold,
    Place,
    Until,
)
from ccw_actors.kernel.lab._order_parts import (
    FIRST_IDAW,
    MARK,
    begin,
)
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._programs import (
    BAD,
    CHAINS,
    CHANGE_IDAW,
    DATA,
    FEWER_CHAINS,
    INDIRECT,
    NOTHING,
    QUICK,
)

__all__ = ["REFUSALS"]

REFUSALS: Final[dict[str, Plan]] = {
    "double-start": Plan(
        invariant="I7",
        threads=(
            (("start", DATA), ("", "mark")),
            (("", "mark"), ("refused", QUICK), ("", "mark")),
        ),
        order=(
            begin(Place("cp_prefetch")),
            Hold("data"),
            Until(2, MARK),
        ),
        harm=harm.accepts,
        expects=("start",),
    ),
    "idaw": Plan(
        invariant="I12",
        threads=(
            (
                ("plain", INDIRECT),
                ("", "take 3000"),
                ("", "mark"),
                ("refused", INDIRECT),
            ),
            (("", "mark"), ("", CHANGE_IDAW), ("", "mark")),
        ),
        order=(begin(MARK), Until(1, FIRST_IDAW), Until(2, MARK)),
        expects=("plain",),
        harm=harm.accepts,
    ),
    "chains": Plan(
        invariant="I11",
        threads=((("plain", FEWER_CHAINS), ("", "take 3000"), ("refused", CHAINS)),),
        harm=harm.accepts,
        expects=("plain",),
    ),
    "no-function": Plan(
        invariant="no-op",
        threads=((("nothing", NOTHING),),),
        harm=harm.accepts_nothing,
    ),
    "bad-chain": Plan(
        invariant="I6",
        threads=(
            (
                *(("", BAD),) * 40,
                ("before", "slab"),
                *(("", BAD),) * 400,
                ("after", "slab"),
            ),
        ),
        harm=harm.leaks,
    ),
}
"""The plan of each scenario, by its name in the verdict table."""
