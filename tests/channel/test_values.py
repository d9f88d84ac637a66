"""The structures have the bytes of the architecture."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.channel import (
    Actl,
    Cstat,
    Dstat,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    modified,
)
from ccw_actors.channel.ccw import Ccw, is_input, is_invalid, is_tic
from ccw_actors.channel.fields import bit_names
from ccw_actors.errors import ChannelDataError

# As real Hercules stored them.
GOLDEN_SCHIB = bytes.fromhex(
    "12345678008101208000808000" + "00ff80" + "01" + "00" * 7 + "00000000"
)
GOLDEN_IRB = bytes.fromhex(
    "0080401700040008" + "0c400000" + "00800000" + "00" * 16 + "00" * 32
)

FINAL = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING


def _read_ccw(raw: bytes) -> Ccw:
    return Ccw.from_bytes(raw, 0)


def test_orb_of_linux_has_its_bytes() -> None:
    """The default ORB is Linux's: format 1, prefetch, format-2 IDAWs."""
    orb = Orb.command(0x1000, intparm=0xCAFE)
    assert orb.to_bytes() == bytes.fromhex("0000cafe00c2ff0000001000")
    assert (orb.fmt, orb.prefetch, orb.idaw_64, orb.suspend) == (1, True, True, False)


def test_orb_reads_the_long_form() -> None:
    """The 32 architected bytes give the same ORB as their first 12."""
    raw = bytes.fromhex("123456781880ff8000040000")
    orb = Orb.from_bytes(raw.ljust(32, b"\xff"))
    assert orb == Orb.from_bytes(raw)
    assert orb.to_bytes() == raw
    assert (orb.key, orb.suspend, orb.suppress_length) == (1, True, True)
    assert orb.invalid() is None


@pytest.mark.parametrize(
    ("orb", "bit"),
    [
        (Orb(flags=Orb.transport.mask), "bit 13"),
        (Orb(flags=0x80, flags1=0x40), "bit 25"),
        (Orb(flags=0x80, flags1=0x20), "bits 26-30"),
        (Orb(flags=0x80, flags1=0x02), "bits 26-30"),
        (Orb(flags=0x80, flags1=0x01), "bit 31"),
        (Orb(flags1=0x80), "bit 24"),
        (Orb(cpa=0x8000_0000), "word 2 bit 0"),
    ],
)
def test_orb_says_what_is_invalid(orb: Orb, bit: str) -> None:
    """Each bit the channel subsystem does not know is named."""
    assert bit in str(orb.invalid())


def test_ccw_formats() -> None:
    """The two formats hold the same CCW in a different order."""
    ccw = Ccw(0xE4, Ccw.suppress_length.mask, 7, 0x41000)
    assert ccw.to_bytes(1) == bytes.fromhex("e420000700041000")
    assert ccw.to_bytes(0) == bytes.fromhex("e404100020000007")
    assert Ccw.from_bytes(ccw.to_bytes(0), 0) == Ccw.from_bytes(ccw.to_bytes(1), 1)


def test_command_classes() -> None:
    """The low bits of a command code give its class, for all 256 codes."""
    for code in range(256):
        low = code & 0xF
        assert is_tic(code, 0) == (low == 8)
        assert is_tic(code, 1) == (code == 8)
        assert is_invalid(code, 0) == (low == 0)
        assert is_invalid(code, 1) == (low == 0 or (low == 8 and code != 8))
        assert is_input(code) == (low in {2, 6, 0xA, 0xE, 4, 0xC})


@pytest.mark.parametrize(
    ("words", "scsw"),
    [
        (
            "00c04007 00001008 0c000000",
            Scsw(0xC0, Fctl.START, 0, FINAL, 0x1008, 0x0C),
        ),
        (
            "00c04400 00001000 00000000",
            Scsw(0xC0, Fctl.START, Actl.START_PENDING, cpa=0x1000),
        ),
        (
            "00c040c0 00001008 00000000",
            Scsw(
                0xC0,
                Fctl.START,
                Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE,
                cpa=0x1008,
            ),
        ),
        ("00001001 00000000 00000000", Scsw(0, Fctl.CLEAR, 0, Stctl.PENDING)),
        ("00002001 00000000 00000000", Scsw(0, Fctl.HALT, 0, Stctl.PENDING)),
        (
            "00c00011 00000000 85000000",
            Scsw(
                0xC0,
                stctl=Stctl.UNSOLICITED_STATUS,
                dstat=Dstat.ATTENTION | Dstat.DEVICE_END | Dstat.UNIT_EXCEPTION,
            ),
        ),
        (
            "03c04011 00000000 00000000",
            Scsw(0x3C0, Fctl.START, 0, Stctl.UNSOLICITED_STATUS),
        ),
        (
            "008040c9 00040008 00800000",
            Scsw(
                0x80,
                Fctl.START,
                Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE,
                Stctl.INTERMEDIATE_STATUS,
                0x40008,
                0,
                Cstat.PROGRAM_CONTROLLED_INTERRUPTION,
            ),
        ),
        (
            "08804029 00040110 00000007",
            Scsw(
                0x880,
                Fctl.START,
                Actl.SUSPENDED,
                Stctl.INTERMEDIATE_STATUS,
                0x40110,
                count=7,
            ),
        ),
    ],
)
def test_scsw_words(words: str, scsw: Scsw) -> None:
    """SCSWs seen on real systems have the bits of the names."""
    assert scsw.to_bytes() == bytes.fromhex(words)
    assert Scsw.from_bytes(bytes.fromhex(words)) == scsw


def test_golden_schib() -> None:
    """A SCHIB of real Hercules is read and written back."""
    schib = Schib.from_bytes(GOLDEN_SCHIB.ljust(52, b"\0"))
    pmcw = schib.pmcw
    assert (pmcw.devno, pmcw.enabled, pmcw.valid, pmcw.isc) == (0x120, True, True, 0)
    assert (pmcw.lpm, pmcw.lpum, pmcw.pim, pmcw.pom, pmcw.pam) == (
        0x80,
        0x80,
        0x80,
        0xFF,
        0x80,
    )
    assert pmcw.chpids[0] == 1
    assert schib.to_bytes() == GOLDEN_SCHIB.ljust(52, b"\0")


def test_golden_irb() -> None:
    """An IRB of real Hercules is read, and made again from its SCSW and path."""
    irb = Irb.from_bytes(GOLDEN_IRB)
    assert irb.scsw.cstat == Cstat.INCORRECT_LENGTH
    assert irb == Irb.with_path(irb.scsw, lpum=0x80)
    assert irb.to_bytes() == GOLDEN_IRB
    assert Irb.from_bytes(irb.to_bytes(96)) == irb
    assert irb.sense == b""


def test_concurrent_sense() -> None:
    """E, ERW.S and the sense count say that the ECW holds the sense bytes."""
    sense = bytes(range(1, 25))
    irb = Irb.with_sense(Scsw(stctl=Stctl.UNSOLICITED_STATUS), 0x40, sense)
    assert irb.scsw.extended_control
    assert (irb.lpum, irb.erw, irb.sense) == (0x40, 0x0118_0000, sense)
    assert irb.to_bytes()[32:64] == sense.ljust(32, b"\0")


@pytest.mark.parametrize(
    ("read", "lengths"),
    [
        (Orb.from_bytes, {12, 32}),
        (Scsw.from_bytes, {12}),
        (Pmcw.from_bytes, {28}),
        (Schib.from_bytes, {52}),
        (Irb.from_bytes, {64, 96}),
        (_read_ccw, {8}),
    ],
)
def test_wrong_length_is_refused(
    read: Callable[[bytes], object], lengths: set[int]
) -> None:
    """Only the architected lengths are read."""
    for length in range(100):
        if length in lengths:
            read(bytes(length))
        else:
            with pytest.raises(ChannelDataError, match=f"got {length}"):
                read(bytes(length))


@given(st.binary(min_size=52, max_size=52))
def test_schib_keeps_all_bits(raw: bytes) -> None:
    """Any SCHIB survives its struct and a message, except for the reserved SCSW bit."""
    schib = Schib.from_bytes(raw)
    expected = bytearray(raw)
    expected[30] &= 0x7F
    assert schib.to_bytes() == bytes(expected)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(schib), type=Schib) == schib


@given(st.binary(min_size=28, max_size=28), st.binary(min_size=28, max_size=28))
def test_modify_changes_what_it_may(old_raw: bytes, new_raw: bytes) -> None:
    """MODIFY SUBCHANNEL takes each bit from the old or the new PMCW, as PoP says."""
    old, new = Pmcw.from_bytes(old_raw), Pmcw.from_bytes(new_raw)
    mask = bytes.fromhex("ffffffff38fc0000ff000000ffffff00" + "00" * 8 + "00000005")
    after = modified(old, new).to_bytes()
    if not old.valid:
        assert after == old_raw
        return
    assert after == bytes(
        o & ~m & 0xFF | n & m for o, n, m in zip(old_raw, new_raw, mask, strict=True)
    )


@pytest.mark.parametrize(
    ("schib", "what"),
    [
        (Schib(Pmcw(flags=0x0100)), "bits 0, 1, 6 and 7"),
        (Schib(Pmcw(flags=0x4000)), "bits 0, 1, 6 and 7"),
        (Schib(Pmcw(flags=0x8000)), "bits 0, 1, 6 and 7"),
        (Schib(Pmcw(flags=0x0060)), "LM"),
        (Schib(Pmcw(chars=0x8)), "reserved"),
        (Schib(Pmcw(chars=0x2)), "XMWME"),
        (Schib(Pmcw(chars=0x4), mba=0x20), "64-byte"),
    ],
)
def test_schib_says_what_is_invalid(schib: Schib, what: str) -> None:
    """What MODIFY SUBCHANNEL does not accept is named."""
    assert what in str(schib.invalid())


def test_valid_schib() -> None:
    """MODIFY SUBCHANNEL accepts an ordinary operand, also with MBFC and S."""
    assert Schib(Pmcw(flags=0x3885, chars=0x5), mba=0x40).invalid() is None


def test_pmcw_copies() -> None:
    """ISC and flags are changed without changing the bits next to them."""
    pmcw = Pmcw(flags=0xC7FF).with_isc(5).with_flag(Pmcw.enabled, on=False)
    assert (pmcw.isc, pmcw.flags) == (5, 0xEF7F)
    assert pmcw.with_flag(Pmcw.enabled, on=True).enabled


def test_out_of_range_fields_are_refused_in_messages() -> None:
    """A message cannot carry a count that does not fit a halfword."""
    raw = msgspec.msgpack.encode(Scsw(count=0x1_0000))
    with pytest.raises(msgspec.ValidationError, match="65535"):
        msgspec.msgpack.decode(raw, type=Scsw)


def test_bit_names() -> None:
    """Bits without a name are shown as a number, no bits as 0."""
    assert bit_names(Fctl.NAMES, Fctl.START | Fctl.CLEAR | 8) == "start+clear+0x8"
    assert bit_names(Fctl.NAMES, 0) == "0"
