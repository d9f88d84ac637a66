"""The README's picture of the race: the counterexample of a cell, in plain words."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from ccw_actors.explore import CounterexampleError
from ccw_actors.verdicts import CellName, Line, VerdictCell, lines_of, recall

__all__ = ["CELL", "as_markdown", "picture"]

CELL: Final = CellName("2026", None, "mail")
_PARTICIPANTS: Final = {
    "CPU1": "guest's CPU 1",
    "CPU2": "guest's CPU 2",
    "K": "vfio-ccw",
    "W": "vfio-ccw's worker",
    "H": "channel and disk",
}
_IN_WORDS: Final = {
    "fsm_do_clear(): CSCH": (
        "CPU1->>K: # CLEAR",
        "K->>H: the CLEAR is accepted",
    ),
    "the clear signal goes out; status is pending": (
        "H->>K: # interrupt: the CLEAR has ended",
    ),
    "fsm_irq(): TSCH, the IRB goes into the slot, work is queued": (
        "K->>W: the interrupt handler leaves the rest to the worker",
    ),
    "fsm_io_request(): CP_PROCESSING": ("CPU2->>K: # START",),
    "fsm_io_helper(): SSCH": (
        "K->>H: the START is accepted, the hardware runs its channel program",
    ),
    "vfio_ccw_sch_io_todo(): is it final?": (
        'W->>K: # the worker, late, sees "ended"',
    ),
    "cp_free(): the chains are freed, the pages unpinned": (
        "W->>K: and frees the channel program",
    ),
}
"""The steps that the picture shows, each as arrows; it leaves the others out.

# stands for the number of the step in the picture.
"""
_HARM: Final = (
    "wrong: the hardware reads a freed channel program<br>"
    "and writes into memory that is no longer its own"
)


def as_markdown(cells: Sequence[VerdictCell]) -> str:
    """Render the picture of the saved counterexample of `CELL`.

    Raises `CounterexampleError` if it is not in the saved table.
    """
    (cell,) = (one for one in cells if CellName.of(one) == CELL)
    (saved,) = recall([cell])
    if saved.counterexample is None:
        raise CounterexampleError(f"no counterexample of {CELL} is saved")
    return f"```mermaid\n{picture(lines_of(cell, saved.counterexample))}\n```"


def picture(lines: Sequence[Line]) -> str:
    """Render an interleaving in plain words, in its order.

    Raises `ValueError` if a step that the picture is to show is not in it, or is there
    more than once.
    """
    for what in _IN_WORDS:
        if (found := sum(line.what == what for line in lines)) != 1:
            raise ValueError(f"expected the step {what!r} once in {CELL}, not {found}x")
    text = ["sequenceDiagram"]
    text += [
        f"    participant {name} as {title}" for name, title in _PARTICIPANTS.items()
    ]
    text += [f"    {arrow}" for arrow in _arrows(lines)]
    return "\n".join([*text, f"    Note over K,H: {_HARM}"])


def _arrows(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the arrows of the steps that are shown."""
    number = count(1)
    for line in lines:
        for arrow in _IN_WORDS.get(line.what, ()):
            yield arrow.replace("#", str(next(number))) if "#" in arrow else arrow
