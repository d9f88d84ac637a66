"""Addresses of links: which texts are one, and what they mean."""

import pytest

from ccw_actors.errors import LinkError
from ccw_actors.transport.links import LinkAddress, parse_address

GOOD = {
    "unix:/run/one": LinkAddress("unix", "/run/one"),
    "unix:one": LinkAddress("unix", "one"),
    "tcp:7000": LinkAddress("tcp", "127.0.0.1", 7000),
    "tcp:0": LinkAddress("tcp", "127.0.0.1", 0),
    "tcp:host:65535": LinkAddress("tcp", "host", 65535),
    "tcp:[::1]:7000": LinkAddress("tcp", "::1", 7000),
    "stdio:": LinkAddress("stdio"),
    "exec:python -m 'my child'": LinkAddress(
        "exec", command=("python", "-m", "my child")
    ),
}
BAD = {
    "": "expected unix:PATH, tcp:PORT, tcp:HOST:PORT, stdio: or exec:COMMAND",
    "one": "'one': expected unix:PATH",
    "unix:": "expected unix:PATH",
    f"unix:{'x' * 108}": "the path has more than 107 bytes",
    "tcp:": "expected a port from 0 to 65535",
    "tcp:host": "expected a port from 0 to 65535",
    "tcp:host:65536": "expected a port",
    "tcp:-1": "expected a port",
    "tcp:\u0664": "expected a port",
    "stdio": "expected unix:PATH",
    "stdio:x": "expected unix:PATH",
    "exec: ": "expected unix:PATH",
    "exec:'x": "No closing quotation",
    "http://host": "expected unix:PATH",
}


@pytest.mark.parametrize("text", GOOD)
def test_address(text: str) -> None:
    """A text is the address that the table says."""
    assert parse_address(text) == GOOD[text]


@pytest.mark.parametrize("text", GOOD)
def test_text_of_an_address(text: str) -> None:
    """The text of an address means that address."""
    assert parse_address(str(parse_address(text))) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_text_that_is_none(text: str) -> None:
    """Any other text is refused in one line that says what is expected."""
    with pytest.raises(LinkError) as raised:
        parse_address(text)
    assert BAD[text] in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("tcp:7000", True),
        ("tcp:localhost:7000", True),
        ("tcp:127.1.2.3:7000", True),
        ("tcp:[::1]:7000", True),
        ("unix:x", True),
        ("tcp:0.0.0.0:7000", False),
        ("tcp:10.0.0.1:7000", False),
        ("tcp:localhost.example:7000", False),
        ("tcp:[::]:7000", False),
    ],
)
def test_loopback(text: str, is_loopback: bool) -> None:  # noqa: FBT001 - a table
    """Only this host's own addresses count as ones that no other host reaches."""
    assert parse_address(text).is_loopback is is_loopback
