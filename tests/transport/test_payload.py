"""The name and the id of a message, without decoding it."""

import subprocess
import sys
from hashlib import blake2s

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.transport import Codec, Message, message_id, tag_of
from tests.transport.kinds import CODEC, MESSAGES


class Order(Message, frozen=True):
    """A message whose sets and dicts are filled in some order."""

    number: int
    names: dict[str, int]
    kinds: frozenset[str] = frozenset()


@given(MESSAGES)
def test_tag(message: Message) -> None:
    """The type's name can be read without decoding the message."""
    assert tag_of(CODEC.encode(message)) == type(message).__name__


@pytest.mark.parametrize("length", [1, 31, 32, 255])
def test_tag_of_any_length(length: int) -> None:
    """Names of every length in msgpack are read, before any array."""
    for fields in (0, 14, 15, 300):
        packed = msgpack.packb(["x" * length, *[None] * fields])
        assert tag_of(packed) == "x" * length


@given(st.binary(max_size=40))
def test_tag_of_anything(payload: bytes) -> None:
    """Bytes that do not begin like a message have no tag, or one that they contain."""
    assert tag_of(payload).encode() in payload


@given(MESSAGES)
def test_id_is_a_hash_of_the_bytes(message: Message) -> None:
    """An id is 16 hex digits, computed from the bytes."""
    payload = CODEC.encode(message)
    assert message_id(payload) == blake2s(payload, digest_size=8).hexdigest()
    assert len(message_id(payload)) == 16


def test_id_of_a_known_message() -> None:
    """An id never changes, so ids in old logs stay valid."""
    assert message_id(Codec().encode(Order(7, {"a": 1}))) == "e313a1a189e8d5be"


def test_equal_messages_have_one_id() -> None:
    """The order in which a message was built does not affect its id."""
    encode = Codec().encode
    one = Order(1, {"a": 1, "b": 2}, frozenset("xyz"))
    other = Order(1, {"b": 2, "a": 1}, frozenset("zyx"))
    assert message_id(encode(one)) == message_id(encode(other))
    changed = Order(2, {"a": 1, "b": 2}, frozenset("xyz"))
    assert message_id(encode(one)) != message_id(encode(changed))


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_id_is_the_same_in_every_process(seed: str) -> None:
    """Equal messages have the same id in every process."""
    program = """
from ccw_actors.transport import Codec, Message, message_id
class Order(Message, frozen=True):
    number: int
    names: dict[str, int]
    kinds: frozenset[str] = frozenset()
names = {name: 1 for name in frozenset("abcdefgh")}
print(message_id(Codec().encode(Order(1, names, frozenset("stuvwxyz")))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    order = Order(1, dict.fromkeys("hgfedcba", 1), frozenset("zyxwvuts"))
    assert done.stdout.strip() == message_id(Codec().encode(order))
