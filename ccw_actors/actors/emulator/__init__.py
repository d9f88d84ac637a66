"""The userspace emulator: a guest's subchannels, and the end of a guest."""

from ccw_actors.actors.emulator._emulator import Emulator as Emulator
from ccw_actors.actors.emulator._guest_status import (
    GuestSubchannelState as GuestSubchannelState,
)
from ccw_actors.actors.emulator._guest_status import Issued as Issued
from ccw_actors.actors.emulator._guest_subchannel import (
    GuestSubchannel as GuestSubchannel,
)

__all__ = ["Emulator", "GuestSubchannel", "GuestSubchannelState", "Issued"]
