"""One try of a plan on a kernel: boots it, carries out the order, looks for harm."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from msgspec import Struct

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.boot import (
    BootOptions,
    ClientLog,
    KernelMachine,
    compile_client,
    initramfs,
    read_log,
)
from ccw_actors.kernel.debugger import Debugger
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._plan import Harm, Observed, Plan
from ccw_actors.kernel.lab._runner import OrderEnd, OrderRunner

__all__ = ["CPUS", "Laboratory", "Try"]

CPUS: Final = 3
"""One for the kernel's work, two for the client's threads."""

_PATIENCE: Final = 30
"""Seconds that the client gives its threads."""
_END: Final = 60.0
"""Seconds until a kernel must have come to its end when nothing holds it."""


class Try(Struct, frozen=True):
    """One try: how the order ended, the harm that was seen, what the client said."""

    order: OrderEnd
    harm: Harm | None
    log: ClientLog
    console: str
    error: str = ""


class Laboratory:
    """Tries plans on the kernel `image`, on a QEMU.

    `cache` keeps the compiled client. `binary` is the QEMU, None for the one on PATH.
    """

    def __init__(
        self, image: Path, code: KernelCode, cache: Path, binary: Path | None = None
    ) -> None:
        self._image = image
        self._code = code
        self._cache = cache
        self._binary = binary

    async def attempt(self, plan: Plan) -> Try:
        """Try a plan once.

        Raises:
            ClientError: The client cannot be compiled.
            CcwActorsError: QEMU cannot be started.
        """
        client = await asyncio.to_thread(compile_client, self._cache)
        with tempfile.TemporaryDirectory(prefix="ccw-actors-kernel-") as name:
            folder = Path(name)
            initrd = folder / "initrd"
            initrd.write_bytes(initramfs(client, plan.script, patience=_PATIENCE))
            options = BootOptions(
                kernel=self._image,
                initrd=initrd,
                folder=folder,
                cpus=CPUS,
                binary=self._binary,
                gdbstub=folder / "gdb" if plan.order else None,
            )
            async with KernelMachine(options) as machine:
                return await self._watch(machine, plan, options.gdbstub)

    async def _watch(
        self, machine: KernelMachine, plan: Plan, gdbstub: Path | None
    ) -> Try:
        order = OrderEnd(())
        if gdbstub is not None:
            try:
                debugger = await _connect(machine, gdbstub)
                order = await OrderRunner(machine, debugger, self._code).run(plan.order)
            except DebuggerError as error:
                order = OrderEnd((), failed=str(error))
        ended = await machine.ended(_END)
        log = read_log(machine.console)
        observed = Observed(plan, log, order.states, order.schibs)
        error = machine.error if ended else "the kernel does not come to its end"
        return Try(order, plan.harm(observed), log, machine.console, error)


async def _connect(machine: KernelMachine, gdbstub: Path) -> Debugger:
    """Connect to the debugger's socket, which is there when QEMU has started."""
    while not gdbstub.exists():
        if await machine.ended(0.02):
            raise DebuggerError(f"QEMU has not started: {machine.error}")
    return await Debugger.connect(gdbstub)
