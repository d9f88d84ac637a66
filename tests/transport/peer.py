"""The other process of a connection over TCP: sends orders, or answers them.

    peer.py PORT MODE

It is independent of the tests, like another program.
"""

import os
import signal
import socket
import sys

from ccw_actors.transport import Codec, Message, read_messages


class Order(Message, frozen=True):
    """The message to send."""

    number: int
    note: str = ""


class Receipt(Message, frozen=True):
    """Its answer."""

    number: int


encode = Codec().encode
ORDERS = [Order(1), Order(2, "x" * 300), Order(3, "\u00e9")]


WHOLE = b"".join(map(encode, ORDERS))
FIRST = encode(ORDERS[0])

MODES = {
    "whole": [WHOLE],
    "slow": [WHOLE[at : at + 1] for at in range(len(WHOLE))],
    "cut": [WHOLE[:-1]],
    "killed": [WHOLE[:-1]],
    "damaged": [WHOLE, b"\xc1", WHOLE],
    "foreign": [FIRST, encode(Receipt(7)), encode(ORDERS[1])],
    "large": [FIRST, encode(Order(4, "x" * 5000)), WHOLE],
    "endless": [FIRST, b"\x93\xa5Order\x01\xdb\xff\xff\xff\xff", *[bytes(9999)] * 99],
}


def send(connection: socket.socket, mode: str) -> None:
    """Send orders; the reader may stop early."""
    try:
        for piece in MODES[mode]:
            connection.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


def answer(connection: socket.socket) -> None:
    """Answer each order with its receipt, until the end."""
    for order in read_messages(connection, Order):
        connection.sendall(encode(Receipt(order.number)))


if __name__ == "__main__":
    port, mode = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if mode == "answer":
            answer(connection)
        else:
            send(connection, mode)
