"""Runs the script of a golden vector, and returns what is observed."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ccw_actors.conformance._handlers import HANDLERS
from ccw_actors.conformance._player import Deviation, Player
from ccw_actors.conformance._vector_machine import VectorMachine
from ccw_actors.conformance._vectors import Entry, Script, address_of

__all__ = ["WATCHED", "Observation", "play"]

WATCHED = range(0x40000, 0x80000)
"""The storage whose changes are part of an observation."""


class Observation(Struct, frozen=True):
    """The values observed: an entry for each instruction, and storage at the end.

    `storage` has the watched range. `stated` has pieces of it that a golden vector
    states one by one, as pairs (address, content), which may overlap; it is empty for
    the run of a script.
    """

    entries: tuple[Entry, ...]
    storage: bytes
    stated: tuple[tuple[int, bytes], ...] = ()


def play(
    script: Script, images: Path, scratch: Path, deviations: Sequence[Deviation] = ()
) -> Observation:
    """Run a script on a fresh machine.

    Args:
        script: The instructions, and the devices that they use.
        images: The folder of the images that the setup names.
        scratch: A directory for copies of them.
        deviations: How the host departs from the architecture; new ones for each run.

    Raises:
        UnsupportedSetupError: A device or an operator command is not supported.
        VectorError: It cannot be understood.
    """
    options = tuple(one for deviation in deviations for one in deviation.options)
    machine = VectorMachine(script.setup, images, scratch, options)
    try:
        player = Player(machine, HANDLERS, deviations)
        for address, content in script.storage.items():
            player.store(address_of(address), bytes.fromhex(content))
        entries = tuple(player.observe(one) for one in script.instructions)
        player.finish()
        return Observation(entries, player.fetch(WATCHED.start, len(WATCHED)))
    finally:
        machine.close()
