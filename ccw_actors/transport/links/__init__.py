"""Links between processes: addresses, and streams of frames. They know no actor.

A frame is one msgpack value, so that any msgpack reader understands the stream.
"""

from ccw_actors.transport._bounds import SMALL as SMALL
from ccw_actors.transport._bounds import check_objects as check_objects
from ccw_actors.transport.links._address import LinkAddress as LinkAddress
from ccw_actors.transport.links._address import parse_address as parse_address
from ccw_actors.transport.links._open import FrameServer as FrameServer
from ccw_actors.transport.links._open import connect_stream as connect_stream
from ccw_actors.transport.links._open import serve_streams as serve_streams
from ccw_actors.transport.links._schemas import Schemas as Schemas
from ccw_actors.transport.links._schemas import differing as differing
from ccw_actors.transport.links._schemas import known_schemas as known_schemas
from ccw_actors.transport.links._stream import FrameStream as FrameStream
from ccw_actors.transport.links._tls import Tls as Tls
from ccw_actors.transport.links._unix import SOCKET_BACKLOG as SOCKET_BACKLOG
from ccw_actors.transport.links._unix import SOCKET_MODE as SOCKET_MODE
from ccw_actors.transport.links._unix import peer_of as peer_of

__all__ = [
    "SMALL",
    "SOCKET_BACKLOG",
    "SOCKET_MODE",
    "FrameServer",
    "FrameStream",
    "LinkAddress",
    "Schemas",
    "Tls",
    "check_objects",
    "connect_stream",
    "differing",
    "known_schemas",
    "parse_address",
    "peer_of",
    "serve_streams",
]
