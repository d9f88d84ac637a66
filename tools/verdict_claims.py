"""Claims from an analysis of the thread, and the cells that confirm them.

A claim is confirmed if the cells that it names are refuted by the invariant that it
names. A claim that no cell can show has a reason instead.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ccw_actors.verdicts import CellName, VerdictCell

__all__ = ["CLAIMS", "Claim", "verdict_of"]


class Claim(NamedTuple):
    """A claim about an original: its name, its text, and the cells that test it.

    `cells` are names of cells, `by` the id of the invariant that has to be broken
    there. `reason` is why no cell can confirm the claim.
    """

    name: str
    text: str
    cells: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""


CLAIMS: Final = (
    Claim(
        "seed",
        "The seed's race survives the fixes of 2026.",
        ("2026/qemu/seed", "2026/mail"),
        "I1",
    ),
    Claim(
        "H1",
        "The final IRB of a CLEAR frees the program of a START that was accepted"
        " between the interruption and the worker.",
        ("2026/mail",),
        "I1",
    ),
    Claim(
        "H2",
        "There is one slot for an IRB: if two interruptions come before the worker"
        " runs, the first IRB is lost.",
        ("2026/ours/halt",),
        "I3",
    ),
    Claim(
        "H3",
        "An unsolicited IRB overwrites a final IRB that was not handled: the program is"
        " never freed.",
        ("2026/ours/attention-lost",),
        "I6",
    ),
    Claim(
        "H4",
        "The IRB is copied under io_mutex while an interruption fills it under"
        " sch->lock: a torn copy.",
        ("2026/qemu/torn",),
        "torn",
    ),
    Claim(
        "H5",
        "The completion pointer is cleared outside the lock; a late completion shortens"
        " the next wait.",
        reason="the model has a list of waiting threads, which cannot dangle; a wait"
        " that ends early only repeats the loop",
    ),
    Claim(
        "H6",
        "Disabling a subchannel eats status in a local IRB, so that a final IRB never"
        " reaches the handler.",
        reason="the model does it (section `disable`), but there only RESET and"
        " DMA_UNMAP disable, and both void all status anyway: no cell can show it",
    ),
    Claim(
        "H7",
        "A suspended program is taken for an ended one, and freed.",
        ("2026/qemu/suspend",),
        "I1",
    ),
    Claim(
        "H8",
        "A worker that was queued before RESET delivers its IRB after it.",
        ("2026/reset",),
        "stale",
    ),
    Claim(
        "H9",
        "The state is read and written without one lock: NOT_OPER is overwritten.",
        ("2026/qemu/lost-state",),
        "I10",
    ),
    Claim(
        "H10",
        "The guest sees a host address as CCW address if the IRB was not translated.",
        ("2026/ours/pci",),
        "I13",
    ),
    Claim(
        "H11",
        "After channel end alone a guest may start again, but gets condition code 2.",
        ("2026/qemu/primary",),
        "cc 2",
    ),
    Claim(
        "H12",
        "A write without a function does nothing and returns what the writer left in"
        " ret_code.",
        ("2026/no-function",),
        "no-op",
    ),
    Claim(
        "stale final",
        "Whether an IRB is final is noted before io_mutex is taken, and the slot holds"
        " another IRB by then: a running program is freed.",
        ("2026/qemu/attention-pci",),
        "I1",
    ),
    Claim(
        "IDLE over STANDBY",
        "The worker sets IDLE after CLOSE has set STANDBY, and OPEN gives up the"
        " device.",
        ("2026/unmap",),
        "I10",
    ),
    Claim(
        "twice",
        "The work item is queued again while its worker runs: the same IRB is"
        " delivered twice.",
        ("2026/ours/collapse",),
        "I3",
    ),
    Claim(
        "W3",
        "CLEAR while a START's IRB is queued: QEMU shows the START, and the guest's"
        " TSCH ends FC=clear.",
        ("2026/qemu/clear-queued",),
        "I5",
    ),
    Claim(
        "W4",
        "CLEAR with status pending: QEMU keeps the old status and its interrupt.",
        ("2026/qemu/clear-pending", "ours/qemu/clear-pending"),
        "I5",
    ),
    Claim(
        "W13",
        "Attention that is queued while a START is accepted clears FC=start in QEMU.",
        ("2026/qemu/attention", "ours/qemu/attention"),
        "I5",
    ),
)


def verdict_of(claim: Claim, cells: Iterable[VerdictCell]) -> str:
    """Return "confirmed", or "not reproduced" if a cell contradicts the claim.

    Raises `LookupError` if the table lacks a cell that the claim names.
    """
    table = {str(CellName.of(cell)): cell for cell in cells}
    if not claim.cells:
        return "not reproduced"
    found: list[VerdictCell] = []
    for name in claim.cells:
        if name not in table:
            raise LookupError(f"{claim.name}: the table has no cell {name}")
        found.append(table[name])
    broken = all(
        cell.verdict == "refuted" and cell.why.startswith(f"{claim.by}:")
        for cell in found
    )
    return "confirmed" if broken else "not reproduced"
