"""Shell completion: the names that may follow, for the word that is being typed.

A shell runs the command for each completion, so nothing here takes longer than reading
one file. Where no name fits, the shell completes file names.

Each function imports what it needs: a command that runs completes nothing.
"""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ccw_actors.errors import CcwActorsError

if TYPE_CHECKING:
    from ccw_actors.conformance import Case

__all__ = [
    "block_types",
    "cases",
    "categories",
    "designs",
    "disk_types",
    "effects",
    "emulators",
    "explorable_scenarios",
    "models",
    "running_machines",
    "sense_names",
    "verdict_scenarios",
]


def explorable_scenarios(incomplete: str) -> list[str]:
    """Complete a scenario of the package, or a cell of the verdict table."""
    from ccw_actors.scenarios import SCENARIOS
    from ccw_actors.verdicts import cells_of

    # There are hundreds of cells, so they are offered only for a "v".
    if not incomplete.startswith("v"):
        return _fitting(SCENARIOS, incomplete)
    cells = (cell.scenario_name() for cell in cells_of((), (), ()))
    return _fitting(chain(SCENARIOS, cells), incomplete)


def designs(incomplete: str) -> list[str]:
    """Complete a design of the verdict table."""
    from ccw_actors.verdicts import DESIGN_NAMES

    return _fitting(DESIGN_NAMES, incomplete)


def models(incomplete: str) -> list[str]:
    """Complete a model that a trace is checked against."""
    from ccw_actors.designs import DESIGNS

    return _fitting((*DESIGNS, "ccw-actors"), incomplete)


def emulators(incomplete: str) -> list[str]:
    """Complete an emulator of the verdict table."""
    from ccw_actors.verdicts import EMULATORS

    return _fitting(EMULATORS, incomplete)


def verdict_scenarios(incomplete: str) -> list[str]:
    """Complete a scenario of the verdict table."""
    from ccw_actors.verdicts import VERDICT_SCENARIOS

    return _fitting(VERDICT_SCENARIOS, incomplete)


def running_machines(incomplete: str) -> list[str]:
    """Complete the name of a machine that is running as this user."""
    from ccw_actors.control import machine_names

    try:
        return _fitting(machine_names(), incomplete)
    except (CcwActorsError, OSError):
        return []


def effects(incomplete: str) -> list[str]:
    """Complete what a fault does."""
    from ccw_actors.faults import EFFECTS

    return _fitting(EFFECTS, incomplete)


def sense_names(incomplete: str) -> list[str]:
    """Complete the name of sense data."""
    from ccw_actors.faults import SENSE_NAMES

    return _fitting(SENSE_NAMES, incomplete)


def categories(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a category of the file of golden vectors on the command line."""
    return _fitting({case.category for case in _vectors(ctx)}, incomplete)


def cases(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a case of the file of golden vectors on the command line."""
    return _fitting((case.name for case in _vectors(ctx)), incomplete)


def disk_types(incomplete: str) -> list[str]:
    """Complete the type and model of a disk, as 3390-3."""
    from ccw_actors.devices.ckd_types import CKD_TYPES
    from ccw_actors.devices.fba_image import FBA_TYPES

    tracks = (f"{kind.name}-{model}" for kind in CKD_TYPES for model in kind.models)
    blocks = (
        f"{kind}-{model}" for kind, models in FBA_TYPES.items() for model in models
    )
    return _fitting((one.rstrip("-") for one in chain(tracks, blocks)), incomplete)


def block_types(incomplete: str) -> list[str]:
    """Complete the type of a raw image of blocks."""
    from ccw_actors.devices.fba_image import FBA_TYPES

    return _fitting(FBA_TYPES, incomplete)


def _vectors(ctx: typer.Context) -> "tuple[Case, ...]":
    """Return the cases of the file on the command line; none if it cannot be read."""
    from ccw_actors.conformance import VECTORS_SIZE_MAX, load

    # Behind an option that has no value yet, the file is among what was not parsed.
    files = [ctx.params.get("file"), *ctx.args]
    try:
        return load(Path(next(filter(None, files))), size_max=VECTORS_SIZE_MAX)
    except (StopIteration, CcwActorsError, OSError):
        return ()


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
