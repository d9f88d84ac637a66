"""A counterexample as an interleaving: which thread does what, in which order.

The table is like that of the mail that opened the thread, with a column for each CPU,
one for the worker, one for interruptions, and one for the channel.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ccw_actors.designs import STEPS
from ccw_actors.explore import Step
from ccw_actors.verdicts._guest_monitor import GUEST

__all__ = [
    "Line",
    "columns_of",
    "interleaving",
    "sequence_diagram",
]

CHANNEL: Final = "channel"
INTERRUPT: Final = "interrupt"
WORKER: Final = "worker"
MACHINE_CHECK: Final = "machine check"
GUEST_CPU: Final = "a CPU of the guest"
_INSTRUCTIONS: Final = {
    "StartSubchannel": "START SUBCHANNEL",
    "HaltSubchannel": "HALT SUBCHANNEL",
    "ClearSubchannel": "CLEAR SUBCHANNEL",
    "TestSubchannel": "TEST SUBCHANNEL",
    "ResumeSubchannel": "RESUME SUBCHANNEL",
    "ModifySubchannel": "MODIFY SUBCHANNEL",
    "ResetSubchannel": "reset",
}
_CALLS: Final = {
    "WriteIo": ("START", "RESUME"),
    "WriteAsync": ("HALT", "CLEAR"),
}
_HIDDEN: Final = frozenset(
    {"Section", "Returned", "Queued", "WorkDone", "Flush", "RunProgram", "Begin"}
)
_NO_THREAD: Final = {
    CHANNEL: frozenset({"DeviceGoesOn", "SignalClear", "SignalHalt", "Attention"}),
    MACHINE_CHECK: frozenset({"DeviceLost", "PathReport", "ReportAdded"}),
    GUEST_CPU: frozenset({"IdawChanged"}),
}
_BEGINS: Final = "the device takes the first command"
_SHOWS: Final = "status of the program is pending"
_NOT_WORD: Final = re.compile(r"\W+")


class Line(NamedTuple):
    """One step that matters: its number, its column, and what happens.

    `actor` has handled the message of `sender`.
    """

    number: int
    column: str
    what: str
    sender: str
    actor: str


class _Reader:
    """Follows the steps, to find the CPU that a thread of the kernel works for."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._asked: list[tuple[str, str]] = []
        self._call: dict[str, str] = {}

    def read(self, number: int, step: Step) -> None:
        """Note a step if it matters."""
        kind = step.message.partition("(")[0]
        if step.actor == GUEST:
            self._guest(number, step, kind)
        elif step.actor.startswith("cpu") and step.sender == GUEST:
            self._answered(number, step, kind)
        elif _is_host(step.actor):
            self._host(number, step, kind)
        elif step.actor == "cio" and kind == "Tested":
            self._add(
                number, INTERRUPT, f"TSCH takes the IRB{_whose(step.message)}", step
            )
        elif step.actor == "subchannel" and kind != "TestSubchannel":
            what = _INSTRUCTIONS.get(kind)
            if what:
                self._add(number, CHANNEL, f"{what} at the host", step)

    def _guest(self, number: int, step: Step, kind: str) -> None:
        """Note an instruction for the guest's subchannel, or status that it takes."""
        if kind in _INSTRUCTIONS:
            self._asked.append((step.sender, kind))
            self._add(number, _cpu(step.sender), _INSTRUCTIONS[kind], step)
        elif kind in ("IoRead", "IoEvent"):
            whose = _whose(step.message)
            self._add(number, "emulator", f"takes the IRB{whose}", step)

    def _answered(self, number: int, step: Step, kind: str) -> None:
        asked = next((one for one in self._asked if one[0] == step.actor), None)
        if asked is None:
            return
        self._asked.remove(asked)
        cc = re.search(r"cc=(\d)", step.message)
        code = f"cc {cc.group(1)}" if cc else kind
        shown = f", the IRB{_whose(step.message)}" if kind == "Tested" else ""
        what = _INSTRUCTIONS[asked[1]].partition(" ")[0]
        self._add(number, _cpu(step.actor), f"{what}: {code}{shown}", step)

    def _host(self, number: int, step: Step, kind: str) -> None:
        name = kind
        if kind == "Section":
            found = re.search(r"step='(\w+)'", step.message)
            name = found.group(1) if found else kind
        elif kind in _HIDDEN:
            return
        known = STEPS.get(name)
        if known is None:
            return
        column = self._column(step, name)
        function = known.function.rpartition(", ")[2]
        what = f"{function}(): {known.brief}" if function else known.brief
        if name == "DeviceGoesOn":
            what = _BEGINS if "at=0" in step.message else _SHOWS
        self._add(number, column, what, step)

    def _column(self, step: Step, name: str) -> str:
        for column, names in _NO_THREAD.items():
            if name in names:
                return column
        sender = step.sender.rpartition("/")[2]
        if sender == "work-queue":
            return WORKER
        if sender.startswith("thread") and sender != "thread":
            return f"CPU {int(sender.removeprefix('thread')) + 1}"
        if sender == "thread":
            if name in ("WriteIo", "WriteAsync", "ReadIo", "ResetDevice"):
                self._call[step.sender] = self._caller(name)
            return self._call.get(step.sender, "emulator")
        return INTERRUPT

    def _caller(self, call: str) -> str:
        """Return the CPU that the emulator's thread makes a call for, or "emulator"."""
        wanted = _CALLS.get(call, ())
        for cpu, kind in self._asked:
            if _INSTRUCTIONS[kind].partition(" ")[0] in wanted:
                return _cpu(cpu)
        return "emulator"

    def _add(self, number: int, column: str, what: str, step: Step) -> None:
        self.lines.append(Line(number, column, what, step.sender, step.actor))


def interleaving(steps: Sequence[Step]) -> list[Line]:
    """Return the steps of a counterexample that matter, each in its column."""
    reader = _Reader()
    for number, step in enumerate(steps, 1):
        reader.read(number, step)
    return reader.lines


def columns_of(lines: Sequence[Line]) -> list[str]:
    """Return the columns in use: CPUs, the emulator, the worker, the rest."""
    used = {line.column for line in lines}
    order = [f"CPU {number}" for number in range(1, 10)]
    order += ["emulator", GUEST_CPU, WORKER, INTERRUPT, MACHINE_CHECK, CHANNEL]
    return [one for one in order if one in used]


def sequence_diagram(lines: Sequence[Line], why: str) -> str:
    """Render the interleaving as a Mermaid sequence diagram."""
    columns = columns_of(lines)
    names = {one: _NOT_WORD.sub("", one) for one in columns}
    text = ["sequenceDiagram"]
    text += [f"    participant {names[one]} as {one}" for one in columns]
    memory = "driver" if any(_is_host(line.actor) for line in lines) else "layers"
    text.append(f"    participant M as {memory}")
    for line in lines:
        what = line.what.replace(";", ",").replace(":", "")
        source = names[line.column]
        if line.actor.startswith("cpu"):
            text.append(f"    M-->>{source}: {what}")
        else:
            text.append(f"    {source}->>M: {what}")
    text.append(f"    Note over M: {why.replace(';', ',').replace(':', '')}")
    return "\n".join(text)


def _cpu(path: str) -> str:
    number = path.removeprefix("cpu")
    return f"CPU {int(number) + 1}" if number.isdigit() else "emulator"


def _is_host(path: str) -> bool:
    return path.rpartition("/")[2] == "host"


def _whose(message: str) -> str:
    """Return the functions of an IRB, as the end of a sentence."""
    found = re.search(r"fctl=(\d)", message)
    if found is None:
        return ""
    fctl = int(found.group(1))
    names = [
        name for bit, name in ((4, "START"), (2, "HALT"), (1, "CLEAR")) if fctl & bit
    ]
    return f" of {' and '.join(names)}" if names else ", unsolicited"
