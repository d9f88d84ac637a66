"""The life cycle of the start, halt and clear functions as one table.

The table has the condition code of every I/O instruction and its changes of FC, AC and
SC, and the changes by events inside the subchannel until status is pending. Rows of one
event are tried from the top; the first one that holds applies. A host's subchannel and
a guest's use the same functions. The data of a status (CCW address, device status,
count) are arguments.

Source: PoP, chapter "I/O Instructions" and "Subchannel-Status Word", as confirmed by
QEMU hw/s390x/css.c and Hercules channel.c. Start pending and suspended outlive a halt:
they end at TEST SUBCHANNEL, where they show how far the start had come.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from ccw_actors.channel._orb import Orb
from ccw_actors.channel._schib import Pmcw, Schib
from ccw_actors.channel._scsw import Actl, Cstat, Dstat, Fctl, Scsw, Stctl
from ccw_actors.channel._table import (
    Condition,
    How,
    Row,
    first_match,
    markdown,
    minus,
    plus,
    to,
)

__all__ = [
    "FROM_ORB",
    "TABLE",
    "accepted",
    "as_markdown",
    "cancel",
    "clear",
    "clear_signalled",
    "cleared",
    "device_ended",
    "ended",
    "halt",
    "halt_signalled",
    "modify",
    "no_path",
    "program_controlled",
    "reset",
    "resume",
    "resumed",
    "start",
    "started",
    "suspended",
    "test",
    "unsolicited",
]

_ACTIVE: Final = Actl.ACTIVE
_INTERMEDIATE: Final = Stctl.INTERMEDIATE_STATUS
_FINAL: Final = Stctl.FINAL_STATUS
_PRIMARY: Final = Stctl.PRIMARY | Stctl.PENDING
_SECONDARY: Final = Stctl.SECONDARY | Stctl.PENDING
_PCI: Final = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
FROM_ORB: Final = 0xF8F8

_OPERATIONAL: Final = Pmcw.enabled.mask | Pmcw.valid.mask
_NOT_OPERATIONAL: Final = Condition("pmcw", How.NOT_ALL, _OPERATIONAL)
_PENDING: Final = Condition("stctl", How.ANY, Stctl.PENDING)
_NOT_PENDING: Final = Condition("stctl", How.NONE, Stctl.PENDING)
_ONLY_INTERMEDIATE: Final = Condition("stctl", How.EXACTLY, _INTERMEDIATE)
_ANY_FUNCTION: Final = Condition("fctl", How.ANY, Fctl.START | Fctl.HALT | Fctl.CLEAR)
_NO_FUNCTION: Final = Condition("fctl", How.EXACTLY, 0)
_SUSPENDED: Final = Condition("actl", How.ANY, Actl.SUSPENDED)
_NO_CHECK: Final = Condition("cstat", How.NONE, 0xFF & ~_PCI)

_TESTED: Final = minus(
    Actl.RESUME_PENDING
    | Actl.START_PENDING
    | Actl.HALT_PENDING
    | Actl.CLEAR_PENDING
    | Actl.SUSPENDED
)
_DROP_N: Final = minus(Scsw.path_not_operational.mask)


def _is(field: str, value: int) -> Condition:
    return Condition(field, How.EXACTLY, value)


def _has(field: str, mask: int) -> Condition:
    return Condition(field, How.ANY, mask)


def _lacks(field: str, mask: int) -> Condition:
    return Condition(field, How.NONE, mask)


# fmt: off
TABLE: Final = (
    Row("SSCH", (_NOT_OPERATIONAL,), 3),
    Row("SSCH", (_lacks("paths", 0xFF),), 3),
    Row("SSCH", (_PENDING,), 1),
    Row("SSCH", (_ANY_FUNCTION,), 2),
    Row("SSCH", (), 0,
        fctl=plus(Fctl.START), actl=plus(Actl.START_PENDING), stctl=to(0)),

    Row("HSCH", (_NOT_OPERATIONAL,), 3),
    Row("HSCH", (_is("stctl", Stctl.PENDING),), 1),
    Row("HSCH",
        (_PENDING, _has("stctl", Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY)), 1),
    Row("HSCH", (_has("fctl", Fctl.HALT | Fctl.CLEAR),), 2),
    Row("HSCH", (_SUSPENDED,), 0,
        fctl=plus(Fctl.HALT), actl=plus(Actl.HALT_PENDING)),
    Row("HSCH", (), 0,
        fctl=plus(Fctl.HALT), actl=plus(Actl.HALT_PENDING), stctl=to(0)),

    Row("CSCH", (_NOT_OPERATIONAL,), 3),
    Row("CSCH", (), 0,
        fctl=to(Fctl.CLEAR), actl=to(Actl.CLEAR_PENDING), stctl=to(0)),

    Row("RSCH", (_NOT_OPERATIONAL,), 3),
    Row("RSCH", (_PENDING,), 1),
    Row("RSCH", (_is("fctl", Fctl.START), _is("actl", Actl.SUSPENDED)), 0,
        actl=plus(Actl.RESUME_PENDING)),
    Row("RSCH", (), 2),

    Row("XSCH", (_NOT_OPERATIONAL,), 3),
    Row("XSCH", (_PENDING,), 1),
    Row("XSCH", (
            _is("fctl", Fctl.START),
            _has("actl", Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED),
            _lacks("actl", Actl.SUBCHANNEL_ACTIVE),
        ), 0,
        fctl=minus(Fctl.START),
        actl=minus(Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED)),
    Row("XSCH", (), 2),

    Row("TSCH", (_NOT_OPERATIONAL,), 3),
    Row("TSCH", (_NOT_PENDING,), 1),
    Row("TSCH", (_ONLY_INTERMEDIATE, _lacks("actl", Actl.SUSPENDED)), 0,
        stctl=to(0)),
    Row("TSCH", (_ONLY_INTERMEDIATE, _is("fctl", Fctl.START)), 0,
        actl=minus(Actl.RESUME_PENDING), stctl=to(0), flags=_DROP_N),
    Row("TSCH", (), 0,
        fctl=to(0), actl=_TESTED, stctl=to(0), flags=_DROP_N),

    Row("MSCH", (_PENDING,), 1),
    Row("MSCH", (_ANY_FUNCTION,), 2),
    Row("MSCH", (), 0),

    Row("first command accepted", (_has("flags", Scsw.initial_status.mask),),
        actl=minus(Actl.START_PENDING, _ACTIVE), stctl=plus(_INTERMEDIATE),
        flags=plus(Scsw.zero_condition.mask)),
    Row("first command accepted", (),
        actl=minus(Actl.START_PENDING, _ACTIVE)),
    Row("program-controlled interruption", (),
        actl=minus(Actl.START_PENDING, _ACTIVE), stctl=plus(_INTERMEDIATE)),
    Row("suspended", (_has("flags", Scsw.suppress_suspended.mask),),
        actl=minus(Actl.START_PENDING | _ACTIVE, Actl.SUSPENDED)),
    Row("suspended", (),
        actl=minus(Actl.START_PENDING | _ACTIVE, Actl.SUSPENDED),
        stctl=plus(_INTERMEDIATE)),
    Row("resumed", (_has("actl", Actl.RESUME_PENDING),),
        actl=minus(Actl.RESUME_PENDING | Actl.SUSPENDED, _ACTIVE)),

    Row("ended", (_is("dstat", Dstat.CHANNEL_END), _NO_CHECK),
        actl=minus(Actl.START_PENDING | Actl.SUBCHANNEL_ACTIVE),
        stctl=plus(_PRIMARY)),
    Row("ended",
        (_has("dstat", Dstat.CHANNEL_END), _lacks("dstat", Dstat.DEVICE_END)),
        actl=minus(Actl.START_PENDING | Actl.SUBCHANNEL_ACTIVE),
        stctl=plus(_PRIMARY | Stctl.ALERT)),
    Row("ended", (_is("dstat", Dstat.CHANNEL_AND_DEVICE_END), _NO_CHECK),
        actl=minus(Actl.START_PENDING | _ACTIVE), stctl=plus(_FINAL)),
    Row("ended", (),
        actl=minus(Actl.START_PENDING | _ACTIVE), stctl=plus(_FINAL | Stctl.ALERT)),
    Row("device ended", (_is("dstat", Dstat.DEVICE_END),),
        actl=minus(Actl.DEVICE_ACTIVE), stctl=plus(_SECONDARY)),
    Row("device ended", (),
        actl=minus(Actl.DEVICE_ACTIVE), stctl=plus(_SECONDARY | Stctl.ALERT)),
    Row("no path", (),
        actl=minus(Actl.START_PENDING), stctl=plus(Stctl.UNSOLICITED_STATUS),
        flags=plus(0x0300)),
    Row("unsolicited status",
        (_NO_FUNCTION, _NOT_PENDING, _lacks("actl", Actl.DEVICE_ACTIVE)),
        stctl=plus(Stctl.UNSOLICITED_STATUS)),
    Row("halt signalled",
        (_has("actl", Actl.HALT_PENDING), _has("actl", Actl.DEVICE_ACTIVE)),
        actl=minus(Actl.HALT_PENDING)),
    Row("halt signalled", (_has("actl", Actl.HALT_PENDING),),
        actl=minus(Actl.HALT_PENDING), stctl=plus(Stctl.PENDING)),
    Row("clear signalled", (_has("actl", Actl.CLEAR_PENDING),),
        fctl=to(Fctl.CLEAR), actl=to(0), stctl=to(Stctl.PENDING), flags=to(0)),
    Row("reset", (), fctl=to(0), actl=to(0), stctl=to(0), flags=to(0)),
)
# fmt: on

_BY_EVENT: Final = {
    event: tuple(row for row in TABLE if row.event == event)
    for event in dict.fromkeys(row.event for row in TABLE)
}
_TITLES: Final = {
    "fctl": "FC",
    "actl": "AC",
    "stctl": "SC",
    "flags": "flags",
    "pmcw": "PMCW",
    "paths": "ORB LPM and PAM",
    "dstat": "device status",
    "cstat": "subchannel status",
}
_FIELDS: Final = (
    *("flags", "fctl", "actl", "stctl"),
    *("pmcw", "paths", "dstat", "cstat"),
)
"""What a row may look at: fields of the SCSW, and inputs of the event."""
_NAMES: Final = {
    "fctl": Fctl.NAMES,
    "actl": Actl.NAMES,
    "stctl": Stctl.NAMES,
    "flags": {
        0x0300: "deferred-cc-3",
        Scsw.initial_status.mask: "I",
        Scsw.suppress_suspended.mask: "U",
        Scsw.zero_condition.mask: "Z",
        Scsw.path_not_operational.mask: "N",
    },
    "pmcw": {Pmcw.enabled.mask: "enabled", Pmcw.valid.mask: "valid"},
    "paths": {0xFF: "the paths"},
    "dstat": Dstat.NAMES,
    "cstat": {0xFF & ~_PCI: "the checks"},
}


def as_markdown() -> str:
    """Render the table for documents; rows of one event are tried from the top."""
    return markdown(TABLE, _TITLES, _NAMES)


class _Effect(NamedTuple):
    """What an event does: the condition code, and the fields that it may change."""

    cc: int | None
    flags: int
    fctl: int
    actl: int
    stctl: int


@lru_cache(maxsize=4096)
def _effect(event: str, *values: int) -> _Effect | None:
    """Look the event up in the table; None if no row holds.

    `values` are those of `_FIELDS`, as far as the event's rows look at them.
    Subchannels are in few states, so what a row does to each of them is remembered.
    """
    row = first_match(_BY_EVENT[event], dict(zip(_FIELDS, values, strict=False)))
    if row is None:
        return None
    flags, fctl, actl, stctl, *_ = values
    return _Effect(
        row.cc, row.flags(flags), row.fctl(fctl), row.actl(actl), row.stctl(stctl)
    )


def _changed(effect: _Effect, scsw: Scsw) -> Scsw:
    _, flags, fctl, actl, stctl = effect
    return Scsw(flags, fctl, actl, stctl, scsw.cpa, scsw.dstat, scsw.cstat, scsw.count)


def _instruction(
    event: str, scsw: Scsw, pmcw: int = 0, paths: int = 0
) -> tuple[int, Scsw]:
    effect = _effect(event, scsw.flags, scsw.fctl, scsw.actl, scsw.stctl, pmcw, paths)
    assert effect is not None
    assert effect.cc is not None, f"{event} is no instruction"
    return effect.cc, _changed(effect, scsw)


def _happened(event: str, scsw: Scsw, dstat: int = 0, cstat: int = 0) -> Scsw:
    effect = _effect(
        event, scsw.flags, scsw.fctl, scsw.actl, scsw.stctl, 0, 0, dstat, cstat
    )
    assert effect is not None, f"{event} cannot happen to {scsw}"
    return _changed(effect, scsw)


def start(scsw: Scsw, pmcw: Pmcw, orb: Orb) -> tuple[int, Scsw]:
    """START SUBCHANNEL with a valid ORB: condition code, SCSW.

    After condition code 0, replace the PMCW by the one that `started` returns.
    """
    paths = orb.lpm & pmcw.pam
    cc, after = _instruction("SSCH", scsw, pmcw.flags & _OPERATIONAL, paths)
    if cc:
        return cc, scsw
    fresh = Scsw(flags=orb.flags & FROM_ORB, cpa=orb.cpa)
    return cc, replace(fresh, fctl=after.fctl, actl=after.actl, stctl=after.stctl)


def halt(scsw: Scsw, pmcw: Pmcw) -> tuple[int, Scsw]:
    """HALT SUBCHANNEL: condition code, SCSW."""
    return _instruction("HSCH", scsw, pmcw.flags & _OPERATIONAL)


def clear(scsw: Scsw, pmcw: Pmcw) -> tuple[int, Scsw]:
    """CLEAR SUBCHANNEL: condition code, SCSW; a pending interruption is cleared."""
    return _instruction("CSCH", scsw, pmcw.flags & _OPERATIONAL)


def resume(scsw: Scsw, pmcw: Pmcw) -> tuple[int, Scsw]:
    """RESUME SUBCHANNEL: condition code, SCSW."""
    return _instruction("RSCH", scsw, pmcw.flags & _OPERATIONAL)


def cancel(scsw: Scsw, pmcw: Pmcw) -> tuple[int, Scsw]:
    """CANCEL SUBCHANNEL: condition code, SCSW."""
    return _instruction("XSCH", scsw, pmcw.flags & _OPERATIONAL)


def test(scsw: Scsw, pmcw: Pmcw) -> tuple[int, Scsw]:
    """TEST SUBCHANNEL: condition code, the SCSW after its IRB has been stored.

    The IRB shows the SCSW given as the argument. With condition code 3 no IRB is
    stored. After unsolicited status alone, the SCSW is all zeros.
    """
    alone = scsw.stctl == Stctl.UNSOLICITED_STATUS and not scsw.fctl
    cc, after = _instruction("TSCH", scsw, pmcw.flags & _OPERATIONAL)
    return cc, Scsw() if alone and cc == 0 else after


def modify(schib: Schib, new: Schib) -> tuple[int, Schib]:
    """MODIFY SUBCHANNEL with a valid operand: condition code, SCHIB."""
    cc, _ = _instruction("MSCH", schib.scsw)
    return cc, schib if cc else schib.modified(new)


def accepted(scsw: Scsw) -> Scsw:
    """The device has taken the first command of the channel program."""
    return _happened("first command accepted", scsw)


def program_controlled(scsw: Scsw, cpa: int) -> Scsw:
    """A CCW with the PCI flag has taken control; `cpa` is its address plus 8."""
    after = _happened("program-controlled interruption", scsw)
    return replace(after, cpa=cpa, cstat=after.cstat | _PCI)


def suspended(scsw: Scsw, cpa: int, count: int) -> Scsw:
    """The program is suspended before a CCW with the suspend flag.

    Args:
        scsw: the subchannel's state.
        cpa: address of that CCW plus 8.
        count: its byte count.
    """
    return replace(_happened("suspended", scsw), cpa=cpa, dstat=0, count=count)


def resumed(scsw: Scsw) -> Scsw:
    """The channel program continues after RESUME SUBCHANNEL."""
    return _happened("resumed", scsw)


def ended(
    scsw: Scsw, *, dstat: int, cstat: int, count: int, cpa: int, deferred_cc: int = 0
) -> Scsw:
    """The start function has ended, normally, by a check or by a halt.

    With channel end alone the device stays active until `device_ended`. A PCI that has
    not been tested yet stays in the subchannel status.
    """
    after = _happened("ended", scsw, dstat, cstat)
    untested = scsw.cstat & _PCI if scsw.stctl & Stctl.INTERMEDIATE else 0
    return replace(
        after, dstat=dstat, cstat=cstat | untested, count=count, cpa=cpa
    ).with_deferred_cc(deferred_cc)


def device_ended(scsw: Scsw, dstat: int) -> Scsw:
    """Device end has come after channel end; it joins a status not yet tested."""
    after = _happened("device ended", scsw, dstat)
    if scsw.pending:
        return replace(after, dstat=scsw.dstat | dstat)
    return replace(after, dstat=dstat, cstat=0, count=0)


def no_path(scsw: Scsw) -> Scsw:
    """No path to the device works: deferred condition code 3."""
    return _happened("no path", scsw)


def unsolicited(scsw: Scsw, dstat: int) -> Scsw | None:
    """Unsolicited status has come; None if the caller has to hold it.

    Hold it while a function is in progress, status is pending or device end is due.
    """
    effect = _effect("unsolicited status", scsw.flags, scsw.fctl, scsw.actl, scsw.stctl)
    if effect is None:
        return None
    return replace(_happened("unsolicited status", Scsw()), dstat=dstat)


def halt_signalled(scsw: Scsw) -> Scsw:
    """The halt signal has been sent; status is pending unless the device is active."""
    return _happened("halt signalled", scsw)


def clear_signalled(scsw: Scsw) -> Scsw:
    """The clear signal has been sent: status is pending."""
    after = _happened("clear signalled", scsw)
    return Scsw(fctl=after.fctl, actl=after.actl, stctl=after.stctl, flags=after.flags)


def started(pmcw: Pmcw, orb: Orb) -> Pmcw:
    """Return the PMCW after START: the ORB's parameter, and the path to be used."""
    usable = orb.lpm & pmcw.pam
    return replace(pmcw, intparm=orb.intparm, lpum=1 << (usable.bit_length() - 1))


def cleared(pmcw: Pmcw) -> Pmcw:
    """Return the PMCW after the clear signal: POM all ones, PNOM and LPUM zero."""
    return replace(pmcw, pnom=0, pom=0xFF, lpum=0)


def reset(scsw: Scsw) -> Scsw:
    """An I/O reset, or the loss of the subchannel."""
    after = _happened("reset", scsw)
    return Scsw(fctl=after.fctl, actl=after.actl, stctl=after.stctl, flags=after.flags)
