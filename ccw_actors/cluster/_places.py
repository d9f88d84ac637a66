"""Where shares and their coordinator listen, and how they prove who they are."""

import ipaddress
import socket
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ccw_actors.runtime.links import LinkOptions
from ccw_actors.transport.links import Tls

__all__ = ["OnHost", "OnNetwork", "link_options"]

_WAITING_BYTES_MAX = 1 << 30
_FILES = ("certificate.pem", "key.pem", "authority.pem")


def link_options(certificates: Path | None) -> LinkOptions:
    """Return the options of links, with the certificates in a folder.

    It has certificate.pem, key.pem and authority.pem, in every process at this path.
    """
    tls = None
    if certificates is not None:
        certificate, key, authority = (certificates / name for name in _FILES)
        tls = Tls(certificate, key, authority)
    return LinkOptions(tls=tls, timeout=30.0, waiting_bytes_max=_WAITING_BYTES_MAX)


class OnHost(NamedTuple):
    """Unix sockets in a folder of this host."""

    folder: Path

    def coordinator(self) -> str:
        """Return the address of the coordinator."""
        return f"unix:{self.folder}/coordinator"

    def share(self, number: int) -> str:
        """Return the address of a share."""
        return f"unix:{self.folder}/{number}"


class OnNetwork(NamedTuple):
    """TCP, on the interface of each host that leads to the cluster's scheduler."""

    scheduler: str

    def coordinator(self) -> str:
        """Return the address of the coordinator, as seen from this host."""
        return f"tcp:{self._here()}:0"

    def share(self, number: int) -> str:
        """Return the address of a share on this host."""
        del number
        return self.coordinator()

    def _here(self) -> str:
        """Return the address that this host has on the way to the scheduler."""
        host = urlsplit(self.scheduler).hostname or "127.0.0.1"
        found = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], found[1]) as probe:
            # Nothing is sent: the kernel only looks up the way.
            probe.connect(found[4])
            name = str(probe.getsockname()[0])
        return f"[{name}]" if ipaddress.ip_address(name).version == 6 else name
