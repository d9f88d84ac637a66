"""`ccw-actors explore` and `replay`: what they print, and how they end."""

import json
import os
import pty
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.cli import app
from ccw_actors.scenarios import SCENARIOS
from examples.explore.bank import transfers

EXAMPLES = Path(__file__).parents[2] / "examples" / "explore"
BANK = f"{EXAMPLES}/bank.py:transfer"
BANK_BUGGY = f"{EXAMPLES}/bank.py:transfer_buggy"
COMMIT = f"{EXAMPLES}/two_phase_commit.py:commit"
LOST_REPLY = f"{EXAMPLES}/lost_reply.py:careful"
PAXOS = f"{EXAMPLES}/published/paxos.py:paxos"
PING_PONG = f"{EXAMPLES}/published/ping_pong.py:ping_pong"
TWO_PHASE = f"{EXAMPLES}/published/two_phase.py:two_phase"
REFUTED_CELL = "verdicts/v5.12/qemu/attention"
"""A refuted scenario of the package that needs few states."""

OWN = '''
"""Scenarios of a user."""

from ccw_actors.explore import TransitionSystem
from examples.explore.bank import transfers


def own(world):
    """Three tellers."""
    transfers(tellers=3)(world)


def wrong(world):
    transfers(buggy=True)(world)


counter = TransitionSystem(
    [0], lambda n: [1] if n < 3 else [], lambda n, one: n + one,
    invariants={"small": lambda n: n < 3},
)


def no_scenario():
    pass
'''
FIELDS = {
    "verdict",
    "scope",
    "delivery",
    "engine",
    "schedules",
    "classes",
    "states",
    "steps",
    "seconds",
    "counterexample",
}


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def found(*arguments: str | Path) -> dict[str, Any]:
    """Return the scenarios that `explore --json` has printed."""
    done = run("explore", *arguments, "--json")
    scenarios: dict[str, Any] = json.loads(done.stdout)["scenarios"]
    return scenarios


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a file with scenarios of a user."""
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_list() -> None:
    """Every scenario is listed, with its summary."""
    summaries = json.loads(run("explore", "--list", "--json").stdout)["scenarios"]
    assert list(summaries) == list(SCENARIOS)
    assert all(summaries.values())
    listed = run("explore", "--list").stdout
    assert all(name in listed for name in SCENARIOS)
    assert "Name your own scenarios FILE:NAME" in " ".join(listed.split())


def test_what_a_scenario_prints_stays_in_a_pipe(tmp_path: Path) -> None:
    """Progress on a terminal does not take the output of a scenario there."""
    path = tmp_path / "loud.py"
    path.write_text('def loud(world):\n    """Print."""\n    print("LOUD")\n')
    terminal, its_end = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "ccw_actors", "explore", f"{path}:loud"],
        stdout=subprocess.PIPE,
        stderr=its_end,
        env={**os.environ, "TERM": "xterm"},
        check=False,
    )
    os.close(its_end)
    os.close(terminal)
    assert b"LOUD" in done.stdout


def test_json() -> None:
    """JSON has the promised fields for each scenario, and nothing else is printed."""
    one = found(PING_PONG, BANK_BUGGY)
    assert set(one) == {PING_PONG, BANK_BUGGY}
    assert all(set(fields) >= FIELDS for fields in one.values())
    right, wrong = one.values()
    assert (right["verdict"], right["states"], right["counterexample"]) == (
        "verified",
        11,
        None,
    )
    assert wrong["violation"] == "account/one: never overdrawn"
    assert len(wrong["counterexample"]["steps"]) == 8


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([PING_PONG], 0),
        ([PING_PONG, BANK_BUGGY], 1),
        ([COMMIT, "--states", "10"], 3),
        ([COMMIT, BANK_BUGGY, "--states", "60"], 1),
        ([BANK, "--engine", "random"], 3),
        ([BANK, "--engine", "brute-force"], 0),
        ([BANK, "--time", "ordered"], 0),
        ([TWO_PHASE], 0),
        ([PAXOS, "--delivery", "unordered", "--noops", "kept"], 0),
        ([COMMIT, "--capacity", "1"], 0),
        ([COMMIT, "--fingerprints"], 0),
        ([COMMIT, BANK_BUGGY, "--jobs", "2"], 1),
        ([], 0),
        (["raw-starts"], 0),
        (["no-such-scenario"], 2),
        ([PING_PONG, "--all"], 2),
        ([PING_PONG, "--engine", "fast"], 2),
        ([PING_PONG, "--delivery", "pigeon"], 2),
        ([PING_PONG, "--noops", "lost"], 2),
        ([PING_PONG, "--jobs", "0"], 2),
        ([BANK, "--delivery", "unordered", "--noops", "kept"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    """0 all verified, 1 one refuted, 3 a limit was reached, 2 usage error."""
    assert run("explore", *arguments).exit_code == code


def test_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--all` explores the scenarios of the package, and all of them are verified.

    Each has its own test elsewhere, so two are enough here.
    """
    few = {name: SCENARIOS[name] for name in ("halt", "restart")}
    monkeypatch.setattr(import_module("ccw_actors.cli._explore"), "SCENARIOS", few)
    done = run("explore", "--all", "--json")
    assert done.exit_code == 0
    every: dict[str, Any] = json.loads(done.stdout)["scenarios"]
    assert list(every) == list(few)
    assert {one["verdict"] for one in every.values()} == {"verified"}
    assert {one["delivery"] for one in every.values()} == {"channel"}


def test_all_with_one_that_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in a scenario of the package is reported like any other."""
    few = {name: SCENARIOS[name] for name in ("restart",)}
    few["buggy"] = transfers(buggy=True)
    for module in ("_explore", "_scenario_names"):
        monkeypatch.setattr(import_module(f"ccw_actors.cli.{module}"), "SCENARIOS", few)
    done = run("explore", "--all")
    assert done.exit_code == 1
    assert "REFUTED: account/one: never overdrawn" in done.stdout


def test_ctrl_c(own: Path) -> None:
    """After Ctrl-C partial results are printed, and the exit status is 130."""
    own.write_text(OWN + "\n\ndef cut(world):\n    raise KeyboardInterrupt\n")
    done = run("explore", f"{own}:own", f"{own}:cut", f"{own}:wrong", "--json")
    assert done.exit_code == 130
    assert list(json.loads(done.stdout)["scenarios"]) == [f"{own}:own"]


BROKEN = '''
"""Scenarios that fail, each in its own way."""

import asyncio
import sys

from ccw_actors.runtime import Actor, Message, receive
from examples.explore.bank import transfers


class Go(Message, frozen=True):
    pass


class Sleeper(Actor):
    @receive
    async def go(self, _message: Go) -> None:
        await asyncio.sleep(1)


class Keeper(Actor):
    def __init__(self):
        self.count = 0

    @receive
    def go(self, _message: Go) -> None:
        self.count += 1


class Odd(Actor):
    def __init__(self):
        self.state = object()

    @receive
    def go(self, _message: Go) -> None:
        pass


def predicate(world):
    transfers()(world)
    world.system_invariant("odd", lambda view: view["nobody"])


def raises(world):
    raise ValueError("no\\nscenario")


def leaves(world):
    sys.exit(7)


def sleeps(world):
    world.inject(world.spawn(Sleeper(), "sleeper"), Go())


def hidden(world):
    world.inject(world.spawn(Keeper(), "keeper"), Go())


def odd(world):
    world.inject(world.spawn(Odd(), "odd"), Go())


def empty(world):
    """Nobody is there."""


def small(view):
    return view["account/one"].balance > 5


def _helper(world):
    pass


def with_two(world, more):
    pass
'''
WRONG = {
    "predicate": "'odd' cannot be evaluated: KeyError",
    "raises": "no scenario (broken.py, line 45)",
    "leaves": "ends the process, with exit status 7 (broken.py, line 49)",
    "sleeps": "awaits asyncio itself",
    "hidden": "keeps data in count",
    "odd": "cannot travel in a message",
}
"""The error of each; none of them is a refutation."""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a file with scenarios that cannot be explored."""
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return path


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_scenario_that_cannot_be_explored(broken: Path, name: str, jobs: str) -> None:
    """One line says why; the results of the others are printed; exit status 2."""
    wrong = f"{broken}:{name}"
    done = run("explore", wrong, PING_PONG, "--jobs", jobs)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    said = " ".join(done.stdout.split())
    assert WRONG[name] in said
    one = found(wrong, PING_PONG, "--jobs", jobs)
    assert one[PING_PONG]["verdict"] == "verified"
    assert WRONG[name] in " ".join(one[wrong]["error"].split())


def test_refutation_beside_an_error(broken: Path) -> None:
    """A refuted scenario decides the exit status, not one that cannot be explored."""
    assert run("explore", f"{broken}:raises", BANK_BUGGY).exit_code == 1


def test_vacuous(broken: Path) -> None:
    """A scenario that tests nothing ends with 4, and says why."""
    done = run("explore", f"{broken}:empty")
    assert done.exit_code == 4
    assert "VACUOUS: there is no actor" in done.stdout


def test_within(broken: Path) -> None:
    """A constraint makes a scenario smaller, and the scope names it."""
    one = found(BANK, "--within", f"{broken}:small")[BANK]
    assert one["states"] < found(BANK)[BANK]["states"]
    assert "within the constraint of small" in one["scope"]
    assert run("explore", PING_PONG, "--within", f"{broken}:none").exit_code == 2
    assert run("explore", PING_PONG, "--within", PING_PONG).exit_code == 2


def test_capacity_and_fingerprints_are_said() -> None:
    """The scope names options that explore less."""
    options = "--capacity", "1", "--fingerprints"
    scope = found(COMMIT, *options)[COMMIT]["scope"]
    assert "no channel holding more than 1 messages" in scope
    assert "fingerprints of 64 bits: the chance that one was missed is at" in scope


def test_results_do_not_depend_on_the_number_of_jobs() -> None:
    """Results and their order are the same, however many are explored at once."""
    names = (COMMIT, BANK_BUGGY, PING_PONG, LOST_REPLY)
    alone, together = found(*names), found(*names, "--jobs", "3")
    for every in (alone, together):
        for one in every.values():
            del one["seconds"]
    assert list(alone) == list(together) == list(names)
    assert alone == together


def test_no_name_lists_what_there_is() -> None:
    """Without a name the scenarios of the package are listed."""
    assert run("explore").stdout == run("explore", "--list").stdout


def test_list_of_a_file(broken: Path) -> None:
    """The scenarios of a file are listed, and no other names of it."""
    listed = json.loads(run("explore", "--list", broken, "--json").stdout)["scenarios"]
    names = {name.rpartition(":")[2] for name in listed}
    assert names == {*WRONG, "empty"}
    assert listed[f"{broken}:empty"] == "Nobody is there."
    shown = " ".join(run("explore", "--list", broken).stdout.split())
    assert "FILE:NAME" not in shown
    assert run("explore", "--list", "nowhere.py").exit_code == 2


def test_file_without_a_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what was expected, and names the scenarios of the file."""
    monkeypatch.chdir(own.parent)
    done = run("explore", "own.py", BANK)
    assert done.exit_code == 2
    said = " ".join(done.stderr.replace("│", " ").split())
    assert "own.py: expected FILE:NAME; the file has own, wrong, counter" in said
    own.write_text("")
    assert "the file has no scenario" in run("explore", "own.py").stderr


def test_close_names() -> None:
    """The error for an unknown name suggests similar ones."""
    assert "did you mean clear-twice" in run("explore", "clear-twise").stderr
    cell = run("explore", "verdicts/2026/mial").stderr
    assert "no scenario 'mial'; did you mean mail?" in cell


def test_table() -> None:
    """The text has the table, the scope, and the fault."""
    shown = run("explore", BANK_BUGGY).stdout
    assert "refuted" in shown
    assert "REFUTED: account/one: never overdrawn" in shown
    assert "Race at account/one: step" in shown
    assert "schedules of 4 actors under channel delivery" in " ".join(shown.split())


def test_names_are_never_folded(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 80 columns each name is on one line; other columns are left out first."""
    monkeypatch.setenv("COLUMNS", "80")
    cell = "verdicts/counted-programs/qemu/disable"
    names = f"{own}:own", cell
    shown = run("explore", *names, "--seconds", "0.001").stdout
    for name in names:
        assert any(line.startswith(f"{name} ") for line in shown.splitlines())
    heads = run("explore", cell, "--seconds", "0.001").stdout.split()
    assert heads[:4] == ["scenario", "verdict", "engine", "states"]


def test_coverage() -> None:
    """`--coverage` lists the messages that were never handled."""
    assert "never:" not in run("explore", BANK).stdout
    shown = run("explore", BANK, "--coverage").stdout
    assert "6 of 14 combinations handled; never:" in shown
    assert "\n  account/one: Deposit\n" in shown


def test_scenarios_of_a_user(own: Path) -> None:
    """A function in a file is explored, and so is a transition system."""
    one = found(f"{own}:own", f"{own}:counter")
    assert [fields["verdict"] for fields in one.values()] == ["verified", "refuted"]
    assert one[f"{own}:counter"]["counterexample"]["steps"] == ["1", "1", "1"]


def test_scenarios_of_a_module() -> None:
    """A scenario in a module is explored."""
    name = "tests.cli.own_scenario:scenario"
    assert found(name)[name]["verdict"] == "verified"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (":nothing", "has no 'nothing'"),
        (":no_scenario", "expected a function of one World"),
    ],
)
def test_scenarios_that_are_none(own: Path, what: str, why: str) -> None:
    """The error says what is wrong with a name."""
    done = run("explore", f"{own}{what}")
    assert done.exit_code == 2
    assert why in " ".join(done.stderr.replace("│", " ").split())


def test_file_that_is_not_there() -> None:
    """The error names a file that does not exist, or that cannot be loaded."""
    assert "nowhere.py: no such file" in run("explore", "nowhere.py:x").stderr
    assert (
        "no.such.module: cannot be loaded" in run("explore", "no.such.module:x").stderr
    )


def test_counterexample_is_kept_and_replayed(own: Path, tmp_path: Path) -> None:
    """A file leads to the fault again, until the fault is fixed."""
    done = run("explore", f"{own}:wrong", "--save", tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    own_scenario = "--scenario", f"{own}:wrong"
    command = " ".join(["ccw-actors replay", str(file), *own_scenario])
    assert command in done.stdout.replace("\n", "")
    again = run("replay", file, *own_scenario)
    assert again.exit_code == 1
    assert "REFUTED: account/one: never overdrawn" in again.stdout
    steps = json.loads(run("replay", file, *own_scenario, "--json").stdout)
    assert steps["violation"] == "account/one: never overdrawn"
    assert len(steps["steps"]) == 8
    own.write_text(OWN.replace("buggy=True", ""))
    fixed = run("replay", file, *own_scenario)
    assert fixed.exit_code == 3
    assert "is not possible; possible:" in fixed.stdout


def test_replay_in_another_scenario(own: Path, tmp_path: Path) -> None:
    """If the steps lead to no fault, the exit status of replay is 0."""
    run("explore", f"{own}:wrong", "--save", tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    (tmp_path / "wealthy.py").write_text(
        OWN.replace("buggy=True", "balance=100, buggy=True")
    )
    done = run("replay", file, "--scenario", f"{tmp_path}/wealthy.py:wrong")
    assert done.exit_code == 0
    assert "No fault. The file says: " in done.stdout


def test_counterexample_of_a_shipped_scenario(tmp_path: Path) -> None:
    """A scenario of the package is found by the name in the file."""
    done = run("explore", REFUTED_CELL, "--save", tmp_path)
    (file,) = tmp_path.iterdir()
    assert f"ccw-actors replay {file}\n" in done.stdout + "\n"
    again = run("replay", file)
    assert again.exit_code == 1
    assert "REFUTED: I2: " in again.stdout


@pytest.mark.parametrize("option", [[], ["--step"]])
def test_cell_is_shown_as_an_interleaving(tmp_path: Path, option: list[str]) -> None:
    """Explore and replay show who does what, not the messages of the model."""
    explored = run("explore", REFUTED_CELL, "--save", tmp_path).stdout
    (file,) = tmp_path.iterdir()
    replayed = run("replay", file, *option).stdout
    for shown in (explored, replayed):
        assert "START SUBCHANNEL" in shown
        assert "cp_init(): a program is made" in shown
        assert "Section(" not in shown
    assert "(CPU 1: fsm_io_helper(): SSCH) comes before" in " ".join(explored.split())


def test_replay_in_a_scenario_that_fails(broken: Path, tmp_path: Path) -> None:
    """A scenario whose code fails is an input that cannot be used."""
    run("explore", REFUTED_CELL, "--save", tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    done = run("replay", file, "--scenario", f"{broken}:raises")
    assert done.exit_code == 2
    assert "broken.py:raises: no scenario (broken.py, line 45)" in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "{own}:wrong",
        "{own}::wrong",
        "tests.cli.own_scenario:scenario",
        "../../{own}:wrong",
        "first.py:two_clients",
        "verdicts/no/such/cell",
        "",
    ],
)
def test_replay_runs_no_code_that_a_file_names(
    own: Path, tmp_path: Path, name: str
) -> None:
    """A name in a counterexample imports nothing, calls nothing, and is refused."""
    traces = tmp_path / "it was run"
    own.write_text(f"__import__('pathlib').Path({str(traces)!r}).touch()\n{OWN}")
    run("explore", REFUTED_CELL, "--save", tmp_path)
    (file,) = tmp_path.glob("*.json")
    fields = json.loads(file.read_text()) | {"scenario": name.format(own=own)}
    file.write_text(json.dumps(fields))
    run("replay", "--help")  # A command is imported when it is first used.
    before = set(sys.modules)
    done = run("replay", file)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert not traces.exists()
    assert set(sys.modules) == before
    if name.startswith("{own}"):
        assert "--scenario FILE:NAME" in done.stderr
        run("replay", file, "--scenario", name.format(own=own))
        assert traces.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000 + "]" * 100_000, "not "),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "not JSON: "),
        ('{"format": 1' + "0" * 5000 + "}", "not "),
        ('{"format": 1e999999}', "not "),
        (" " * (1 << 24) + "{}", "larger than 16 MiB"),
        ("[]", "not a counterexample"),
        ('{"format": "another"}', "not a counterexample"),
        ('{"format": "ccw-actors counterexample"}', "missing required field"),
    ],
)
def test_replay_of_a_bad_file(tmp_path: Path, content: str, why: str) -> None:
    """A file that is not a counterexample is refused, and the error says why."""
    path = tmp_path / "bad.json"
    path.write_text(content)
    done = run("replay", path)
    assert done.exit_code == 2
    assert why in " ".join(done.stderr.replace("│", " ").split())
