"""Subchannel ids, device numbers and interruption codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.channel import SubchannelId, bus_id, parse_device_number
from ccw_actors.channel.interruption import InterruptionCode
from ccw_actors.errors import ChannelDataError


@given(st.integers(0, 3), st.integers(0, 0xFFFF), st.integers(0, 255), st.booleans())
def test_subchannel_id_is_its_word(ssid: int, number: int, cssid: int, m: bool) -> None:  # noqa: FBT001
    """Every id is read back from its word."""
    schid = SubchannelId(ssid, number, cssid if m else 0, m)
    assert SubchannelId.from_word(schid.to_word()) == schid


@pytest.mark.parametrize(
    ("word", "bits"),
    [
        (0x0000_0042, "bit 15"),
        (0x0011_0042, "bits 8-11"),
        (0x0101_0042, "bits 0-7"),
    ],
)
def test_invalid_words(word: int, bits: str) -> None:
    """A word with wrong bits is no subchannel id, and the bits are named."""
    assert SubchannelId.from_word(word) is None
    assert bits in str(SubchannelId.invalid(word))


def test_printed_form() -> None:
    """Ids are printed as Linux prints them."""
    assert str(SubchannelId(ssid=1, number=0x42)) == "0.1.0042"
    assert bus_id(0x150, cssid=0xFE) == "fe.0.0150"


@pytest.mark.parametrize("text", ["0.0.0150", "0150", "fe.3.0150"])
def test_device_number_is_read(text: str) -> None:
    """A bus id or four digits give the device number."""
    assert parse_device_number(text) == 0x150


@pytest.mark.parametrize("text", ["", "150", "0.0.150", "0.4.0150", "0x0150", "0150\n"])
def test_other_text_is_no_device_number(text: str) -> None:
    """Anything else is refused, with what was expected."""
    with pytest.raises(ChannelDataError, match=r"expected 0\.0\.0150"):
        parse_device_number(text)


def test_golden_interruption_code() -> None:
    """Real Hercules stored this for subchannel 0 with subclass 7."""
    code = InterruptionCode.of(SubchannelId(0, 0), 0x1234_5678, 7)
    assert code.to_bytes() == bytes.fromhex("000100001234567838000000")
    assert InterruptionCode.from_bytes(code.to_bytes()) == code
    assert (code.isc, code.adapter) == (7, False)
