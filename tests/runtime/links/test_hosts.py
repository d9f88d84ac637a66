"""Several hosts, as network namespaces of this one, over TCP with TLS."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.links.processes import (
    check,
    line_of,
    numbers_of,
    peer,
    report_of,
    rest_of,
)
from tests.transport.links.certificates import Authority

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

HOSTS = ("10.77.0.1", "10.77.0.2", "10.77.0.3")


def ip(*words: str) -> None:
    """Change the network."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Hosts:
    """Namespaces that one bridge joins; their names are this process's own."""

    def __init__(self) -> None:
        self.names = [f"ccw{os.getpid()}n{number}" for number in range(len(HOSTS))]
        self.bridge = f"ccw{os.getpid()}b"

    def make(self) -> None:
        """Make them."""
        ip("netns", "add", self.bridge)
        ip("-n", self.bridge, "link", "add", "br0", "type", "bridge")
        ip("-n", self.bridge, "link", "set", "br0", "up")
        for number, (name, address) in enumerate(zip(self.names, HOSTS, strict=True)):
            port = f"port{number}"
            ip("netns", "add", name)
            words = ("type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", self.bridge, "link", "add", port, *words)
            ip("-n", self.bridge, "link", "set", port, "master", "br0", "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def unplug(self, number: int) -> None:
        """Take a host's cable away."""
        ip("-n", self.bridge, "link", "set", f"port{number}", "down")

    def on(self, number: int) -> tuple[str, ...]:
        """Return the words before a command that runs on a host."""
        return ("ip", "netns", "exec", self.names[number])

    def clear(self) -> None:
        """Remove what is there of them."""
        for name in (*self.names, self.bridge):
            subprocess.run(
                ["ip", "netns", "del", name], check=False, capture_output=True
            )


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Make the namespaces, where the host permits it."""
    made = Hosts()
    if shutil.which("ip") is None:
        pytest.skip("there is no ip(8): Debian's package iproute2")
    try:
        made.make()
    except subprocess.CalledProcessError as error:
        made.clear()
        pytest.skip(f"no network namespaces: {error.stderr.strip()}")
    yield made
    made.clear()


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Return a folder with the certificates of each host."""
    authority = Authority(tmp_path / "authority")
    made: list[str] = []
    for host in HOSTS:
        folder = tmp_path / host
        folder.mkdir()
        tls = authority.tls(host)
        shutil.copy(tls.certificate, folder / "own.pem")
        shutil.copy(tls.key, folder / "own.key")
        shutil.copy(tls.authority, folder / "authority.pem")
        made.append(str(folder))
    return made


async def test_three_hosts(hosts: Hosts, folders: list[str]) -> None:
    """Two recipients, a sender for each; one dies, the other pair goes on."""
    first, second = f"tcp:{HOSTS[0]}:7000", f"tcp:{HOSTS[1]}:7000"
    async with (
        peer("listen", first, folders[0], inside=hosts.on(0)) as one,
        peer("listen", second, folders[1], inside=hosts.on(1)) as two,
    ):
        assert [await line_of(one), await line_of(two)] == [first, second]
        async with (
            peer("drive", first, folders[2], inside=hosts.on(2)) as to_one,
            peer("drive", second, folders[2], inside=hosts.on(2)) as to_two,
        ):
            handled = await numbers_of(one, 200)
            others = await numbers_of(two, 100)
            one.kill()
            handled += map(int, await rest_of(one))
            check(handled, await report_of(to_one))
            others += await numbers_of(two, 500)
            two.kill()
            others += map(int, await rest_of(two))
            check(others, await report_of(to_two))


async def test_cable_that_is_pulled(hosts: Hosts, folders: list[str]) -> None:
    """Nobody says that the link has ended: heartbeats find out, at both ends."""
    address = f"tcp:{HOSTS[0]}:7000"
    async with peer("listen", address, folders[0], inside=hosts.on(0)) as one:
        assert await line_of(one) == address
        async with peer("drive", address, folders[1], inside=hosts.on(1)) as driver:
            handled = await numbers_of(one, 200)
            hosts.unplug(1)
            report = await report_of(driver)
            assert report["reason"] == "nothing came for 1.5 s"
        async with peer("drive", address, folders[2], inside=hosts.on(2)) as driver:
            while (number := (await numbers_of(one, 1))[0]) != 0:
                handled.append(number)
            check(handled, report)
            again = [0, *await numbers_of(one, 100)]
            one.kill()
            again += map(int, await rest_of(one))
            check(again, await report_of(driver))
