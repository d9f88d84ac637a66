"""What was executed on a real kernel or QEMU, and what it showed."""

from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["FORMAT", "ExecutionOutcome", "ExecutionRecord", "Target", "Window"]

FORMAT = "ccw-actors execution record"

ExecutionOutcome: TypeAlias = Literal[
    "reproduced", "not reproduced", "not applicable", "undecided"
]
"""What a run of a scenario showed.

| outcome | when |
|---|---|
| reproduced | the harm was seen in at least one try |
| not reproduced | in each try the forced order ran to its end, and there was no harm |
| not applicable | the target has no such path, or the regions cannot reach it |
| undecided | an order did not run to its end, so that nothing follows |
"""

Window: TypeAlias = Literal["forced", "widened", "none"]
"""How the order came about.

| window | how |
|---|---|
| forced | a debugger resumed one CPU at a time; gates held each event for its turn |
| widened | a delay made it likely: weaker evidence |
| none | by chance, or the scenario has one thread |
"""


class Target(Struct, frozen=True, kw_only=True):
    """A kernel or a QEMU under test.

    `version` is "6.12.118" or "7.2.19". `package` is Debian's, as in
    "linux-source-6.12 6.12.118-1", "" for one's own tree. `configuration` names what
    was added, such as "kasan". `change` is the change under test, "" for none.
    `design` is its row in the verdict table.
    """

    kind: Literal["linux", "qemu"]
    version: str
    package: str = ""
    configuration: tuple[str, ...] = ()
    change: str = ""
    compiler: str = ""
    design: str = ""


class ExecutionRecord(Struct, frozen=True, kw_only=True):
    """What `tries` runs of one scenario on one target showed.

    `scenario` is its name in the verdict table, or that of a claim about QEMU.
    `interface` says what drives the target: the client's "regions", or a guest's
    "instructions". `host` is the QEMU that runs a kernel. `variant` says how the order
    differs from that of the verdict table's counterexample, "" if it does not.
    `reproduced` counts the tries that showed the harm. `why` is one sentence about the
    outcome. `evidence` has lines that were seen: order of functions, wrong bytes,
    errno, reports of KASAN. `steps` is the order of one try, as it happened.
    """

    format: str = FORMAT
    target: Target
    scenario: str
    interface: Literal["regions", "instructions"]
    host: str = ""
    cpus: int = 1
    threads: int = 1
    window: Window
    variant: str = ""
    invariant: str = ""
    outcome: ExecutionOutcome
    why: str
    tries: int = 1
    reproduced: int = 0
    evidence: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
