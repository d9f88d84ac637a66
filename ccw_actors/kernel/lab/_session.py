"""One try of a plan on a kernel: boots it, carries out the order, looks for harm."""

import asyncio
import tempfile
from contextlib import suppress
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
from ccw_actors.kernel.lab._delayed import wait_and_see
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._plan import Harm, Observed, Plan
from ccw_actors.kernel.lab._runner import OrderEnd, OrderRunner

__all__ = ["CPUS", "KernelTest", "Try"]

CPUS: Final = 3
"""One for the kernel's work, two for the client's threads."""

_PATIENCE: Final = 30
"""Seconds that the client gives its threads."""
_END: Final = 60
"""Seconds until the client must have come to its end when nothing holds it."""
_CONNECT_TRIES: Final = 20
_POWER_OFF: Final = 2.0
"""Seconds that a kernel has to power off."""


class Try(Struct, frozen=True):
    """One try: how the order ended, the harm that was seen, what the client said."""

    order: OrderEnd
    harm: Harm | None
    log: ClientLog
    console: str
    error: str = ""


class KernelTest:
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
            BootError: The client cannot be compiled.
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
                devices=plan.devices,
                binary=self._binary,
                gdbstub=folder / "gdb" if plan.order and not plan.delays else None,
            )
            async with KernelMachine(options) as machine:
                return await self._watch(machine, plan, options.gdbstub)

    async def _watch(
        self, machine: KernelMachine, plan: Plan, gdbstub: Path | None
    ) -> Try:
        order = OrderEnd(())
        if gdbstub is not None:
            order = await self._carry_out(plan, machine, gdbstub)
        elif plan.delays:
            order = await wait_and_see(machine, plan)
        wrong = await _end(machine)
        log = read_log(machine.console)
        observed = Observed(
            plan, log, order.ran, order.states, order.schibs, order.tasks
        )
        return Try(order, plan.harm(observed), log, machine.console, wrong)

    async def _carry_out(
        self, plan: Plan, machine: KernelMachine, gdbstub: Path
    ) -> OrderEnd:
        try:
            debugger = await _connect(machine, gdbstub)
            return await OrderRunner(machine, debugger, self._code).run(plan.order)
        except DebuggerError as error:
            return OrderEnd((), failed=str(error))


async def _end(machine: KernelMachine) -> str:
    """Wait for the client's end, and a little for the kernel's; say what is wrong."""
    for _ in range(_END):
        if await machine.ended(1.0):
            return machine.error
        if read_log(machine.console).is_over:
            # A kernel that has lost its device may not manage to power off.
            await machine.ended(_POWER_OFF)
            return ""
    return "the kernel does not come to its end"


async def _connect(machine: KernelMachine, gdbstub: Path) -> Debugger:
    """Connect to the debugger's socket, which is there when QEMU has started."""
    while not await asyncio.to_thread(gdbstub.exists):
        if await machine.ended(0.02):
            raise DebuggerError(f"QEMU has not started: {machine.error}")
    for _ in range(_CONNECT_TRIES):
        # QEMU makes the socket a little before it listens.
        with suppress(DebuggerError):
            return await Debugger.connect(gdbstub)
        await asyncio.sleep(0.05)
    return await Debugger.connect(gdbstub)
