"""The search for the data area of a CCW, which may first need its IDAWs or MIDAWs.

Each function returns the area, or the words that have to be fetched before it is known.

Source: PoP, "Channel Indirect Data Addressing" and "Modified CCW Indirect Data
Addressing".
"""

from typing import Final

from ccw_actors.channel._area import (
    Area,
    direct,
    idaw_length,
    idaws_wanted,
    indirect,
    midaws_length,
    scattered,
)
from ccw_actors.channel._conclusion import CHECKS
from ccw_actors.channel._scsw import Cstat
from ccw_actors.channel.actions import Fetched, FetchWords, Words
from ccw_actors.channel.ccw import Ccw, is_input, is_read_backward
from ccw_actors.channel.execution import Execution

__all__ = ["first_idaw_fetched", "idaws_fetched", "midaws_fetched", "search"]

_IDA: Final = Ccw.indirect.mask
_MIDA: Final = Ccw.midaw.mask
_SKIP: Final = Ccw.skip.mask


def search(execution: Execution) -> Area | FetchWords:
    """Return the area of the current CCW, or the first words of its list."""
    ccw, orb = execution.ccw, execution.orb
    if ccw.flags & _MIDA and ccw.count:
        length = midaws_length(ccw)
        if not length:
            return _scattered(execution, b"", Cstat.PROGRAM_CHECK)
        return FetchWords(Words.MIDAWS, ccw.address, length, orb.key)
    skip = bool(ccw.flags & _SKIP) and is_input(execution.code)
    if not ccw.flags & _IDA or skip or not ccw.count:
        backward = is_read_backward(execution.code)
        return direct(ccw, execution.cpa, orb.fmt, backward=backward, skip=skip)
    size = idaw_length(orb)
    if ccw.address % size or ccw.address >> 31:
        return _indirect(execution, b"", Cstat.PROGRAM_CHECK)
    return FetchWords(Words.FIRST_IDAW, ccw.address, size, orb.key)


def first_idaw_fetched(execution: Execution, answer: Fetched) -> Area | FetchWords:
    """Return the area if one IDAW is all; otherwise fetch the whole list.

    The first IDAW is fetched again with the others: one list, one state less.
    """
    if answer.check is not None:
        return _indirect(execution, b"", CHECKS[answer.check])
    orb, ccw = execution.orb, execution.ccw
    wanted = idaws_wanted(
        orb,
        int.from_bytes(answer.data, "big"),
        ccw.count,
        backward=is_read_backward(execution.code),
    )
    if wanted == 1:
        return _indirect(execution, answer.data)
    return FetchWords(Words.IDAWS, ccw.address, wanted * idaw_length(orb), orb.key)


def idaws_fetched(execution: Execution, answer: Fetched) -> Area:
    """Return the area that these IDAWs name."""
    check = 0 if answer.check is None else CHECKS[answer.check]
    return _indirect(execution, answer.data, check)


def midaws_fetched(execution: Execution, answer: Fetched) -> Area:
    """Return the area that these MIDAWs name."""
    check = 0 if answer.check is None else CHECKS[answer.check]
    return _scattered(execution, answer.data, check)


def _indirect(execution: Execution, idaws: bytes, check: int = 0) -> Area:
    return indirect(
        execution.ccw,
        execution.cpa,
        execution.orb,
        idaws,
        backward=is_read_backward(execution.code),
        check=check,
    )


def _scattered(execution: Execution, midaws: bytes, check: int) -> Area:
    return scattered(
        execution.ccw,
        execution.cpa,
        midaws,
        backward=is_read_backward(execution.code),
        skips=is_input(execution.code),
        check=check,
    )
