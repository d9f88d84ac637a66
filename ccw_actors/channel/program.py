"""The channel-program interpreter: a state machine without I/O.

    execution = begin(orb)
    while not isinstance(execution.action, End):
        execution = answered(execution, perform(execution.action))

An `Execution` is the whole state: you can encode it, copy it, and drop it between any
two actions when a halt or a clear has come. A call does the work of at most one CCW, so
a loop of CCWs is an endless number of calls, not an endless call. Errors in the program
end in the architecture's checks, never in an exception.

Prefetching: the data areas of a data chain are found before the device gets its
command, so a chain that changes its own later CCWs sees the old ones. Without the ORB's
prefetch bit that is so for output only: the CCWs of a chain of input are fetched as the
data reach them. A data chain of more CCWs than `Rules.chain_max` ends in a chaining
check if the transfer gets there.

Source: PoP, "CCW Interpretation" and "Conclusion of I/O Operations", as confirmed by
Hercules channel.c.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.channel._area import (
    Area,
    controlling,
    limited,
    sliced,
    violated,
    within,
)
from ccw_actors.channel._area_search import (
    first_idaw_fetched,
    idaws_fetched,
    midaws_fetched,
    search,
)
from ccw_actors.channel._conclusion import (
    CHECKS,
    checked,
    ended,
    has_wrong_length,
    over,
)
from ccw_actors.channel._orb import Orb
from ccw_actors.channel._scsw import Cstat, Dstat
from ccw_actors.channel.actions import (
    Answer,
    Continue,
    End,
    FetchData,
    Fetched,
    FetchWords,
    Interrupt,
    Perform,
    Stored,
    StoreData,
    Suspend,
    Words,
    WriteHeld,
)
from ccw_actors.channel.ccw import (
    CCW_LENGTH,
    Ccw,
    Command,
    is_input,
    is_invalid,
    is_read_backward,
    is_tic,
)
from ccw_actors.channel.command import OPEN_COUNT, CommandEnd, DeviceCommand
from ccw_actors.channel.execution import Execution, Rules

__all__ = ["answered", "begin", "ended"]

_CD: Final = Ccw.chain_data.mask
_CC: Final = Ccw.chain_command.mask
_SKIP: Final = Ccw.skip.mask
_PCI: Final = Ccw.program_controlled.mask
_IDA: Final = Ccw.indirect.mask
_SUSPEND: Final = Ccw.suspend.mask
_MIDA: Final = Ccw.midaw.mask
_NO_RULES: Final = Rules()


def begin(orb: Orb, rules: Rules = _NO_RULES) -> Execution:
    """Start the channel program of a valid ORB; the action fetches its first CCW."""
    nothing = End(0, 0, 0, orb.cpa, selected=False)
    execution = Execution(orb, nothing, orb.cpa, orb.cpa, rules=rules, last_cpa=orb.cpa)
    return _next_ccw(execution, orb.cpa)


def answered(execution: Execution, answer: Answer) -> Execution:
    """Continue with the answer to `execution.action`, up to the next action.

    Raises `AssertionError` for an answer of a type that the action does not ask for.
    """
    action = execution.action
    following = _ANSWERED.get((type(action), type(answer)))
    if following is None:
        raise AssertionError(f"{answer} does not answer {action}")
    return following(execution, answer)


# From CCW to CCW


def _next_ccw(execution: Execution, address: int) -> Execution:
    """Ask for the CCW at `address`; until it comes, the SCSW names a TIC to it."""
    orb = execution.orb
    cpa = execution.cpa if execution.tic else address + CCW_LENGTH
    limit = 1 << (31 if orb.format_1 else 24)
    if address % CCW_LENGTH or address + CCW_LENGTH > limit:
        execution = replace(execution, address=address, cpa=cpa)
        return _unusable(execution, Cstat.PROGRAM_CHECK)
    fetch = FetchWords(Words.CCW, address, CCW_LENGTH, orb.key)
    return replace(execution, address=address, cpa=cpa, action=fetch)


def _ccw_fetched(execution: Execution, answer: Fetched) -> Execution:
    if answer.check is not None:
        return _unusable(execution, CHECKS[answer.check])
    fmt = execution.orb.fmt
    ccw = Ccw.from_bytes(answer.data, fmt)
    cpa = execution.address + CCW_LENGTH
    if is_tic(ccw.code, fmt):
        return _transfer(replace(execution, cpa=cpa), ccw)
    execution = replace(execution, cpa=cpa, ccw=ccw, tic=False)
    if execution.areas:
        return _taken(execution, ccw)
    if is_invalid(ccw.code, fmt):
        # Only a CCW with command code x0 shows its own count; other bad ones do not.
        own = not ccw.code & 0x0F and execution.rules.show_end
        shown = ccw.count if own else execution.count
        return _unusable(replace(execution, count=shown), Cstat.PROGRAM_CHECK)
    return _taken(replace(execution, code=ccw.code), ccw)


def _taken(execution: Execution, ccw: Ccw) -> Execution:
    """Check count and flags of a CCW that is not a transfer in channel."""
    if not _is_usable(execution, ccw):
        return _unusable(execution, Cstat.PROGRAM_CHECK)
    if ccw.flags & _SUSPEND:
        stay = Suspend(execution.cpa, ccw.count)
        return replace(execution, count=ccw.count, action=stay)
    if ccw.flags & _PCI:
        return replace(execution, action=Interrupt(execution.cpa))
    return _find_area(execution)


def _is_usable(execution: Execution, ccw: Ccw) -> bool:
    chained_data = bool(execution.areas)
    if not ccw.count and (
        not execution.orb.format_1 or chained_data or ccw.flags & _CD
    ):
        return False
    if ccw.flags & _SUSPEND and (chained_data or not execution.orb.suspend):
        return False
    return not ccw.flags & _MIDA or (
        execution.orb.midaw and not ccw.flags & (_IDA | _SKIP)
    )


def _transfer(execution: Execution, ccw: Ccw) -> Execution:
    """Follow a TIC, which may neither come first nor follow another one."""
    first = not (execution.selected or execution.areas)
    reserved = execution.orb.format_1 and (ccw.flags or ccw.count)
    if first or execution.tic or reserved:
        return _unusable(execution, Cstat.PROGRAM_CHECK)
    return _next_ccw(replace(execution, tic=True), ccw.address)


def _unusable(execution: Execution, check: int) -> Execution:
    """End in a check at a CCW: now, or where the CCW would continue a data chain."""
    if execution.areas:
        bad = Area(execution.cpa, check=check)
        return _areas_found(replace(execution, areas=(*execution.areas, bad)))
    return over(execution, 0, check)


# The data area of a CCW


def _find_area(execution: Execution) -> Execution:
    return _searched(execution, search(execution))


def _searched(execution: Execution, found: Area | FetchWords) -> Execution:
    """Continue with the area, or fetch the words that the search for it needs."""
    if isinstance(found, FetchWords):
        return replace(execution, action=found)
    return _area_found(execution, found)


def _area_found(execution: Execution, area: Area) -> Execution:
    """Continue with the CCW that continues the data, or with the command."""
    rules = execution.rules
    area = within(area, rules.low, rules.high)
    execution = replace(execution, areas=(*execution.areas, area))
    end = execution.end
    if end is not None and not end.wants_area:
        return _store(execution, end)
    if not area.flags & _CD or _fetches_late(execution):
        return _areas_found(execution)
    return _next_of_data_chain(execution)


def _fetches_late(execution: Execution) -> bool:
    """Whether the rest of a data chain is fetched only when the data reach it.

    A virtual device that wants the content of its area gets the whole area.
    """
    may_prefetch = execution.orb.prefetch or execution.end is not None
    return is_input(execution.code) and not may_prefetch


def _next_of_data_chain(execution: Execution) -> Execution:
    if len(execution.areas) >= execution.rules.chain_max:
        return _unusable(execution, Cstat.CHAINING_CHECK)
    return _next_ccw(execution, execution.address + CCW_LENGTH)


# The command


def _areas_found(execution: Execution) -> Execution:
    end = execution.end
    if end is not None:
        return _fetch_areas(execution) if end.wants_area else _stop(execution, end)
    # No-operation moves no data, so no check of its areas is ever met.
    if execution.code == Command.NOOP or is_input(execution.code):
        return _perform(execution, b"")
    return _fetch_areas(execution)


def _fetch_areas(execution: Execution) -> Execution:
    """Ask for the content of the areas, as far as they are usable."""
    pieces: list[tuple[int, int]] = []
    for area in execution.areas:
        pieces += ((at, length) for at, length in area.pieces if at is not None)
        if area.covered < area.count:
            break
    if not pieces:
        return _perform(execution, b"")
    return replace(execution, action=FetchData(tuple(pieces), execution.orb.key))


def _data_fetched(execution: Execution, answer: Fetched) -> Execution:
    if answer.check is not None:
        areas = limited(execution.areas, len(answer.data), CHECKS[answer.check])
        execution = replace(execution, areas=areas)
    return _perform(execution, answer.data)


def _perform(execution: Execution, data: bytes) -> Execution:
    end, last = execution.end, execution.areas[-1]
    is_open = bool(last.flags & _CD)
    command = DeviceCommand(
        code=execution.code,
        count=OPEN_COUNT if is_open else _total(execution),
        data=data,
        chained=execution.selected and not execution.resumed,
        area=end is not None and end.wants_area,
        chaining=is_open or bool(last.flags & _CC),
        suspendable=execution.orb.suspend,
    )
    return replace(execution, action=Perform(command), late=is_open)


def _performed(execution: Execution, end: CommandEnd) -> Execution:
    if end.holds != execution.holding:
        execution = replace(execution, holding=end.holds)
    is_open = execution.areas[-1].flags & _CD
    if end.wants_area and execution.end is None:
        execution = replace(execution, end=CommandEnd(0, wants_area=True))
        return _next_of_data_chain(execution) if is_open else _fetch_areas(execution)
    moved = max(end.transferred, 0)
    if not is_open:
        moved = min(moved, _total(execution))
    end = replace(end, transferred=moved, length=max(end.length, moved))
    if is_input(execution.code):
        return _store(execution, end)
    return _concluded(execution, end)


def _store(execution: Execution, end: CommandEnd) -> Execution:
    """Store what belongs into the areas found since the last time."""
    fresh = _fresh(execution)
    first = _total(execution) - sum(area.count for area in fresh)
    data = end.data[first : end.transferred]
    backward = is_read_backward(execution.code)
    pieces = tuple(sliced(fresh, data, backward=backward))
    # Data that no later CCW can take are dropped: the state stays small.
    rest = end.data if execution.areas[-1].flags & _CD else b""
    execution = replace(execution, end=replace(end, data=rest))
    if pieces:
        return replace(execution, action=StoreData(pieces, execution.orb.key))
    return _stop_or_go_on(execution)


def _fresh(execution: Execution) -> tuple[Area, ...]:
    """Return the areas that are stored into together: one by one if fetched late."""
    return execution.areas[-1:] if execution.late else execution.areas


def _stored(execution: Execution, answer: Stored) -> Execution:
    if answer.check is not None:
        fresh = _fresh(execution)
        before = execution.areas[: len(execution.areas) - len(fresh)]
        areas = before + limited(fresh, answer.count, CHECKS[answer.check])
        execution = replace(execution, areas=areas)
    return _stop_or_go_on(execution)


def _stop_or_go_on(execution: Execution) -> Execution:
    """Go on with the next CCW of a data chain, if the data have reached its end."""
    end, total = execution.end, _total(execution)
    assert end is not None
    goes_on = execution.areas[-1].flags & _CD and end.transferred >= total
    if goes_on and violated(execution.areas, total) is None:
        return _next_of_data_chain(execution)
    return _stop(execution, end)


def _stop(execution: Execution, end: CommandEnd) -> Execution:
    moved = min(end.transferred, _total(execution))
    return _concluded(execution, replace(end, data=b"", transferred=moved))


def _total(execution: Execution) -> int:
    """Return the bytes that the CCWs found so far give to the device."""
    return sum(area.count for area in execution.areas)


def _concluded(execution: Execution, end: CommandEnd) -> Execution:
    """Conclude a command: continue with the next one, or end the program."""
    total = _total(execution)
    if end.check:
        return over(replace(execution, selected=True, count=0), 0, end.check)
    reached = end.transferred if is_input(execution.code) else min(end.length, total)
    met = violated(execution.areas, reached)
    if met is not None:
        return checked(execution, end, *met)
    control, residual = controlling(execution.areas, end.transferred)
    first = not execution.selected
    execution = replace(
        execution,
        cpa=control.cpa,
        count=residual,
        selected=True,
        end=None,
        last_cpa=control.cpa,
        resumed=False,
    )
    if has_wrong_length(execution.orb, control, residual, end, total):
        return over(execution, end.status, Cstat.INCORRECT_LENGTH)
    if control.flags & (_CC | _CD) == _CC and end.is_normal:
        return _chained(execution, end)
    refused = first and not end.status & Dstat.CHANNEL_END
    return over(execution, end.status, 0, deferred_cc=1 if refused else 0)


def _chained(execution: Execution, end: CommandEnd) -> Execution:
    """Continue with the next CCW, or skip it if the device set status modifier."""
    skipped = CCW_LENGTH if end.status & Dstat.STATUS_MODIFIER else 0
    following = execution.address + CCW_LENGTH + skipped
    return _next_ccw(replace(execution, areas=()), following)


def _held_written(execution: Execution, answer: CommandEnd) -> Execution:
    """End as it was to; if the device could not write, its unit check comes with it."""
    assert isinstance(execution.action, WriteHeld)
    end = execution.action.end
    failed = answer.status if answer.status & Dstat.UNIT_CHECK else 0
    return replace(
        execution, action=replace(end, dstat=end.dstat | failed), holding=False
    )


def _words_fetched(execution: Execution, answer: Fetched) -> Execution:
    action = execution.action
    assert isinstance(action, FetchWords)
    if action.what == Words.CCW:
        return _ccw_fetched(execution, answer)
    return _searched(execution, _FETCHED[action.what](execution, answer))


def _interrupted(execution: Execution, _answer: Continue) -> Execution:
    return _find_area(execution)


def _continued(execution: Execution, _answer: Continue) -> Execution:
    return _next_ccw(replace(execution, resumed=True), execution.address)


_FETCHED: Final[Mapping[Words, Callable[[Execution, Fetched], Area | FetchWords]]] = {
    Words.FIRST_IDAW: first_idaw_fetched,
    Words.IDAWS: idaws_fetched,
    Words.MIDAWS: midaws_fetched,
}
_ANSWERED: Final[dict[tuple[type, type], Callable[[Execution, Any], Execution]]] = {
    (FetchWords, Fetched): _words_fetched,
    (FetchData, Fetched): _data_fetched,
    (Perform, CommandEnd): _performed,
    (StoreData, Stored): _stored,
    (Interrupt, Continue): _interrupted,
    (Suspend, Continue): _continued,
    (WriteHeld, CommandEnd): _held_written,
}
"""By the types of an action and its answer."""
