"""A toolchain that compiles nothing: fake programs under the names of a real one.

Its make treats each C file below `drivers` as a compiler would: the object is made
again if the source is newer, or if it was compiled under another name. So tests see
what would be compiled, in no time.
"""

import os
import sys
from pathlib import Path

__all__ = ["MAKEFILE", "install", "new_tree"]

MAKEFILE = """\
VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 118
EXTRAVERSION =
"""

_MAKE = """\
#!{python}
import os, shutil, sys
from pathlib import Path

words = sys.argv[1:]
tree = Path(words[words.index("-C") + 1])
given = dict(word.split("=", 1) for word in words if "=" in word)
objects, target = Path(given["O"]), words[-1]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if target == "allnoconfig":
    lines = Path(os.environ["KCONFIG_ALLCONFIG"]).read_text().splitlines()
    lacks = os.environ.get("FAKE_LACKS", "").split()
    lines += ["CONFIG_DEBUG_INFO=y", "CONFIG_TRACING=y"]
    kept = [line for line in lines if line.split("=")[0] not in lacks]
    write(objects / ".config", "\\n".join(kept) + "\\n")
    sys.exit(0)

if "FAKE_SAYS" in os.environ:
    print(os.environ["FAKE_SAYS"])
    sys.exit(2)

linked = ""
for source in sorted(tree.glob("drivers/**/*.c")):
    name = source.relative_to(tree)
    made = objects / name.with_suffix(".o")
    command = made.with_name(f".{{made.name}}.cmd")
    text = source.read_text()
    if "#error" in text:
        print(f"{{source}}:1:2: error: #error")
        print(f"make[2]: *** [{{name}}] Error 1")
        print("make: *** [Makefile:224: __sub-make] Error 2")
        sys.exit(2)
    is_old = not made.exists() or made.stat().st_mtime_ns < source.stat().st_mtime_ns
    if is_old or command.read_text() != f"cc {{source}}":
        print(f"  CC      {{name}}", flush=True)
        write(made, text)
        write(command, f"cc {{source}}")
    linked += made.read_text()
for name in ("vmlinux", "System.map", "arch/s390/boot/bzImage"):
    write(objects / name, linked)
if not (objects / "source").exists():
    (objects / "source").symlink_to(tree)
"""


def install(folder: Path, *, without: str = "") -> str:
    """Write the programs, but for one; return the PATH that finds them."""
    folder.mkdir()
    prefix = "s390x-linux-gnu-"
    for name in (f"{prefix}gcc", f"{prefix}ld", "gcc", "flex", "bison", "bc", "perl"):
        if name != without:
            _program(folder / name, f"#!/bin/sh\necho '{name} (test) 1.2.3'\n")
    if without != "make":
        _program(folder / "make", _MAKE.format(python=sys.executable))
    # Git and cp of the system, and no compiler of it.
    for name in ("git", "cp"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return str(folder)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def new_tree(folder: Path) -> Path:
    """Write a tree that looks like Linux, with the names that changes need."""
    files = {
        "Makefile": MAKEFILE,
        "Kconfig": "config VFIO\nconfig VFIO_CCW\n",
        "arch/s390/Kconfig": "config SCLP_CONSOLE\n",
        "drivers/s390/cio/vfio_ccw_drv.c": "int started(void)\n{\n\treturn 1;\n}\n",
        "drivers/s390/cio/other.c": "int other;\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        # Older than anything that is built from it.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder
