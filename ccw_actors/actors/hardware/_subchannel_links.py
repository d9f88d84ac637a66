"""The actors that a subchannel sends to, and what it sends itself."""

from typing import Literal, Protocol, TypeVar

from ccw_actors.actors.hardware._regions import Region, region_of
from ccw_actors.actors.hardware._subchannel_status import SubchannelState
from ccw_actors.actors.protocol import (
    AddToStorage,
    NotOperational,
    Pending,
    Proceed,
    SubchannelToDevice,
    SubchannelToSink,
)
from ccw_actors.channel import SubchannelId
from ccw_actors.runtime import ActorRef, Message, ReplyTo

__all__ = ["Links"]

R = TypeVar("R", bound=Message)


class Owner(Protocol):
    """The actor that has the links."""

    @property
    def ref(self) -> ActorRef[Proceed]:
        """Its own reference."""
        ...

    def after(self, delay: float, message: Message) -> int:
        """Send itself a message later."""
        ...

    def reply(self, to: ReplyTo[R], message: R) -> None:
        """Answer an earlier request."""
        ...


class Links:
    """The device, the regions of storage and the operating system of one subchannel."""

    def __init__(
        self,
        owner: Owner,
        schid: SubchannelId,
        device: ActorRef[SubchannelToDevice],
        regions: tuple[Region, ...],
        sink: ActorRef[SubchannelToSink],
    ) -> None:
        self.schid = schid
        self.device = device
        self.regions = regions
        self._sink = sink
        self._owner = owner

    def announce(self, state: SubchannelState) -> None:
        """Tell the sink that an interruption is pending."""
        self._sink.tell(Pending(self.schid.index, state.schib.pmcw.isc))

    def tell_lost(self) -> None:
        """Tell the sink that the subchannel is no longer operational."""
        self._sink.tell(NotOperational(self.schid.index))

    def proceed(self, state: SubchannelState) -> None:
        """Have the next step follow, behind the messages that have already come."""
        state.step += 1
        self._owner.ref.tell(Proceed(state.step))

    def later(self, what: Literal["halt signal", "pci"]) -> None:
        """Have the signal or PCI follow at any time."""
        self._owner.after(0.0, Proceed(what=what))

    def reply(self, to: ReplyTo[R], message: R) -> None:
        """Answer an earlier request."""
        self._owner.reply(to, message)

    def measure(self, state: SubchannelState) -> None:
        """Count a START or RESUME in the measurement block, if there is one."""
        address = state.measurement_block
        region = None if address is None else region_of(self.regions, address)
        if address is not None and region is not None:
            region.storage.tell(AddToStorage(address - region.base, 1))
