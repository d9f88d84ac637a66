"""A kernel that cannot be tested is told at once, and not scenario by scenario."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.kernel.boot import BootError, ClientLog
from ccw_actors.kernel.lab import _laboratory
from ccw_actors.kernel.lab._laboratory import examine_kernel
from ccw_actors.kernel.lab._plan import Plan
from ccw_actors.kernel.lab._plans import PLANS
from ccw_actors.kernel.lab._runner import OrderEnd
from ccw_actors.kernel.lab._session import Try
from ccw_actors.kernel.records import Target
from tests.kernel.lab.fakes import FakeCode

OVER = ClientLog((), (), (), "", (), is_over=True)
SILENT = ClientLog((), (), (), "", (), is_over=False)
BARE = ClientLog((), (), (), "vfio_ccw: No such file or directory", (), is_over=False)


class Kernel:
    """Boots as `log` says; counts how often. `orders` say why each order fails."""

    def __init__(
        self, log: ClientLog, console: str, orders: tuple[str, ...] = ()
    ) -> None:
        self.log = log
        self.console = console
        self.orders = orders
        self.boots = 0

    async def attempt(self, plan: Plan) -> Try:
        """Boot it."""
        del plan
        failed = self.orders[self.boots] if self.orders else ""
        self.boots += 1
        return Try(OrderEnd((), failed=failed), None, self.log, self.console)


def examined(kernel: Kernel, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[Any]:
    """Examine a kernel."""
    files: Any = type(
        "Files", (), {"target": None, "configuration": Path(), "image": 0}
    )
    files.vmlinux = Path()
    code: Any = FakeCode({})

    def described(_target: object) -> Target:
        return Target(kind="linux", version="1.2.3")

    code.described = described

    class Symbols:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def made(what: Any) -> Callable[..., Any]:
        def make(*_arguments: object) -> Any:
            return what

        return make

    monkeypatch.setattr(_laboratory, "kernel_slide", made(0))
    monkeypatch.setattr(_laboratory, "Symbols", Symbols)
    monkeypatch.setattr(_laboratory, "KernelCode", made(code))
    monkeypatch.setattr(_laboratory, "KernelTest", made(kernel))
    return asyncio.run(examine_kernel(files, names, cache=Path()))


@pytest.mark.parametrize(
    ("log", "console", "said"),
    [
        (
            SILENT,
            "Linux\npanic: no root\n",
            "does not boot .* wrote: panic: no root",
        ),
        (SILENT, "", "the last that it wrote: nothing"),
        (BARE, "", "found something missing: vfio_ccw: No such file"),
    ],
)
def test_a_kernel_that_does_not_boot(
    monkeypatch: pytest.MonkeyPatch, log: ClientLog, console: str, said: str
) -> None:
    """One boot is enough to see it, and the error has the kernel's last word."""
    kernel = Kernel(log, console)
    with pytest.raises(BootError, match=said):
        examined(kernel, monkeypatch, "mail", "no-function")
    assert kernel.boots == 1


def test_scenarios_and_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scenario has a record; one that is not tried needs no boot."""
    kernel = Kernel(OVER, "")
    records = examined(kernel, monkeypatch, "no-function", "primary")
    assert [(one.scenario, one.outcome) for one in records] == [
        ("no-function", "not reproduced"),
        ("primary", "not applicable"),
    ]
    assert kernel.boots == 2


@pytest.mark.parametrize(
    ("orders", "boots", "outcome"),
    [
        (("stuck", "stuck", ""), 3, "not reproduced"),
        (("stuck", "stuck", "stuck"), 3, "undecided"),
        (("",), 1, "not reproduced"),
    ],
)
def test_an_order_that_fails_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, orders: tuple[str, ...], boots: int, outcome: str
) -> None:
    """Three times at most, and only until it has run to its end."""
    kernel = Kernel(OVER, "", ("", *orders))
    (record,) = examined(kernel, monkeypatch, "no-function")
    assert (kernel.boots - 1, record.outcome) == (boots, outcome)


def test_each_plan_has_a_thread_for_each_cpu() -> None:
    """Also a plan with one thread: the other CPU is parked at a mark."""
    for plan in PLANS.values():
        assert [one.cpu for one in plan.script.threads] == [1, 2]
        assert all(one.steps for one in plan.script.threads)
    assert PLANS["seed"].script.threads[1].steps == ("mark",)


def test_a_kernel_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose place the kernel does not have is not applicable."""
    kernel = Kernel(OVER, "")
    (record,) = examined(kernel, monkeypatch, "mail")
    assert record.outcome == "not applicable"
    assert "vfio_ccw_async_region_write" in record.why
    assert kernel.boots == 1
