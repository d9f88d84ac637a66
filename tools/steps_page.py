"""The page of what each step of the models stands for in Linux and in QEMU."""

from typing import Final

from tools.design_tables import linux_table, qemu_table
from tools.markdown import GENERATED

__all__ = ["as_markdown"]

_LINUX: Final = f"""\
{GENERATED}
# What each step of the models stands for

## Linux

A section is one message: no other step comes between its parts. Of several functions
named, the last one does the work. Files without a folder are in drivers/s390/cio. A
version named is the first with that behaviour; the rest is the same from v5.12 to 2026.
"""
_QEMU: Final = """\
## QEMU

hw/vfio/ccw.c and hw/s390x/css.c of the 8.x releases. The model does one operation at
a time, calls of the kernel included.
"""


def as_markdown() -> str:
    """Render the page."""
    return f"{_LINUX}\n{linux_table()}\n\n{_QEMU}\n{qemu_table()}\n"
