"""Makes the picture of a cell of the verdict table."""

from msgspec.structs import replace

from ccw_actors.errors import CcwActorsError
from ccw_actors.show._counterexample import picture_of_counterexample
from ccw_actors.show._picture import Picture
from ccw_actors.verdicts import (
    EMULATORS,
    CellName,
    cell_scenario,
    command,
    counterexample_of,
    design_row,
    load,
    recall,
    share,
)

__all__ = ["NothingToShowError", "picture_of_cell"]


class NothingToShowError(CcwActorsError):
    """A cell has no counterexample; the text says what its verdict is."""


def picture_of_cell(name: CellName, *, seconds_max: float | None = None) -> Picture:
    """Return the picture of the counterexample that is saved for a cell.

    `seconds_max` is as for `picture_of_counterexample`.

    Raises:
        NothingToShowError: The cell is not refuted, or is not saved.
        ReplayError: A step is not possible: the models have changed.
    """
    cell = next((one for one in load().cells if CellName.of(one) == name), None)
    if cell is None:
        raise NothingToShowError(f"{name}: the saved table has no such cell")
    known = recall([cell])[0].counterexample
    if known is None:
        raise NothingToShowError(
            f"{name} is {cell.verdict}; expected a refuted cell, which has a"
            " counterexample"
        )
    path = counterexample_of(cell)
    picture = picture_of_counterexample(
        known,
        cell_scenario(name),
        name.scenario_name(),
        file="" if path is None else str(path),
        seconds_max=seconds_max,
    )
    of = name.verdict_scenario
    facts = (
        ("design", f"{name.design}: {design_row(name.design).title}"),
        *((("emulator", EMULATORS[name.emulator].title),) if name.emulator else ()),
        ("scenario", f"{of.title}. {of.summary[:1].upper()}{of.summary[1:]}."),
        ("share", share(cell)),
    )
    return replace(
        picture,
        source="cell of the verdict table",
        summary=cell.why or picture.summary,
        facts=(*(fact for fact in facts if fact[1]), *picture.facts),
        commands=(*picture.commands, command(cell)),
    )
