"""VfioCcw: between a guest's subchannel and the host's, trusting neither.

`Driver` handles each message; its table says what happens to a START.
"""

from typing import Literal

from ccw_actors.actors.host._driver import Driver
from ccw_actors.actors.host._driver_state import DriverState
from ccw_actors.actors.protocol import (
    StorageToVfioCcw,
    VfioCcwMessage,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
)
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["VfioCcw"]


class VfioCcw(Actor[VfioCcwMessage]):
    """Passes a host subchannel, driven by `cio`, through to the guest's `emulated` one.

    For the other arguments see `Driver`; `driver` is that class, or another one in its
    place.
    """

    state: DriverState

    def __init__(
        self,
        cio: ActorRef[VfioCcwToCio],
        storage: ActorRef[VfioCcwToStorage],
        emulated: ActorRef[VfioCcwToGuestSubchannel],
        *,
        base: int,
        bytes_max: int = 1 << 20,
        ccws_at_once: int = 16,
        limits: Literal["none", "linux"] = "none",
        driver: type[Driver] = Driver,
    ) -> None:
        self._driver = driver(
            cio,
            storage,
            emulated,
            base=base,
            bytes_max=bytes_max,
            ccws_at_once=ccws_at_once,
            limits=limits,
        )
        self.state = DriverState()

    def on_restart(self) -> None:
        """Give up the host's subchannel."""
        self._driver.restart()

    @receive
    def handle(self, message: VfioCcwMessage | StorageToVfioCcw) -> None:
        """Let the driver handle it."""
        self._driver.handle(self.state, message)
