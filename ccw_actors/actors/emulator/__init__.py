"""The userspace emulator: the subchannel that a guest sees, and the guest's end."""

from ccw_actors.actors.emulator._emulator import Emulator as Emulator
from ccw_actors.actors.emulator._guest_status import (
    GuestSubchannelState as GuestSubchannelState,
)
from ccw_actors.actors.emulator._guest_status import Issued as Issued
from ccw_actors.actors.emulator._guest_subchannel import (
    GuestSubchannel as GuestSubchannel,
)

__all__ = ["Emulator", "GuestSubchannel", "GuestSubchannelState", "Issued"]
