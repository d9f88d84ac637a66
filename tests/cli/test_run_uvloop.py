"""`ccw-actors run --uvloop` runs the machine on the event loop of uvloop."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.cli.test_run_stops import machine

PROGRAMS = """\
import asyncio


async def loop_of(cpu):
    await cpu.wait(0.01)
    return {"loop": type(asyncio.get_running_loop()).__module__}


def in_thread(cpu):
    cpu.storage[0:] = b"42"
    return {"found": int(cpu.storage[0:2])}
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    """Write guest programs next to the machine file; return their module's name."""
    name = "loops_" + "".join(filter(str.isalnum, tmp_path.name))
    (tmp_path / f"{name}.py").write_text(PROGRAMS)
    return name


def test_the_loop_is_of_uvloop(tmp_path: Path, module: str) -> None:
    """With the option the loop is uvloop's, without it asyncio's."""
    pytest.importorskip("uvloop")
    file = machine(
        tmp_path, loop_of=f"{module}:loop_of", in_thread=f"{module}:in_thread"
    )
    loops: list[str] = []
    for options in ((), ("--uvloop",)):
        ended = ccw_actors("run", file, "--json", "--no-trace", *options)
        assert ended.status == 0, ended.err
        guests = json.loads(ended.out)["guests"]
        assert guests["in_thread"]["result"] == {"found": 42}
        loops.append(guests["loop_of"]["result"]["loop"])
    assert loops == ["asyncio.unix_events", "uvloop"]


def test_without_uvloop(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where uvloop is not installed, one line says how to get it."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    file = machine(tmp_path, in_thread=f"{module}:in_thread")
    ended = ccw_actors("run", file, "--no-trace", "--uvloop")
    assert ended.status == 2
    assert "pip install 'ccw-actors[uvloop]'" in ended.err
