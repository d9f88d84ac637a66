"""Layouts of regions as QEMU reads them."""

from ccw_actors.channel import Crw, Erc, Rsc
from ccw_actors.vfio._region_layouts import crw_put


def test_a_report_is_two_halfwords_of_the_host() -> None:
    """QEMU swaps each halfword for its guest, and finds 0 if there is no report."""
    crw = Crw(Rsc.CHANNEL_PATH, Erc.NOT_INITIALIZED, 0x0140)
    region = crw_put(int.from_bytes(crw.to_bytes(), "big"))
    assert region == bytes.fromhex("0604 4001 00000000")
    assert crw_put(0) == bytes(8)
