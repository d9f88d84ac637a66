"""Certificates for the tests: an authority, and what it signs."""

from datetime import UTC, datetime
from pathlib import Path

import trustme

from ccw_actors.transport.links import Tls

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


class Authority:
    """Signs certificates, and keeps all files in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "authority.pem"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(str(self.file))
        self._count = 0

    def tls(
        self,
        *hosts: str,
        trusts: "Authority | None" = None,
        server_name: str = "",
        not_after: datetime | None = None,
    ) -> Tls:
        """Return the files of one end, which has a certificate for some hosts."""
        self._count += 1
        made = self._authority.issue_cert(
            *(hosts or ("127.0.0.1",)), not_before=LONG_AGO, not_after=not_after
        )
        certificate = self.folder / f"{self._count}.pem"
        key = self.folder / f"{self._count}.key"
        made.cert_chain_pems[0].write_to_path(str(certificate))
        made.private_key_pem.write_to_path(str(key))
        trusted = (trusts or self).file
        return Tls(certificate, key, trusted, server_name)
