"""`ccw-actors trace check`: its answers, its exit statuses, and its complaints."""

import gzip
import json
from pathlib import Path

import pytest

from ccw_actors.designs import DESIGNS
from ccw_actors.kernel.refinement import check_kernel_trace
from tests.cli.in_process import ccw_actors
from tests.kernel.refinement.recorded import TRACES, traces_of
from tests.kernel.refinement.variants import VARIANTS

RUN = min((TRACES / "2026").glob("6.12.118-2x2x1*.gz"))
OWN = Path(__file__).parents[1] / "kernel" / "refinement" / "own" / "qemu.trace"


def test_allowed() -> None:
    """One line says so, and the status is 0."""
    ended = ccw_actors("trace", "check", RUN, "--model", "2026")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("allowed: 2026 allows all ")
    assert ended.out.endswith(" events of Linux 6.12.118\n")


def test_refused() -> None:
    """The event is there with its time, and what the model could have done."""
    ended = ccw_actors("trace", "check", RUN, "--model", "rfc-v4")
    assert (ended.status, ended.err) == (1, "")
    first, where, instead, *could = ended.out.splitlines()
    assert first.startswith("refused: rfc-v4 cannot have done event ")
    assert " on CPU " in where
    assert instead == "It could have done there:"
    assert could


def test_undecided() -> None:
    """A bound that is too small ends with 3, and names the option."""
    ended = ccw_actors("trace", "check", RUN, "--model", "2026", "--states", "1")
    assert ended.status == 3
    assert ended.out.startswith("undecided: 2026 may be in too many states at event ")
    assert "--states" in ended.out


def test_json() -> None:
    """The answer as JSON has the decision, and the event by number."""
    ended = ccw_actors("trace", "check", RUN, "--model", "rfc-v4", "--json")
    answer = json.loads(ended.out)
    assert (ended.status, answer["decision"], answer["model"]) == (
        1,
        "refused",
        "rfc-v4",
    )
    assert 0 < answer["number"] <= len(next(iter(traces_of("2026").values())).events)


def test_plain_use_stays(tmp_path: Path) -> None:
    """`trace FILE` prints the file, also one with the name of the subcommand."""
    ended = ccw_actors("trace", OWN, "--limit", "1")
    assert (ended.status, len(ended.out.splitlines())) == (0, 1)
    (tmp_path / "check").write_bytes(OWN.read_bytes())
    assert ccw_actors("trace", tmp_path / "check", "--limit", "1") == ended


def test_own_trace() -> None:
    """Each actor that can be made again is named, and why the others cannot."""
    ended = ccw_actors("trace", "check", OWN, "--model", "ccw-actors")
    assert (ended.status, ended.err) == (0, "")
    assert "allowed: qemu/0.0.0190/vfio-ccw, " in ended.out
    assert "not checked: qemu/storage: its size" in ended.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nothere", "--model", "2026"), "nothere: No such file or directory"),
        ((OWN, "--model", "2026"), "a trace of ccw-actors: give --model ccw-actors"),
        ((RUN, "--model", "ccw-actors"), "a trace of a kernel: give --model one of"),
        ((RUN, "--model", "2025"), "no model '2025'; did you mean 2026?"),
        ((RUN, "--model", "x"), "no model 'x'; there are v5.12,"),
        ((RUN,), "Missing option '--model'"),
        ((), "Missing argument 'FILE'"),
        ((RUN, "--model", "2026", "--states", "0"), "of at least 1, got '0'"),
    ],
)
def test_wrong_use(words: tuple[str | Path, ...], complaint: str) -> None:
    """One line says what is wrong, and what to do; the status is 2."""
    ended = ccw_actors("trace", "check", *words)
    assert (ended.status, ended.out) == (2, "")
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1


def test_other_version(tmp_path: Path) -> None:
    """A trace of a later version is refused with its number."""
    file = tmp_path / "later.jsonl"
    text = gzip.decompress(RUN.read_bytes()).replace(b'"version":1', b'"version":7', 1)
    file.write_bytes(text)
    ended = ccw_actors("trace", "check", file, "--model", "2026")
    assert ended.status == 2
    assert f"{file}: the trace has version 7" in ended.err


def test_cut_short(tmp_path: Path) -> None:
    """A file that ends inside a line is an error with the line's number."""
    file = tmp_path / "short.jsonl"
    file.write_bytes(gzip.decompress(RUN.read_bytes())[:-20])
    ended = ccw_actors("trace", "check", file, "--model", "2026")
    assert ended.status == 2
    assert "truncated" in ended.err


def test_a_fault_is_found_where_it_is() -> None:
    """A worker that frees nothing is refused at the first cp_free that it lacks."""
    choices = VARIANTS["never-frees"].apply(DESIGNS["2026"].choices)
    trace = traces_of("2026")[RUN.name.partition(".jsonl")[0]]
    answer = check_kernel_trace(trace, choices)
    assert answer.event.startswith("work-queue: enter cp_free")
