"""Models of published algorithms and bugs have the published counts and verdicts."""

import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccw_actors.cli import app
from ccw_actors.explore import Engine, explore
from examples.explore.published.algorithms import ALGORITHMS
from examples.explore.published.bugs import BUGS
from examples.explore.published.page import page
from examples.explore.published.registry import Algorithm, Bug, Count, explored

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "explore" / "published"
TABLES = {"algorithms", "bugs", "page", "register", "registry"}
MODELS = sorted({path.stem for path in FOLDER.glob("*.py")} - TABLES)
LARGE = "allocator_network"
"""A model of so many states that its file takes seconds to run."""

ENGINES: tuple[Engine, ...] = ("orders", "brute force")
SAMPLING: tuple[Engine, ...] = ("random", "pos")

COUNTS = [
    pytest.param(
        count,
        id=f"{algorithm.name}: {count.of}: {count.source}",
        marks=[pytest.mark.slow] * count.slow,
    )
    for algorithm in ALGORITHMS
    for count in algorithm.counts
]


def name(one: Algorithm | Bug) -> str:
    """Return what a test of an algorithm or a bug is named by."""
    return one.name


@pytest.mark.parametrize("count", COUNTS)
def test_count_is_met(count: Count) -> None:
    """The number of states is the published one, and all states are correct."""
    result = explored(count.system, count.how)
    assert (result.verdict, result.states) == ("verified", count.states)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(count, id=algorithm.name)
        for algorithm in ALGORITHMS
        for count in algorithm.counts
        if count.generated is not None
    ],
)
def test_steps_are_those_of_tlc(count: Count) -> None:
    """TLC generates the first states and then one state for each of our steps."""
    assert not callable(count.system), "TLC takes the steps of a transition system"
    result = explored(count.system, count.how)
    assert len(count.system.initial()) + result.steps == count.generated


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=name)
def test_without_what_it_rests_on(algorithm: Algorithm) -> None:
    """Each property can fail: it does without what the algorithm rests on."""
    how = algorithm.counts[0].how if algorithm.how is None else algorithm.how
    result = explored(algorithm.broken, how)
    assert (result.verdict, result.violation) == ("refuted", algorithm.violation)
    assert result.counterexample


def test_two_copies_are_refuted_in_as_many_steps() -> None:
    """Stateright shows in four steps that two copies are not linearizable; so do we."""
    (algorithm,) = (one for one in ALGORITHMS if one.name == "Single-copy register")
    result = explored(algorithm.broken, algorithm.counts[0].how)
    assert [type_of(str(step)) for step in result.counterexample] == [
        "Put",
        "PutOk",
        "Get",
        "GetOk",
    ]


def actor_of(step: str) -> str:
    """Return the path of the actor that takes a step."""
    return step.partition(": ")[0].rpartition("> ")[2].partition(" timer")[0]


def type_of(step: str) -> str:
    """Return the type of the message of a step."""
    return step.partition(": ")[2].partition("(")[0]


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_bug_is_found(bug: Bug) -> None:
    """The uncured model is refuted, with the steps of the issue and in their order.

    The order is that of each actor: steps of different actors can be exchanged.
    """
    result = explored(bug.uncured, bug.how)
    assert (result.verdict, result.violation) == ("refuted", bug.violation)
    taken = [str(step) for step in result.counterexample]
    for actor in {actor_of(step) for step in bug.order}:
        told = [step for step in bug.order if actor_of(step) == actor]
        steps = iter(taken)
        assert [step for step in told if step in steps] == told


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_cure_is_verified(bug: Bug) -> None:
    """The cured model is verified, and what should be possible still is."""
    result = explored(bug.cured, bug.how)
    assert (result.verdict, result.violation) == ("verified", "")


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_bug_is_found_on_an_event_loop(bug: Bug) -> None:
    """Mailbox delivery also has the bug, and the cure holds."""
    how = {**bug.how, "delivery": "mailbox"}
    result = explored(bug.uncured, how)
    assert (result.verdict, result.violation) == ("refuted", bug.violation)
    assert explored(bug.cured, how).verdict == "verified"


@pytest.mark.parametrize("bug", [bug for bug in BUGS if not bug.how], ids=name)
def test_orders_agree(bug: Bug) -> None:
    """One schedule of each class has the same verdict, and the counts agree.

    If time is ordered, Orders cannot check it.
    """
    counts: list[int | None] = []
    for engine in ENGINES:
        assert explore(bug.uncured, engine=engine).violation == bug.violation
        cured = explore(bug.cured, engine=engine)
        assert cured.verdict == "verified"
        counts.append(cured.classes)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("engine", SAMPLING)
@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_some_orders_by_lot_find_it(bug: Bug, engine: Engine) -> None:
    """A bug of so few steps is among ten thousand random schedules."""
    result = explored(bug.uncured, {**bug.how, "engine": engine})
    assert (result.verdict, result.violation) == ("refuted", bug.violation)


def test_all_are_listed() -> None:
    """Each model is in the registry, and each number has its source."""
    listed = {one.module.__name__.rpartition(".")[2] for one in (*ALGORITHMS, *BUGS)}
    assert listed == set(MODELS)
    assert len(ALGORITHMS) >= 10
    assert len(BUGS) >= 8
    for bug in BUGS:
        assert bug.thread in (bug.module.__doc__ or "")


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=name)
def test_source_is_named_in_the_file(algorithm: Algorithm) -> None:
    """The file of a model says where its counts are from, and the counts."""
    text = algorithm.module.__doc__ or ""
    words = " ".join(text.split())
    for count in algorithm.counts:
        assert ("Stateright" if count.source == "Stateright" else "tlaplus") in words
        assert count.address.rpartition("/")[2] in words


@pytest.mark.parametrize(
    "model",
    [pytest.param(one, marks=[pytest.mark.slow] * (one == LARGE)) for one in MODELS],
)
def test_file_runs(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each model runs as a program without an error, and prints its results."""
    runpy.run_path(str(FOLDER / f"{model}.py"), run_name="__main__")
    assert "REFUTED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("abd.py:abd", 0),
        ("peterson.py:peterson", 0),
        ("aiohttp_connector.py:cured", 0),
        ("abd.py:alone", 1),
        ("redis_connection.py:uncured", 1),
    ],
)
def test_command_takes_them(names: str, code: int) -> None:
    """`ccw-actors explore FILE:NAME` has the same verdict."""
    assert CliRunner().invoke(app, ["explore", f"{FOLDER}/{names}"]).exit_code == code


def test_page_is_up_to_date() -> None:
    """The page is what its generator writes."""
    written = (ROOT / "docs" / "explore" / "published.md").read_text()
    assert written == page()
