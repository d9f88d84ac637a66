"""Mutual TLS: each end proves who it is by a certificate of the same authority."""

import ssl
from pathlib import Path
from typing import NamedTuple

from ccw_actors.errors import LinkError

__all__ = ["Tls"]


class Tls(NamedTuple):
    """The files of one end, in PEM format.

    `certificate` is this end's own chain and `key` its private key; `authority` are the
    certificates that may have signed the other end's. The end that connects also checks
    that the other's certificate names the host, or `server_name` if that is given.
    """

    certificate: Path
    key: Path
    authority: Path
    server_name: str = ""

    def context(self, *, server: bool) -> ssl.SSLContext:
        """Return the context of an end, which refuses others without a certificate.

        Raises:
            LinkError: A file cannot be used; the text says which.
        """
        purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
        self._check_there()
        try:
            context = ssl.create_default_context(purpose, cafile=self.authority)
        except ssl.SSLError as error:
            raise LinkError(f"{self.authority}: {_why(error)}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            raise LinkError(f"{self.certificate}, {self.key}: {_why(error)}") from error
        return context

    def _check_there(self) -> None:
        for path in (self.certificate, self.key, self.authority):
            try:
                path.read_bytes()
            except OSError as error:
                raise LinkError(f"{path}: {error.strerror}") from error


def _why(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    return f"no usable PEM file ({reason.lower().replace('_', ' ')})"
