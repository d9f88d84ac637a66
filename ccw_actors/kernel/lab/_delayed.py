"""Orders that no debugger forces: delays make them likely, and that is all.

They are best with a kernel that `kernel build --change widen-clear` has made slow. What
they show, no debugger has brought about.
"""

from typing import Final

from ccw_actors.errors import ActorStoppedError
from ccw_actors.kernel.boot import KernelMachine
from ccw_actors.kernel.lab import _harm as harm
from ccw_actors.kernel.lab._host_side import HostSide
from ccw_actors.kernel.lab._order import Begun, Hold, HostStep, Open, Pause, Signals
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._programs import DATA
from ccw_actors.kernel.lab._runner import OrderEnd

__all__ = ["DELAYED_PLANS", "wait_and_see"]

_OVER: Final = "the client is over before the order is"
_READY: Final = ("", "sleep 200")
"""The host's side closes its gates meanwhile."""

_WORKER_RUNS: Final = ("", "sleep 500")
"""It frees the program, before the memory is unmapped."""
_CHANNEL_WRITES: Final = ("", "sleep 7000")
"""Seven seconds: after some of them the channel gets its data."""

DELAYED_PLANS: Final[dict[str, Plan]] = {
    "mail": Plan(
        invariant="I1",
        delays=True,
        threads=(
            (_READY, ("clear", "async 2"), ("", "post 1"), ("", "await 2")),
            (
                ("", "await 1"),
                ("start", DATA),
                _WORKER_RUNS,
                ("renew", "renew 1800000"),
                _CHANNEL_WRITES,
                ("changed", "changed"),
                ("", "post 2"),
            ),
        ),
        order=(
            Begun(),
            Hold("interrupt"),
            Hold("data"),
            Signals(),
            # START comes as soon as CLEAR has returned.
            Pause(0.05),
            Open("interrupt"),
            # The client fills other memory, and waits.
            Pause(4.0),
            Open("data"),
        ),
        harm=harm.foreign_memory,
    )
}
"""By scenario."""


async def wait_and_see(machine: KernelMachine, plan: Plan) -> OrderEnd:
    """Carry out the order of a plan with delays; then no gate is closed."""
    host = HostSide(machine)
    failed = await _do_all(host, machine, plan)
    if not await machine.ended(0.0):
        machine.open_all()
    return OrderEnd(tuple(host.steps), schibs=tuple(host.schibs), failed=failed)


async def _do_all(host: HostSide, machine: KernelMachine, plan: Plan) -> str:
    """Carry out the steps; return why one was not possible, "" if all were."""
    for step in plan.order:
        assert isinstance(step, HostStep), "delays need no debugger"
        if await machine.ended(0.0):
            return _OVER
        try:
            failed = await host.do(step)
        except ActorStoppedError:
            # The machine has ended in this step.
            return _OVER
        if failed:
            return failed
    return ""
