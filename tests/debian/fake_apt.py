"""An apt that has a few packages and no network: fake programs on PATH."""

import platform
import sys
from pathlib import Path

import pytest

__all__ = ["install_apt"]

_PLACES = """\
http://mirror.example/debian bookworm main
http://mirror.example/debian bookworm contrib
http://mirror.example/debian bookworm-updates main
http://security.example/debian bookworm-security main
http://other.example/docker bookworm stable
"""

_PROGRAM = """\
#!{python}
import sys
from pathlib import Path

words = sys.argv[1:]
folder = Path(words[1]).parent if words[0] == "-c" else None
if "indextargets" in words:
    print({places!r}, end="")
elif "update" in words:
    with (folder / "updates").open("a") as file:
        file.write("one\\n")
elif "pkgnames" in words:
    names = {names!r}
    listed = (folder / "debian.list").read_text()
    for suite, packages in names.items():
        if f" {{suite}} " in listed:
            found = [one for one in packages if one.startswith(words[-1])]
            print(*found, sep="\\n")
else:
    print("E: there is no network", file=sys.stderr)
    sys.exit(100)
"""


def install_apt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]
) -> None:
    """Put an apt-get and an apt-cache on PATH, for a Debian 12.

    `names` are the packages of each suite.
    """
    system = {
        "ID": "debian",
        "PRETTY_NAME": "Debian 12",
        "VERSION_CODENAME": "bookworm",
    }
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    folder.mkdir(exist_ok=True)
    text = _PROGRAM.format(python=sys.executable, places=_PLACES, names=names)
    for name in ("apt-get", "apt-cache"):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
