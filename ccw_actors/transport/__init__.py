"""Messages as msgpack bytes, and streams of them, independent of actors."""

from ccw_actors.transport._bounds import OBJECTS_MAX as OBJECTS_MAX
from ccw_actors.transport._bounds import SIZE_MAX as SIZE_MAX
from ccw_actors.transport._canonical import ENCODE_ERRORS as ENCODE_ERRORS
from ccw_actors.transport._codec import DECODE_ERRORS as DECODE_ERRORS
from ccw_actors.transport._codec import Codec as Codec
from ccw_actors.transport._codec import Message as Message
from ccw_actors.transport._codec import Request as Request
from ccw_actors.transport._payload import message_id as message_id
from ccw_actors.transport._payload import refusal as refusal
from ccw_actors.transport._payload import tag_of as tag_of
from ccw_actors.transport._reading import read_messages as read_messages
from ccw_actors.transport._reading import read_messages_async as read_messages_async
from ccw_actors.transport._stream import ValueSplitter as ValueSplitter
from ccw_actors.transport._stream import read_stream as read_stream

__all__ = [
    "DECODE_ERRORS",
    "ENCODE_ERRORS",
    "OBJECTS_MAX",
    "SIZE_MAX",
    "Codec",
    "Message",
    "Request",
    "ValueSplitter",
    "message_id",
    "read_messages",
    "read_messages_async",
    "read_stream",
    "refusal",
    "tag_of",
]
