"""Where a kernel runs, compared with the addresses in its vmlinux.

| kernel | with `nokaslr` |
|---|---|
| before 6.10 | at the addresses of its vmlinux |
| since 6.10 | behind them by CONFIG_KERNEL_IMAGE_BASE |
"""

import re
from pathlib import Path

from ccw_actors.errors import SymbolsError
from ccw_actors.kernel.debugger._debugger import Debugger
from ccw_actors.kernel.debugger._symbols import Symbols

__all__ = ["kernel_slide", "running_slide"]

_BASE = re.compile(r"^CONFIG_KERNEL_IMAGE_BASE=(0x[0-9a-fA-F]+)$", re.MULTILINE)
_IO_NEW_PSW = 0x1F8
"""Real address of the address in the I/O new PSW, where an I/O interruption begins."""

_IO_HANDLER = "io_int_handler"


def kernel_slide(config: Path) -> int:
    """Return what to add to a vmlinux's addresses with `nokaslr`, by its `.config`."""
    try:
        found = _BASE.search(config.read_text())
    except OSError as error:
        raise SymbolsError(f"{config}: {error.strerror}") from error
    return int(found[1], 16) if found else 0


async def running_slide(debugger: Debugger, symbols: Symbols, cpu: int = 0) -> int:
    """Return what to add to addresses of the file, by a kernel that runs.

    The kernel has stored its I/O new PSW, which it does before `start_kernel` returns
    from its first initialisations, and the CPU is stopped in the kernel.
    """
    content = await debugger.read(cpu, _IO_NEW_PSW, 8)
    return int.from_bytes(content, "big") - symbols.address(_IO_HANDLER) + symbols.slide
