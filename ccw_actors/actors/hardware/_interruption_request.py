"""The interruption request of a subchannel, host's or guest's.

Source: PoP, "I/O Interruptions": a request is cleared when a CPU takes the
interruption, and withdrawn with the status that it is for.
"""

from typing import Any

from msgspec import Struct

from ccw_actors.actors.protocol import Interruption, InterruptionGone, TakeInterruption
from ccw_actors.channel import InterruptionCode, Pmcw, SubchannelId
from ccw_actors.runtime import Actor, Failure

__all__ = ["InterruptionRequest"]


class InterruptionRequest(Struct):
    """Whether an I/O interruption is `pending`.

    `taker` is the path of the actor that took it, "" if none did: until its status is
    withdrawn that actor may fail on it.
    """

    pending: bool = False
    taker: str = ""

    def withdraw(self) -> None:
        """Forget it, as its status is no longer pending."""
        self.pending, self.taker = False, ""

    def hand_over(
        self,
        subchannel: Actor[Any],
        message: TakeInterruption,
        schid: SubchannelId,
        pmcw: Pmcw,
    ) -> InterruptionGone | None:
        """Clear it, and have its subchannel send it where the message says.

        Return the answer if the message's CPU can take none.
        """
        to = message.to
        if not (self.pending and message.mask & 0x80 >> pmcw.isc):
            return InterruptionGone(schid.index, to)
        ref = None if to is None else to.ref
        self.pending, self.taker = False, "" if ref is None else ref.path
        code = InterruptionCode.of(schid, pmcw.intparm, pmcw.isc)
        subchannel.reply(to or subchannel.reply_to, Interruption(code))
        return None

    def put_back(self, failure: Failure) -> bool:
        """Make it pending again if its taker has failed on it; return whether it is."""
        took = failure.request == Interruption.__name__ and failure.actor == self.taker
        if not took or self.pending:
            return False
        self.pending, self.taker = True, ""
        return True
