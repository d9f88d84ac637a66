"""The measured libraries, and reduced counts for slow ones."""

from typing import NamedTuple

__all__ = ["BEFORE", "LIBRARIES", "OURS", "Library"]


class Library(NamedTuple):
    """One library: the module that measures it, and its distribution.

    `share` is the part of the counts that a slow library does. `crowd` is the maximum
    of actors that it spawns at once. `note` is printed below the table, `needs` if it
    is not installed.
    """

    name: str
    module: str
    distribution: str | None
    note: str
    share: float = 1.0
    crowd: int = 10_000
    needs: str = ""


OURS = "ccw-actors"
BEFORE = "before"
"""This package from another checkout, to see what a change costs or gains."""

LIBRARIES = (
    Library(
        OURS,
        "benchmarks.peers.ours",
        "ccw-actors",
        "default System and mailboxes, encoded messages, no observer",
    ),
    Library(
        "asyncio.Queue",
        "benchmarks.peers.queues",
        None,
        "hand-written: a Task and an unbounded queue for each actor, the same codec",
    ),
    Library(
        "call_soon",
        "benchmarks.peers.call_soon",
        None,
        "hand-written: one callback of the loop for each message, objects, no actors",
    ),
    Library(
        "pykka",
        "benchmarks.peers.threads",
        "pykka",
        "threads; objects by reference",
        share=0.2,
        crowd=1_000,
    ),
    Library(
        "xoscar",
        "benchmarks.peers.oscar",
        "xoscar",
        "one process, stock loop; an ask is a direct call; objects by reference",
        share=0.4,
    ),
    Library(
        "thespian",
        "benchmarks.peers.thespian_simple",
        "thespian",
        "simpleSystemBase: handlers run inside tell(); objects by reference",
        share=0.4,
    ),
    Library(
        "tapio",
        "benchmarks.peers.tapio_system",
        "tapio-py",
        "default settings: pydantic models, validated on tell",
        share=0.2,
    ),
    Library(
        "casty",
        "benchmarks.peers.casty_system",
        "casty",
        "one process, serialized; spawn includes the first message",
        share=0.4,
        needs="it needs Python 3.12 or later, see --python",
    ),
)
"""All libraries, in the order of the table's columns, ours first."""
