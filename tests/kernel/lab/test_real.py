"""A real kernel, whose folder is named by CCW_ACTORS_KERNEL."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from ccw_actors.kernel.debugger import Symbols, kernel_slide
from ccw_actors.kernel.lab import KernelFiles
from ccw_actors.kernel.lab._kernel_code import KernelCode
from ccw_actors.kernel.lab._order import (
    KERNEL_CPU,
    Attention,
    Follow,
    Injected,
    LookAtTask,
    OrderStep,
    Release,
    Until,
)
from ccw_actors.kernel.lab._plans import PLANS
from ccw_actors.kernel.lab._session import KernelTest
from ccw_actors.kernel.records import ExecutionRecord
from tests.cli.in_process import ccw_actors

pytestmark = pytest.mark.kernel

_KERNEL = "CCW_ACTORS_KERNEL"
EXPECTED = {"mail": "reproduced", "sequence": "not reproduced"}


HANGS = PLANS["isolation"]
_ABOUT_ATTENTION = (Attention, Injected, Follow, Release, LookAtTask)


def _is_about_attention(one: OrderStep) -> bool:
    """Tell whether a step belongs to the attention, or to the worker that has it."""
    is_worker = isinstance(one, Until) and one.cpu == KERNEL_CPU
    return is_worker or isinstance(one, _ABOUT_ATTENTION)


CONTROLS = {
    "held, and attention": (HANGS.order, True),
    "held": (tuple(one for one in HANGS.order if not _is_about_attention(one)), False),
}
"""Orders of the plan with two devices, and whether they do harm."""


def kernel_folder() -> str:
    """Return the folder of a kernel, or skip the test."""
    folder = os.environ.get(_KERNEL)
    if folder is None:
        pytest.skip(f"{_KERNEL} names no folder of 'ccw-actors kernel build'")
    return folder


@pytest.mark.parametrize("name", CONTROLS)
def test_two_devices(name: str, tmp_path: Path) -> None:
    """A status is late if the worker waits for another device, and only then."""
    order, does_harm = CONTROLS[name]
    kernel = KernelFiles.find(Path(kernel_folder()))
    with Symbols(kernel.vmlinux, kernel_slide(kernel.configuration)) as symbols:
        test = KernelTest(kernel.image, KernelCode(symbols), tmp_path)
        made = asyncio.run(test.attempt(replace(HANGS, order=order)))
    assert (made.order.failed, made.error, made.log.hangs) == ("", "", ())
    assert (made.harm is not None) is does_harm


def test_a_real_kernel(tmp_path: Path) -> None:
    """The mail's order lets the channel overwrite memory; a sequence does no harm.

    That is so for the kernels that come with Debian 12 and 13, and in sid.
    """
    folder = kernel_folder()
    words = [word for name in EXPECTED for word in ("--scenario", name)]
    junit = tmp_path / "junit.xml"
    ended = ccw_actors("kernel", "test", folder, *words, "--json", "--junit", junit)
    assert ended.status == 1
    records = msgspec.json.decode(ended.out, type=list[ExecutionRecord])
    assert {one.scenario: one.outcome for one in records} == EXPECTED
    mail = records[0]
    assert mail.window == "forced"
    assert "CPU 0 is at cp_free()" in mail.steps
    assert junit.read_text().count("<failure") == 1


def test_delays() -> None:
    """Without a debugger the mail's order is likely, and does the same harm."""
    ended = ccw_actors("kernel", "test", kernel_folder(), "--delays", "--json")
    (mail,) = msgspec.json.decode(ended.out, type=list[ExecutionRecord])
    assert (mail.scenario, mail.window) == ("mail", "widened")
    assert mail.steps[:2] == ("interruptions are held", "data are held")
    assert ended.status == {"reproduced": 1, "undecided": 125}[mail.outcome]
