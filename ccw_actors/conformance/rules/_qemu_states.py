"""How QEMU 7.2 departs from the architecture in I/O instructions and status.

Source: the golden vectors of QEMU 7.2 (TCG) and QEMU hw/s390x/css.c; for the
architecture, the PoP, chapters "I/O Instructions" and "I/O Interruptions".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import Actl, Dstat, Fctl, Orb, Scsw, Stctl
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import Rule, schid_of

__all__ = [
    "CancelForgets",
    "ClearKeepsStatus",
    "HaltedIdle",
    "LatePathCheck",
    "NeverSuspendedPending",
    "StaleInterruption",
]

_PATH_ESW: Final = "0080".ljust(40, "0")


class LatePathCheck(Rule):
    """START SUBCHANNEL with no path that it may use."""

    demands = (
        "if the logical-path mask leaves no path, START ends with condition code 3"
    )
    does = "QEMU accepts it, and shows deferred condition code 3"

    def __init__(self) -> None:
        super().__init__()
        self._fails: set[int] = set()
        self._is_shown: set[int] = set()

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note that the START fails."""
        pmcw = player.schib(schid).pmcw
        self._fails.discard(schid)
        self._is_shown.discard(schid)
        if pmcw.enabled and not orb.lpm & pmcw.pam:
            self._fails.add(schid)
        return orb

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Accept the START, and show the status once."""
        schid = schid_of(one)
        if schid not in self._fails or one.op not in ("SSCH", "TSCH", "TSCHPOLL"):
            return None
        self.applied = True
        if one.op == "SSCH":
            return Entry(one.op, 0)
        if schid in self._is_shown:
            return None
        self._is_shown.add(schid)
        scsw = Scsw(
            flags=0x0300,
            fctl=Fctl.START,
            actl=Actl.START_PENDING,
            stctl=Stctl.UNSOLICITED_STATUS,
        )
        irb = scsw.to_bytes() + bytes.fromhex(_PATH_ESW)
        player.store(address, irb.ljust(64, b"\0"))
        return Entry(one.op, 0, irb=player.fetch(address, 96).hex())


class NeverSuspendedPending(Rule):
    """A program that is suspended."""

    demands = (
        "suspension makes intermediate status pending unless U is on; the SCSW shows S,"
        " the CCW that suspends and its count"
    )
    does = (
        "QEMU shows no status, address or count of a suspended program, nor S, but"
        " always makes an interruption pending, which TEST SUBCHANNEL does not"
        " withdraw; HALT ends it without a start function in the SCSW"
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: set[int] = set()
        self._due: list[int] = []
        self._halted: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note the programs that have been suspended since."""
        for schid in sorted(self._runs):
            if player.schib(schid).scsw.actl & Actl.SUSPENDED:
                self._runs.discard(schid)
                self._due.append(schid)
        schid = schid_of(one)
        if one.op == "HSCH" and player.schib(schid).scsw.actl & Actl.SUSPENDED:
            self._halted.add(schid)
        if one.op == "RSCH" and player.schib(schid).scsw.actl & Actl.SUSPENDED:
            self._runs.add(schid)
        if one.op in ("SSCH", "CSCH"):
            self._halted.discard(schid)
        super().before(player, one, address)

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Suspend without status pending."""
        if not orb.suspend:
            return orb
        self._runs.add(schid)
        return replace(orb, flags=orb.flags | Orb.suppress_suspended.mask)

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Deliver the interruption of a suspension."""
        if one.op in ("TPI", "TPIPOLL", "WAITIO"):
            for schid in self._due:
                code = _interruption_code(player, schid)
                if player.cr6 >> (31 - (code[8] >> 3 & 7)) & 1:
                    self._due.remove(schid)
                    self.applied = True
                    return _interrupted(player, one, address, code)
        return None

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show neither S nor the CCW that suspended."""
        halted = schid_of(one) in self._halted

        def change(scsw: Scsw) -> Scsw:
            shown = scsw.flags & ~(
                Scsw.suspend_control.mask | Scsw.suppress_suspended.mask
            )
            scsw = replace(scsw, flags=shown)
            if halted:
                return replace(scsw, fctl=scsw.fctl & ~Fctl.START, count=0)
            if scsw.actl & Actl.SUSPENDED:
                return replace(scsw, cpa=0, count=0)
            return scsw

        return self.edit(entry, change)


class CancelForgets(Rule):
    """CANCEL SUBCHANNEL of a suspended program."""

    demands = "the SCSW keeps the address and count of the suspended program"
    does = "QEMU shows zeros"

    def __init__(self) -> None:
        super().__init__()
        self._cancelled: set[int] = set()

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show zeros."""
        schid = schid_of(one)
        if one.op == "XSCH" and entry.cc == 0:
            self._cancelled.add(schid)
        elif one.op == "SSCH" and entry.cc == 0:
            self._cancelled.discard(schid)
        if schid not in self._cancelled:
            return entry
        return self.edit(entry, lambda scsw: replace(scsw, cpa=0, count=0))


class HaltedIdle(Rule):
    """HALT SUBCHANNEL with nothing to halt."""

    demands = "there is no device status when the device was not signalled"
    does = "QEMU shows device end"

    def __init__(self) -> None:
        super().__init__()
        self._halted: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note whether there is a START to halt."""
        schid = schid_of(one)
        if one.op == "HSCH":
            scsw = player.schib(schid).scsw
            if not scsw.fctl and not scsw.pending:
                self._halted.add(schid)
        elif one.op == "CSCH" or (
            one.op == "SSCH" and not player.schib(schid).scsw.pending
        ):
            self._halted.discard(schid)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show device end."""
        if schid_of(one) not in self._halted:
            return entry
        return self.edit(
            entry, lambda scsw: replace(scsw, dstat=scsw.dstat | Dstat.DEVICE_END)
        )


class ClearKeepsStatus(Rule):
    """CLEAR SUBCHANNEL after a start."""

    demands = "the clear function leaves nothing of an earlier status"
    does = (
        "QEMU keeps the status control, CCW address, count and ORB bits of the last"
        " start"
    )

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[int, Scsw] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note the SCSW of the last start."""
        schid = schid_of(one)
        if one.op == "CSCH":
            self._kept[schid] = player.schib(schid).scsw
        elif one.op == "SSCH":
            self._kept.pop(schid, None)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the noted fields again."""
        kept = self._kept.get(schid_of(one))
        if kept is None or one.op == "CSCH":
            return entry
        hidden = Scsw.suspend_control.mask | Scsw.suppress_suspended.mask
        suspended = kept.actl & Actl.SUSPENDED

        def change(scsw: Scsw) -> Scsw:
            stctl = kept.stctl if scsw.pending and not suspended else 0
            return replace(
                scsw,
                flags=scsw.flags | kept.flags & ~hidden,
                stctl=scsw.stctl | stctl,
                cpa=0 if suspended else kept.cpa,
                count=0 if suspended else kept.count,
            )

        return self.edit(entry, change)


class StaleInterruption(Rule):
    """An interruption whose status is gone."""

    demands = (
        "TEST and CLEAR SUBCHANNEL withdraw the interruption of the status they take"
    )
    does = "QEMU still delivers it later"

    def __init__(self) -> None:
        super().__init__()
        self._due: list[bytes] = []
        self._taken: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note the interruption that TEST or CLEAR should withdraw."""
        schid = schid_of(one)
        if (
            one.op in ("TSCH", "CSCH")
            and schid not in self._taken
            and player.schib(schid).scsw.pending
        ):
            self._due.append(_interruption_code(player, schid))
        if one.op not in ("TSCH", "STSCH"):
            self._taken.discard(schid)
        super().before(player, one, address)

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Deliver the interruption."""
        if one.op in ("TPI", "WAITIO") and self._due:
            self.applied = True
            return _interrupted(player, one, address, self._due.pop())
        return None

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Note the interruption that has been taken."""
        code = entry.interruption_code or (entry.cc == 1 and entry.lowcore_184_195)
        if code:
            self._taken.add(int(code[:8], 16))
        return entry


def _interruption_code(player: Player, schid: int) -> bytes:
    pmcw = player.schib(schid).pmcw
    word = schid.to_bytes(4) + pmcw.intparm.to_bytes(4)
    return word + (pmcw.isc << 27).to_bytes(4)


def _interrupted(player: Player, one: Instruction, address: int, code: bytes) -> Entry:
    """Return what is observed of an interruption; TPI stores its code."""
    if one.op == "WAITIO":
        return Entry(
            one.op,
            interrupted=True,
            interruption_code=code.hex(),
            old_psw_mask="0200100180000000",
        )
    player.store(address or 184, code[:8] if address else code)
    return Entry(one.op, 1, lowcore_184_195=player.fetch(184, 12).hex())
