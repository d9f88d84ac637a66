"""The version of a QEMU, as the program says it."""

import re
import subprocess
from pathlib import Path
from typing import Final

from msgspec import Struct

from ccw_actors.errors import ClientError

__all__ = ["QemuVersion", "qemu_version", "read_version"]

_VERSION: Final = re.compile(r"version (?P<number>\d+(?:\.\d+)+)(?: \((?P<more>.*)\))?")


class QemuVersion(Struct, frozen=True):
    """`number` as in "7.2.22"; `package` is what stands behind it in brackets."""

    number: str
    package: str = ""

    @property
    def short(self) -> str:
        """The first two parts of the number."""
        return ".".join(self.number.split(".")[:2])


def qemu_version(program: Path) -> QemuVersion:
    """Ask a QEMU for its version.

    Raises:
        ClientError: It does not say one.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the user's own program
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClientError(f"{program} --version: {error}") from error
    return read_version(done.stdout, program)


def read_version(text: str, program: Path) -> QemuVersion:
    """Read the version in what `program` has said.

    Raises:
        ClientError: There is none.
    """
    match = _VERSION.search(text)
    if match is None:
        raise ClientError(
            f"{program} --version does not say its version: {text[:80]!r}"
        )
    return QemuVersion(match["number"], match["more"] or "")
