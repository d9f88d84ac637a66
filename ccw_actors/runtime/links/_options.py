"""What a link may be told: certificates, limits and times."""

from typing import Final

import msgspec

from ccw_actors.transport import SIZE_MAX
from ccw_actors.transport.links import Tls

__all__ = ["FRAME_SIZE_MAX", "LinkOptions"]

FRAME_SIZE_MAX: Final = SIZE_MAX
"""Bytes of one frame."""

_ENVELOPE: Final = 1 << 16
"""Bytes of a frame that are kept free for what is not the message."""


class LinkOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of one end of a link.

    A host other than this one is reached, and reaches this one, only with `tls`.

    `timeout` are the seconds for a connection, and those for the greeting, and
    `heartbeat` the seconds after which an end that has sent nothing says that it is
    there: after three times that without a frame the link is lost. `waiting_max` and
    `waiting_bytes_max` bound the messages that wait here until the other end takes
    them; further ones find no room, as in a mailbox with that bound. `links_max` bounds
    the links of a listener.
    """

    tls: Tls | None = None
    timeout: float = 5.0
    heartbeat: float = 5.0
    waiting_max: int = 100_000
    waiting_bytes_max: int = 1 << 26
    links_max: int = 64

    @property
    def message_size_max(self) -> int:
        """Bytes of one message."""
        return FRAME_SIZE_MAX - _ENVELOPE

    def __post_init__(self) -> None:
        for name in ("timeout", "heartbeat", "waiting_max", "waiting_bytes_max"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0")
        if not self.links_max >= 1:
            raise ValueError("links_max: expected at least 1")
