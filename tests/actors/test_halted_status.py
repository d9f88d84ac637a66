"""The last CCW of a halted channel program, as its status shows it.

The SCSW has the address of the last CCW used plus 8, and its residual count (Principles
of Operation, "CCW Address" and "Count").
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccw_actors.actors import FileVolume
from ccw_actors.actors.protocol import (
    ExecuteCommand,
    HaltSubchannel,
    ModifySubchannel,
    Piece,
    ReadTrack,
    StartSubchannel,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import Ccw, Dstat, Fctl, Orb, Pmcw, Scsw
from ccw_actors.conformance import VectorMachine, _vector_machine
from ccw_actors.runtime import Observer, receive
from tests.actors.test_instructions import DISK, IMAGES

SEEK, SEARCH_ID, READ_DATA, TRANSFER = 0x07, 0x31, 0x06, 0x08
PROGRAM, ARGUMENT, DATA = 0x40200, 0x50000, 0x60000
RECORD = 4096
ARGUMENTS = bytes.fromhex("000000010000 0000 0001000000")
"""Of a seek to cylinder 1, head 0, and at offset 8 of a search for R0 there."""
CHAINED = Ccw.chain_command.mask | Ccw.suppress_length.mask


class CommandCodes(Observer):
    """The codes of all commands that the device has had."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def handled(self, event: Any) -> None:
        """Note a command."""
        if event.message_type is ExecuteCommand:
            request = msgspec.msgpack.decode(event.payload, type=ExecuteCommand)
            self.codes.append(request.command.code)


class StallingVolume(FileVolume):
    """A volume that never answers."""

    @receive
    def read(self, message: ReadTrack) -> None:  # type: ignore[override]
        """Do nothing."""


def halted_after(
    scratch: Path, ccws: list[Ccw], steps: int, *, prefetch: bool
) -> tuple[Scsw, list[int]]:
    """Start a program and halt it after so many steps of the channel.

    Return the status and the codes of the commands that the device has had.
    """
    host = VectorMachine(DISK, IMAGES, scratch)
    seen = CommandCodes()
    host.system.observe(seen)
    subchannel, storage = host.system.ref("subchannel0"), host.system.ref("storage")
    program = b"".join(ccw.to_bytes(1) for ccw in ccws)
    pieces = Piece(PROGRAM, program), Piece(ARGUMENT, ARGUMENTS)
    storage.ask(WriteStorage(0, pieces), block=True)
    enabled = Pmcw(flags=Pmcw.enabled.mask, lpm=0x80, pom=0xFF)
    subchannel.ask(ModifySubchannel(enabled), block=True)
    orb = Orb.command(PROGRAM, prefetch=prefetch)
    subchannel.ask(StartSubchannel(orb), block=True)
    for _ in range(steps):
        host.pace.run_channel()
    subchannel.ask(HaltSubchannel(), block=True)
    assert host.pace.settle(100)
    return subchannel.ask(TestSubchannel(), block=True).irb.scsw, seen.codes


def every_status(
    scratch: Path, ccws: list[Ccw], *, prefetch: bool = True
) -> set[tuple[int, int, int]]:
    """Halt a program at every step.

    Return how many commands the device has had, the address in the status, from the
    start of the program, and the residual count.
    """
    seen = set[tuple[int, int, int]]()
    for steps in range(30):
        folder = scratch / str(steps)
        folder.mkdir()
        scsw, codes = halted_after(folder, ccws, steps, prefetch=prefetch)
        assert scsw.fctl == Fctl.START | Fctl.HALT
        ended = Dstat.CHANNEL_END | Dstat.DEVICE_END
        assert scsw.dstat == (ended if codes else 0)
        if codes:
            seen.add((min(len(codes), 4), scsw.cpa - PROGRAM, scsw.count))
    return seen


def test_last_ccw_used_is_the_current_one(tmp_path: Path) -> None:
    """A fetched CCW is current, and has its full count until it is executed.

    Until it is fetched the CCW before it is, with its residual count.
    """
    ccws = [
        Ccw(SEEK, CHAINED, 6, ARGUMENT),
        Ccw(READ_DATA, CHAINED, RECORD + 4, DATA),
        Ccw(READ_DATA, CHAINED, RECORD + 8, DATA),
        Ccw(TRANSFER, address=PROGRAM + 16),
    ]
    seen = every_status(tmp_path, ccws)
    first = {(1, 8, 0), (1, 16, RECORD + 4)}
    second = {(2, 16, 4), (2, 24, RECORD + 8)}
    third = {(3, 24, 8), (3, 32, 8), (3, 24, RECORD + 8)}
    assert seen >= first | second | third
    assert {one for one in seen if one[0] < 4} == first | second | third


def test_ccw_that_continues_data(tmp_path: Path) -> None:
    """Until it is fetched, the one before it is current, and its count is used up."""
    chained = CHAINED | Ccw.chain_data.mask
    ccws = [
        Ccw(SEEK, CHAINED, 6, ARGUMENT),
        Ccw(READ_DATA, chained, 100, DATA),
        Ccw(0, CHAINED, RECORD - 92, DATA + 100),
        Ccw(TRANSFER, address=PROGRAM),
    ]
    seen = every_status(tmp_path, ccws, prefetch=False)
    assert {one for one in seen if one[0] == 1} == {(1, 8, 0), (1, 16, 100)}
    used_up, over = (2, 16, 0), {(2, 24, 8), (2, 32, 8), (2, 8, 6)}
    assert {one for one in seen if one[0] == 2} == {used_up} | over


def test_a_ccw_that_was_skipped_is_not_the_last_one(tmp_path: Path) -> None:
    """The status never names the CCW that a search's status modifier skips."""
    ccws = [
        Ccw(SEEK, CHAINED, 6, ARGUMENT),
        Ccw(SEARCH_ID, CHAINED, 5, ARGUMENT + 8),
        Ccw(TRANSFER, address=PROGRAM + 8),
        Ccw(READ_DATA, CHAINED, RECORD, DATA),
        Ccw(TRANSFER, address=PROGRAM),
    ]
    seen = every_status(tmp_path, ccws)
    of_search = {one[1:] for one in seen if one[0] == 2}
    assert of_search == {(16, 0), (32, RECORD)}


def test_a_read_that_stalls_is_the_one_that_was_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read has moved nothing, and the status does not show the CCW behind it."""

    def stalling(copy: Path, _device: object) -> FileVolume:
        return StallingVolume(copy, read_only=False)

    monkeypatch.setattr(_vector_machine, "_volume", stalling)
    ccws = [
        Ccw(SEEK, CHAINED, 6, ARGUMENT),
        Ccw(READ_DATA, CHAINED, RECORD, DATA),
        Ccw(READ_DATA, Ccw.suppress_length.mask, RECORD, DATA),
    ]
    scsw, codes = halted_after(tmp_path, ccws, 40, prefetch=True)
    assert codes == [SEEK, READ_DATA]
    assert scsw.fctl == Fctl.START | Fctl.HALT
    assert scsw.dstat == Dstat.CHANNEL_END | Dstat.DEVICE_END
    assert (scsw.cpa - PROGRAM, scsw.count) == (16, RECORD)
