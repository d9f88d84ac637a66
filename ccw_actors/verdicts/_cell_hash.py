"""Hashes of cells and of counterexamples, to compare them with saved ones."""

import hashlib
from typing import Final

import msgspec
from msgspec.structs import replace

from ccw_actors.explore import Counterexample
from ccw_actors.verdicts._fingerprint import fingerprint
from ccw_actors.verdicts._names import CellName
from ccw_actors.verdicts._rows import HOST_SIDE_ONLY, OUR_DESIGN

__all__ = ["cell_hash", "counterexample_name"]

_MODELS: Final = ("actors", "channel", "designs")
_SCENARIO: Final = (
    "machine/_wiring.py",
    "scenarios/_machine.py",
    "scenarios/_operations.py",
    "scenarios/_properties.py",
    "verdicts/_conditions.py",
    "verdicts/_guest.py",
    "verdicts/_guest_monitor.py",
    "verdicts/_invariants.py",
    "verdicts/_machine.py",
    "verdicts/_programs.py",
    "verdicts/_rows.py",
    "verdicts/_scenario.py",
    "verdicts/_scenarios.py",
    "verdicts/_wiring.py",
)
_ENGINE: Final = ("explore", "runtime", "transport", "verdicts/_explore.py")

_SEVERAL: Final = ("explore/shares", "runtime/links", "transport/links")
"""Left out of the engine: a cell is explored in one process."""


def cell_hash(name: CellName) -> str:
    """Return the fingerprint of a cell: of its models, its scenario and the engine."""
    is_own = name.design in (OUR_DESIGN, HOST_SIDE_ONLY)
    models = fingerprint(*_MODELS, *(("devices",) if is_own else ()))
    machine = "_own_machine.py" if is_own else "_linux_machine.py"
    scenario = fingerprint(*_SCENARIO, f"verdicts/{machine}")
    return f"{models}-{scenario}-{fingerprint(*_ENGINE, without=_SEVERAL)}"


def counterexample_name(known: Counterexample) -> str:
    """Return the name of the file of a counterexample.

    It depends only on the steps and the fault: cells that have these in common share a
    file, of whatever design they are and whichever version found them.
    """
    same = replace(known, scenario="", version="", shown=())
    digest = hashlib.sha256(msgspec.json.encode(same)).hexdigest()
    return f"{digest[:16]}.json"
