"""`ccw-actors run`: what it prints and writes, and its exit status."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ccw_actors.trace import TraceReader
from tests.cli.in_process import Ended, ccw_actors
from tests.machine.contents import ALICE, BOB, contents, unpack

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "ccw_actors", "run"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
MACHINE = """\
[[device]]
number = "0.0.0150"
type = "3390"
image = "{image}"

[[device]]
number = "0.0.0151"
type = "3390"
image = "{bystander}"

[[guest]]
name = "subject"
storage = "{storage}"
program = "{program}"
{arguments}

[[guest.device]]
number = "0.0.0190"
host = "0.0.0150"

[[guest]]
name = "bystander"
storage = "1 MiB"
program = "ccw_actors.machine.programs:read_volume"

[[guest.device]]
number = "0.0.0190"
host = "0.0.0151"
"""
WAITING = """\
async def as_coroutine(cpu):
    print("ready", flush=True)
    await cpu.wait()


def in_thread(cpu):
    print("ready", flush=True)
    cpu.wait()
"""


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, as a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def run_here(folder: Path, *arguments: str | Path) -> Ended:
    """Run the command in a folder, in this process."""
    return ccw_actors("run", *arguments, folder=folder, columns=100)


def write_machine(
    folder: Path,
    program: str = "ccw_actors.machine.programs:read_volume",
    image: Path = ALICE,
    storage: str = "1 MiB",
    arguments: str = "",
) -> Path:
    """Write a machine file with a guest for the test, and a bystander."""
    file = folder / "machine.toml"
    file.write_text(
        MACHINE.format(
            image=image,
            bystander=ALICE,
            program=program,
            storage=storage,
            arguments=arguments,
        )
    )
    return file


def count_messages(trace: Path) -> int:
    """Read a trace to its end."""
    with trace.open("rb") as file:
        return sum(1 for _ in TraceReader(file))


def test_json_of_the_shipped_machine(tmp_path: Path) -> None:
    """`--json` prints what both guests found, and nothing else."""
    done = run(tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result.keys() == {"guests", "system", "trace"}
    assert result["guests"].keys() == {"alice", "bob"}
    for name, image in (("alice", ALICE), ("bob", BOB)):
        guest = result["guests"][name]
        found = {key: guest.pop(key) for key in contents(image)}
        assert found == contents(image)
        assert guest.keys() == {"ios", "interrupts", "cc", "error"}
        assert guest["error"] is None
        assert guest["cc"].keys() == {"0", "3"}
    assert result["system"].keys() == {"messages", "seconds"}
    assert result["trace"] == "ccw-actors.trace"


def test_report_of_the_shipped_machine(tmp_path: Path) -> None:
    """Without a terminal the report is plain text, and the trace can be read."""
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    for image in (ALICE, BOB):
        expected = contents(image)
        assert expected["volser"] in done.stdout
        assert f"{expected['bytes']:,}" in done.stdout
        assert expected["sha256"] in done.stdout
    assert "StartSubchannel" in done.stdout
    assert "0 (accepted) 270 times, 3 (not operational) once" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("trace: ccw-actors.trace")
    assert count_messages(tmp_path / "ccw-actors.trace") > 0


def test_names_are_never_cut(tmp_path: Path) -> None:
    """Where the terminal is too narrow for a name, the table is wider."""
    file = write_machine(tmp_path)
    name = "-".join(["subject"] * 20)
    file.write_text(file.read_text().replace("subject", name))
    ended = ccw_actors("run", file, "--no-trace", "--no-control", columns=80)
    assert ended.status == 0
    assert [line.split()[0] for line in ended.out.splitlines() if name in line] == (
        [name] * 3
    )


def test_trace_option(tmp_path: Path) -> None:
    """`--trace` names the file of the trace."""
    done = run_here(tmp_path, "--json", "--trace", "elsewhere")
    assert json.loads(done.out)["trace"] == "elsewhere"
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_no_trace_option(tmp_path: Path) -> None:
    """`--no-trace` leaves nothing behind."""
    done = run_here(tmp_path, "--json", "--no-trace")
    assert json.loads(done.out)["trace"] is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trace", "a", "--no-trace"], "--trace and --no-trace exclude each other"),
        (["--jason"], "No such option"),
        (["missing.toml"], "missing.toml: No such file or directory; expected a ma"),
        (["--trace", "missing/a"], "missing/a: No such file or directory"),
    ],
)
def test_usage_errors(tmp_path: Path, arguments: list[str], said: str) -> None:
    """A usage error is exit status 2, says why and prints no result."""
    done = run_here(tmp_path, *arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_machine_of_one_s_own() -> None:
    """The example's guests run, one with its own program and arguments."""
    done = run_here(ROOT, "examples/two_guests.toml", "--json", "--no-trace")
    assert (done.status, done.err) == (0, "")
    guests = json.loads(done.out)["guests"]
    assert {key: guests["reader"][key] for key in contents(ALICE)} == contents(ALICE)
    assert guests["inspector"]["result"] == {"control unit": "3990", "device": "3390"}
    assert guests["inspector"]["ios"] == 3
    assert guests["inspector"]["volser"] is None


# -- bad input ------------------------------------------------------------------------


def check_failure(done: Ended, said: str) -> None:
    """Check that one guest failed, in one line, and that the other one did not."""
    assert done.status == 1
    (line,) = done.err.splitlines()
    assert line.startswith("ccw-actors: guest subject: ")
    assert said in line
    guests = json.loads(done.out)["guests"]
    assert guests["subject"]["error"] in line
    assert guests["bystander"]["error"] is None
    bystander = {key: guests["bystander"][key] for key in contents(ALICE)}
    assert bystander == contents(ALICE)


@pytest.mark.parametrize(
    ("head", "size", "said"),
    [
        (b"CKD_P370", 100_000, "expected 512 and a multiple of"),
        (b"anything", 200_000, "not a CKD image"),
    ],
    ids=["truncated", "foreign"],
)
def test_bad_image(tmp_path: Path, head: bytes, size: int, said: str) -> None:
    """The guest of a truncated or foreign image fails, in one line."""
    image = unpack(ALICE, tmp_path)
    image.write_bytes((head + image.read_bytes()[len(head) :])[:size])
    check_failure(
        run_here(tmp_path, write_machine(tmp_path, image=image), "--json"), said
    )


def test_image_cut_short_while_in_use(tmp_path: Path) -> None:
    """An image that loses its end while the guest runs is an equipment check."""
    image = unpack(ALICE, tmp_path)
    machine = write_machine(
        tmp_path,
        "tests.machine.guest_programs:read_volume_cut_short",
        image,
        arguments=f'arguments = {{ image = "{image}", size = 1000000 }}',
    )
    check_failure(run_here(tmp_path, machine, "--json"), "equipment-check")


@pytest.mark.parametrize("program", ["fail", "fail_in_thread"])
def test_program_that_raises(tmp_path: Path, program: str) -> None:
    """An exception of a guest program is one line."""
    machine = write_machine(tmp_path, f"tests.machine.guest_programs:{program}")
    said = "RuntimeError: first line second line"
    check_failure(run_here(tmp_path, machine, "--json"), said)


def test_storage_too_small(tmp_path: Path) -> None:
    """A program that needs more storage than its guest has says so."""
    machine = write_machine(tmp_path, storage="32 KiB")
    said = "the guest's storage ends at 0x8000"
    check_failure(run_here(tmp_path, machine, "--json"), said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("storage", "strage", "guest[0].strage: unknown key; did you mean storage?"),
        ('"0.0.0151"', '"0.0.0150"', "device[1].number: 0.0.0150 is also device"),
        ("read_volume", "read_volum", "guest[0].program: "),
    ],
    ids=["typo", "number twice", "program"],
)
def test_bad_machine_file(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A mistake in the machine file is one line with file and key; nothing runs."""
    machine = write_machine(tmp_path)
    machine.write_text(machine.read_text().replace(old, new, 1))
    done = run_here(tmp_path, machine, "--json")
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith(f"ccw-actors: {machine}: {said}")
    assert list(tmp_path.iterdir()) == [machine]


# -- signals and terminals ------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
@pytest.mark.parametrize("program", ["as_coroutine", "in_thread"])
def test_signal_stops_cleanly(
    tmp_path: Path, program: str, number: signal.Signals, status: int
) -> None:
    """Ctrl-C ends a machine whose guest waits forever, and its trace is whole."""
    (tmp_path / "waiting.py").write_text(WAITING)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    machine = write_machine(tmp_path, f"waiting:{program}")
    with subprocess.Popen(
        [*COMMAND, machine, "--trace", "trace"],
        cwd=tmp_path,
        env={**ENVIRONMENT, "TMPDIR": str(scratch), "XDG_RUNTIME_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (status, "")
    assert errors == f"ccw-actors: stopped by {number.name}; trace in trace\n"
    assert count_messages(tmp_path / "trace") > 0
    assert list(scratch.iterdir()) == []


def test_live_view_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal the guests are shown at work before the result."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--no-trace"],
        cwd=tmp_path,
        env={**ENVIRONMENT, "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = _read_terminal(ours)
    assert process.returncode == 0
    working, _, result = shown.partition("SHA-256")
    assert "starting" in working
    assert "per second" in working
    assert contents(ALICE)["sha256"][:8] in result


def _read_terminal(terminal: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux' answer when the other end is closed
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)
