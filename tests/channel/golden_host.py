"""A subchannel like that of the real Hercules, to replay its instructions.

Its device knows just enough commands to end as a 3390 does. The data of a 3390 are
tested with the device models.
"""

import gzip
import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ccw_actors.channel import Actl, Dstat, Orb, Pmcw, Schib, Scsw, lifecycle, program
from ccw_actors.channel.actions import Continue, End, Interrupt, Perform, Suspend
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.channel.execution import Execution
from tests.channel.driver import FakeStorage, step

CE_DE = Dstat.CHANNEL_END | Dstat.DEVICE_END
SENSE_ID = bytes.fromhex("ff3990c23390020040fa0100")
_INPUT_LENGTHS = {0x04: 32, 0x06: 4096, 0xE4: len(SENSE_ID)}
_OUTPUT_LENGTHS = {0x07: 6, 0x31: 5, 0x47: 16, 0x63: 16, 0x85: 4096}
_STEPS_MAX = 2000

CATEGORIES = {
    "basic",
    "chaining",
    "flags",
    "idaw",
    "protect-address",
    "state-matrix",
    "suspend-resume",
}

Case = dict[str, Any]


def cases() -> list[Case]:
    """Yield the recorded cases that always ran alike and follow the architecture."""
    path = Path(__file__).parents[1] / "data" / "hercules-public.json.gz"
    recorded: list[Case] = json.loads(gzip.decompress(path.read_bytes()))
    return [
        case
        for case in recorded
        if case["category"] in CATEGORIES
        and case["setup"]["devices"][0]["type"] in {"3390", "3380"}
        and case["stable"]
        and not case["deviation"]
    ]


def device_3390(command: DeviceCommand) -> CommandEnd:
    """End as a 3390 does; data are zeros except for SENSE ID."""
    if command.code == 0x03:
        return CommandEnd(CE_DE, immediate=True)
    if command.code in _INPUT_LENGTHS:
        length = _INPUT_LENGTHS[command.code]
        data = SENSE_ID if command.code == 0xE4 else bytes(length)
        moved = min(length, command.count)
        return CommandEnd(CE_DE, data[:moved], moved, length)
    if command.code in _OUTPUT_LENGTHS:
        length = _OUTPUT_LENGTHS[command.code]
        return CommandEnd(CE_DE, transferred=min(length, command.count), length=length)
    return CommandEnd(CE_DE | Dstat.UNIT_CHECK)


class GoldenHost:
    """One subchannel and 32 MiB of storage."""

    def __init__(self, storage: dict[str, str]) -> None:
        self.storage = FakeStorage(32 << 20)
        for address, data in storage.items():
            self.storage.write(int(address, 16), bytes.fromhex(data))
        self.schib = Schib(Pmcw(flags=1, lpm=0x80, pim=0x80, pom=0xFF, pam=0x80))
        self.execution: Execution | None = None

    def instruct(self, instruction: dict[str, Any]) -> dict[str, Any]:
        """Execute one recorded instruction; return what was observed."""
        op = instruction["op"].removesuffix("POLL").lower()
        address = int(str(instruction.get("addr", "0")), 16)
        self._run(polled=instruction["op"] == "TSCHPOLL")
        observed = getattr(self, f"_{op}")(address, instruction)
        return {"op": instruction["op"], **observed}

    def _run(self, *, polled: bool) -> None:
        """Let the channel work before the next instruction, which may be a poll."""
        for _ in range(_STEPS_MAX):
            scsw = self.schib.scsw
            if self.execution is None or (polled and scsw.pending):
                return
            match self.execution.action:
                case End(dstat=dstat, cstat=cstat, count=count, cpa=cpa):
                    self._show(
                        lifecycle.ended(
                            scsw, dstat=dstat, cstat=cstat, count=count, cpa=cpa
                        )
                    )
                    self.execution = None
                    return
                case Suspend(cpa=cpa, count=count):
                    if not scsw.actl & Actl.SUSPENDED:
                        self._show(lifecycle.suspended(scsw, cpa, count))
                    return
                case Perform(command=command) if not command.chained:
                    self._show(lifecycle.accepted(scsw))
                case Interrupt(cpa=cpa):
                    self._show(lifecycle.program_controlled(scsw, cpa))
                case _:
                    pass
            self.execution = step(self.execution, self.storage, device_3390)

    def _show(self, scsw: Scsw) -> None:
        self.schib = replace(self.schib, scsw=scsw)

    def _ssch(self, address: int, _: Case) -> dict[str, Any]:
        orb = Orb.from_bytes(self.storage.read(address, 32))
        if orb.invalid():
            return {"program_interruption": "0015"}
        cc, scsw = lifecycle.start(self.schib.scsw, self.schib.pmcw, orb)
        self._show(scsw)
        if not cc:
            self.execution = program.begin(orb)
        return {"cc": cc}

    def _tsch(self, _: int, __: Case) -> dict[str, Any]:
        shown = self.schib.scsw
        cc, scsw = lifecycle.test(shown, self.schib.pmcw)
        self._show(scsw)
        return {"cc": cc} if cc == 3 else {"cc": cc, "irb": shown.to_bytes().hex()}

    def _msch(self, address: int, _: Case) -> dict[str, Any]:
        new = Schib.from_bytes(self.storage.read(address, 52))
        if new.invalid():
            return {"program_interruption": "0015"}
        cc, self.schib = lifecycle.modify(self.schib, new)
        return {"cc": cc}

    def _stsch(self, _: int, __: Case) -> dict[str, Any]:
        return {"cc": 0, "schib": self.schib.scsw.to_bytes().hex()}

    def _hsch(self, _: int, __: Case) -> dict[str, Any]:
        cc, scsw = lifecycle.halt(self.schib.scsw, self.schib.pmcw)
        self._show(scsw if cc else lifecycle.halt_signalled(scsw))
        return {"cc": cc}

    def _csch(self, _: int, __: Case) -> dict[str, Any]:
        cc, scsw = lifecycle.clear(self.schib.scsw, self.schib.pmcw)
        if not cc:
            scsw = lifecycle.clear_signalled(scsw)
            self.execution = None
        self._show(scsw)
        return {"cc": cc}

    def _rsch(self, _: int, __: Case) -> dict[str, Any]:
        cc, scsw = lifecycle.resume(self.schib.scsw, self.schib.pmcw)
        if not cc and self.execution is not None:
            scsw = lifecycle.resumed(scsw)
            self.execution = program.answered(self.execution, Continue())
        self._show(scsw)
        return {"cc": cc}

    def _xsch(self, _: int, __: Case) -> dict[str, Any]:
        cc, scsw = lifecycle.cancel(self.schib.scsw, self.schib.pmcw)
        self._show(scsw)
        return {"cc": cc}

    def _move(self, address: int, instruction: Case) -> dict[str, Any]:
        source = int(instruction["src"], 16)
        self.storage.write(address, self.storage.read(source, instruction["len"]))
        return {}

    def _sske(self, address: int, instruction: Case) -> dict[str, Any]:
        self.storage.keys[address // 4096] = int(instruction["gr1"], 16) & 0xF8
        return {}

    def _delay(self, _: int, __: Case) -> dict[str, Any]:
        return {}

    _iske = _tpi = _waitio = _delay
