"""`ccw-actors show`: which files it takes, and what it says of others."""

from pathlib import Path

import msgpack
import pytest

from ccw_actors.explore import Counterexample
from tests.cli.in_process import ccw_actors, is_harmless
from tests.show.pages import counterexample, two_clients_trace

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "verdicts" / "records" / "linux-6.1-mail.json"
SCENARIO = ROOT / "examples" / "explore" / "first.py"


def test_each_kind_of_file_makes_a_page(tmp_path: Path) -> None:
    """The page is in the current folder, and its name is the one line of output."""
    (tmp_path / "run.trace").write_bytes(two_clients_trace())
    counterexample().save(tmp_path / "lost.counterexample.json")
    own = ["--scenario", f"{SCENARIO}:two_clients"]
    for words, page in (
        (["run.trace"], "run.html"),
        (["lost.counterexample.json", *own], "lost.html"),
        ([RECORD], "linux-6.1-mail.html"),
        (["verdicts/v5.12/qemu/halt"], "verdicts-v5.12-qemu-halt.html"),
    ):
        done = ccw_actors("show", *words, folder=tmp_path)
        assert (done.status, done.out, done.err) == (0, f"{page}\n", "")
        assert (tmp_path / page).read_text().startswith("<!doctype html>")


def test_output(tmp_path: Path) -> None:
    """`--output` says where the page goes; the file itself is never replaced."""
    trace, page = tmp_path / "run.trace", tmp_path / "page.html"
    trace.write_bytes(two_clients_trace())
    done = ccw_actors("show", trace, "--output", page)
    assert (done.status, done.out) == (0, f"{page}\n")
    assert page.exists()
    done = ccw_actors("show", trace, "--output", trace)
    assert done.status == 2
    assert "expected another file than" in done.line
    assert trace.read_bytes() == two_clients_trace()
    done = ccw_actors("show", trace, "--output", tmp_path / "none" / "page.html")
    assert done.status == 2
    assert "No such file or directory" in done.line


def test_output_is_not_the_scenario(tmp_path: Path) -> None:
    """The file with the scenario is as little replaced as the counterexample."""
    own = tmp_path / "own.py"
    own.write_text(SCENARIO.read_text())
    file = tmp_path / "lost.json"
    counterexample().save(file)
    scenario = f"{own}:two_clients"
    done = ccw_actors("show", file, "--scenario", scenario, "--output", own)
    assert done.status == 2
    assert "expected another file than" in done.line
    assert own.read_text() == SCENARIO.read_text()


@pytest.mark.parametrize(
    ("form", "name", "begin"),
    [
        ("html", "run.html", "<!doctype html>"),
        ("mermaid", "run.mmd", "sequenceDiagram\n"),
        ("svg", "run.svg", "<svg "),
        ("perfetto", "run.perfetto.json", '{"traceEvents":['),
        ("shiviz", "run.shiviz.log", "alice {"),
    ],
)
def test_formats(tmp_path: Path, form: str, name: str, begin: str) -> None:
    """`--format` says what is written, and how the name of the file ends."""
    (tmp_path / "run.trace").write_bytes(two_clients_trace())
    done = ccw_actors("show", "run.trace", "--format", form, folder=tmp_path)
    assert (done.status, done.out, done.err) == (0, f"{name}\n", "")
    assert (tmp_path / name).read_text().startswith(begin)


def test_a_format_that_does_not_fit(tmp_path: Path) -> None:
    """What is too long, or cannot be opened, ends with one line and status 2."""
    file = tmp_path / "long.trace"
    file.write_bytes(long_trace(20_001))
    done = ccw_actors("show", file, "--format", "shiviz", folder=tmp_path)
    assert done.status == 2
    assert f"--format: {file}: 20,001 events are too many" in done.line
    assert not (tmp_path / "long.shiviz.log").exists()
    shorter = ["--format", "shiviz", "--events", "20000"]
    assert ccw_actors("show", file, *shorter, folder=tmp_path).status == 0
    done = ccw_actors("show", file, "--format", "shiviz", "--open", folder=tmp_path)
    assert done.status == 2
    assert "--open: no browser shows shiviz" in done.line
    assert ccw_actors("show", file, "--format", "gif", folder=tmp_path).status == 2


def long_trace(count: int) -> bytes:
    """Return a trace of a number of messages."""
    trace = two_clients_trace()
    unpacker = msgpack.Unpacker()
    unpacker.feed(trace)
    records = list(unpacker)
    types = [one for one in records if one[0] in ("trace", "type")]
    event = next(one for one in records if one[0] == "handled")
    return b"".join(map(msgpack.packb, [*types, *[event] * count]))


def test_events(tmp_path: Path) -> None:
    """`--events` bounds what is shown, which the page says."""
    (tmp_path / "run.trace").write_bytes(two_clients_trace())
    assert ccw_actors("show", "run.trace", "--events", "3", folder=tmp_path).status == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not a trace"),
        ("{}", "expected a trace, a counterexample or a record of a run"),
        ('{"format": "\\u001b[2J"}', "expected a trace"),
        ("[machine]", "expected a trace"),
        ("some text", "not a trace"),
    ],
)
def test_other_files(tmp_path: Path, text: str, expected: str) -> None:
    """What is none of these ends with one line and status 2."""
    file = tmp_path / "file"
    file.write_text(text)
    done = ccw_actors("show", file)
    assert done.status == 2
    assert str(file) in done.line
    assert expected in done.line
    assert is_harmless(done.line)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nothere"], "nothere: No such file or directory; expected a trace"),
        (["verdicts/ours/ours/seed"], "is verified; expected a refuted cell"),
        (["verdicts/v5.11/qemu/seed"], "no design 'v5.11'"),
        (["verdicts/2026/qemu/seed/others"], "expected the name of a cell"),
        ([RECORD, "--scenario", "seed"], "--scenario is for a counterexample"),
    ],
)
def test_what_cannot_be_shown(words: list[str], expected: str, tmp_path: Path) -> None:
    """The line says what was expected."""
    done = ccw_actors("show", *words, folder=tmp_path)
    assert done.status == 2
    assert expected in done.line


def test_no_code_runs_that_only_the_file_names(tmp_path: Path) -> None:
    """A counterexample of somebody's own scenario needs `--scenario`."""
    file = tmp_path / "lost.json"
    counterexample(f"{SCENARIO}:two_clients").save(file)
    done = ccw_actors("show", file, folder=tmp_path)
    assert done.status == 2
    assert "If you trust that code, name it with --scenario" in done.line
    assert not (tmp_path / "lost.html").exists()


def test_a_step_that_is_not_possible(tmp_path: Path) -> None:
    """The code has changed since: status 3, and no page."""
    known = counterexample()
    changed = Counterexample(
        version=known.version,
        scenario=known.scenario,
        engine=known.engine,
        delivery=known.delivery,
        time=known.time,
        violation=known.violation,
        steps=("nobody>counter",),
        shown=(),
    )
    changed.save(tmp_path / "old.json")
    own = f"{SCENARIO}:two_clients"
    done = ccw_actors("show", "old.json", "--scenario", own, folder=tmp_path)
    assert done.status == 3
    assert done.out.startswith("old.json: ")
    assert not (tmp_path / "old.html").exists()


def test_a_damaged_trace(tmp_path: Path) -> None:
    """A trace that was cut short ends with one line that names it."""
    file = tmp_path / "cut.trace"
    file.write_bytes(two_clients_trace()[:-3])
    done = ccw_actors("show", file, folder=tmp_path)
    assert done.status == 2
    assert done.line.startswith(f"ccw-actors: {file}: ")
