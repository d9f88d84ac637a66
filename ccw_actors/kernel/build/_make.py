"""Runs make, and says in one line why it failed."""

import os
import platform
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from ccw_actors.kernel.build._errors import BuildFailedError, ToolMissingError

__all__ = ["Make", "compiler"]

_LAST = 2000
"""How many lines of make's output are searched for the reason of a failure."""

_NEEDED = {
    "make": "make",
    "gcc": "gcc",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "perl": "perl",
}
"""Programs that a build runs, and the packages of Debian that have them."""

_HINTS = (
    (r"(?:openssl/\S+\.h|-lcrypto)", "libssl-dev"),
    (r"(?:gelf\.h|libelf\.h|elf\.h|-lelf)", "libelf-dev"),
    (r"\b(?:stdio|stdlib|sys/types)\.h: No such file", "libc6-dev"),
    (r"\bpython3: (?:command )?not found", "python3"),
    (r"\bcpio: (?:command )?not found", "cpio"),
    (r"\bxz: (?:command )?not found", "xz-utils"),
)
"""What make prints where something is missing, and Debian's package that has it."""

_SETTLED = {
    "LC_ALL": "C",
    "KBUILD_BUILD_USER": "ccw-actors",
    "KBUILD_BUILD_HOST": "ccw-actors",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan 1 00:00:00 UTC 1970",
    "KBUILD_BUILD_VERSION": "1",
}
"""So the same sources give the same kernel."""

_UNWANTED = ("ARCH", "KBUILD_OUTPUT", "KCONFIG_CONFIG", "MAKEFLAGS", "MAKELEVEL", "O")


def _prefix() -> str:
    """Return the prefix of the tools' names: that of the environment, or Debian's."""
    native = "" if platform.machine() == "s390x" else "s390x-linux-gnu-"
    return os.environ.get("CROSS_COMPILE", native)


def compiler() -> str:
    """Return the first line of the compiler's version.

    Raises:
        ToolMissingError: The compiler, or another program of a build, is missing.
    """
    prefix = _prefix()
    package = "gcc-s390x-linux-gnu" if prefix == "s390x-linux-gnu-" else "gcc"
    tools = {f"{prefix}gcc": package, f"{prefix}ld": package.replace("gcc", "binutils")}
    for name, owner in (tools | _NEEDED).items():
        if shutil.which(name) is None:
            raise ToolMissingError(f"there is no {name}: apt-get install {owner}")
    said = subprocess.run(
        [f"{prefix}gcc", "--version"], capture_output=True, text=True, check=False
    )
    return (said.stdout.splitlines() or [f"{prefix}gcc"])[0]


class Make:
    """Make for one tree and one folder of objects.

    `log` gets all that make prints. `tell` is called with each line.
    """

    def __init__(
        self, tree: Path, objects: Path, log: Path, tell: Callable[[str], None]
    ) -> None:
        self._tree = tree
        self._objects = objects
        self._log = log
        self._tell = tell

    def __call__(
        self,
        target: str,
        *,
        jobs: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Make a target.

        Raises:
            BuildFailedError: Make failed; the text has the error line, and the log.
            ToolMissingError: Make failed as something is missing that Debian has.
        """
        words = [
            "make",
            "-C",
            str(self._tree),
            f"O={self._objects}",
            "ARCH=s390",
            f"CROSS_COMPILE={_prefix()}",
            "LOCALVERSION=",
            f"-j{jobs}",
            target,
        ]
        status, lines = self._run(words, _SETTLED | dict(environment or {}))
        if status:
            raise self._reason(target, lines)

    def _run(
        self, words: list[str], environment: dict[str, str]
    ) -> tuple[int, list[str]]:
        kept = {key: text for key, text in os.environ.items() if key not in _UNWANTED}
        last: deque[str] = deque(maxlen=_LAST)
        with (
            self._log.open("a", buffering=1) as log,
            subprocess.Popen(
                words,
                env=kept | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    log.write(line)
                    last.append(line.rstrip())
                    self._tell(line.strip())
            except BaseException:
                process.terminate()
                raise
            return process.wait(), list(last)

    def _reason(self, target: str, lines: list[str]) -> Exception:
        for pattern, package in _HINTS:
            for line in lines:
                if re.search(pattern, line):
                    said = line.strip()
                    return ToolMissingError(f"{said}: apt-get install {package}")
        said = _error_line(lines).replace(f"{self._tree}/", "")
        return BuildFailedError(f"make {target} failed: {said} (see {self._log})")


def _error_line(lines: list[str]) -> str:
    """Return the last line with an error: the compiler's, the linker's, or make's."""
    for pattern in (
        r"\b(?:fatal )?error: ",
        r"undefined reference|No space left|multiple definition|\bld: ",
        r"\*\*\*",
    ):
        found = [line for line in lines if re.search(pattern, line)]
        if found:
            return found[-1].strip()
    return lines[-1].strip() if lines else "it printed nothing"
