"""The explorer and Spin have the same results, on random models."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.explore import Network
from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._checks import Checks
from ccw_actors.explore._global_state import Offer, State
from tests.explore.spin.compare import compare, differences, explored
from tests.explore.spin.description import (
    SEMANTICS,
    Assign,
    Case,
    Check,
    First,
    Letter,
    Model,
    Plan,
    Property,
    Semantics,
    Send,
    Term,
)
from tests.explore.spin.pan import SpinError, judge, needs_spin
from tests.explore.spin.promela import Program, translate
from tests.explore.spin.strategies import some_models
from tests.explore.spin.tally import MANY, tally

pytestmark = [pytest.mark.spin, needs_spin]

CHANNEL = Semantics("channel")
FEW = 14
SMALL = 300

FIELD, VALUE, ONE = Term("field"), Term("variable", 0), Term("constant", 1)
KEEP = Case(assigns=(Assign(0, (FIELD,)),))
TWICE = Case(sends=(Send(0, 1, (ONE,)), Send(0, 1, (FIELD,))))
RELAY = Model(
    plans=(Plan((0,), ((), (KEEP,), ())), Plan((0,), ((), (TWICE,), ()))),
    sources=1,
    firsts=(First(1, Letter(2, 1, 2, 1)),),
    properties=(
        Property("actor", (Check((Term("variable", 0, 0),), "<", 2),)),
        Property("final", (Check((Term("variable", 0, 0),), "==", 2),)),
    ),
)
"""The second sends the first two numbers, of which the last one is kept."""

SERVE = Case((Check((VALUE,), "==", 1),), (Assign(1, (ONE,)),))
CLOSED = Model(
    plans=(Plan((0, 0), ((), (KEEP,), (SERVE,))),),
    sources=2,
    firsts=(First(0, Letter(1, 2, 1, 0)), First(0, Letter(2, 1, 1, 0))),
    properties=(Property("final", (Check((Term("variable", 1, 0),), "==", 1),)),),
)
"""A request, and a message that opens what is needed to serve it."""


@pytest.mark.parametrize(
    "delivery", [pytest.param("channel", marks=pytest.mark.slow), "unordered"]
)
def test_few_models(delivery: Network, tmp_path: Path) -> None:
    """On eight small models they find the same, state by state: see `differences`."""
    compared = 0
    for model in some_models(FEW):
        found = compare(model, Semantics(delivery), tmp_path, SMALL)
        if found is not None:
            assert not found.differences, (found.differences, model)
            compared += 1
        if compared == 8:
            break
    assert compared == 8


@pytest.mark.slow
@pytest.mark.parametrize("semantics", SEMANTICS, ids=str)
def test_many_models(semantics: Semantics, tmp_path: Path) -> None:
    """So they do on more than three hundred, many of which violate a property."""
    found = tally(semantics, MANY, tmp_path)
    assert not found.different
    assert found.models > 300
    assert 0.4 < found.models_violated / found.models < 0.8
    assert found.late > 50
    assert found.rare > 10


@pytest.mark.parametrize("semantics", SEMANTICS, ids=str)
def test_spin_has_the_order(semantics: Semantics, tmp_path: Path) -> None:
    """Spin has the known results for the order of messages.

    In order, the last of three messages brings the 2. Out of order it may come first,
    and is then not what is left in the end.
    """
    spin = judge(translate(RELAY, semantics), tmp_path)
    ends = {line.split(" ")[0] for line in spin.ends}
    if semantics.delivery == "unordered":
        assert (spin.violated, ends, len(spin.states)) == ({0: 2, 1: 3}, {"1", "2"}, 6)
    elif semantics.delivery == "mailbox":
        assert (spin.violated, ends, len(spin.states)) == ({0: 4}, {"2"}, 5)
    else:
        assert (spin.violated, ends, len(spin.states)) == ({0: 3}, {"2"}, 4)


@pytest.mark.parametrize("semantics", SEMANTICS, ids=str)
def test_spin_has_what_becomes_of_requests(
    semantics: Semantics, tmp_path: Path
) -> None:
    """A request that comes too early is lost, unless noops are kept."""
    spin = judge(translate(CLOSED, semantics), tmp_path)
    ends = {" ".join(line.split(" ")[:2]) for line in spin.ends}
    expected: dict[str, tuple[dict[int, int], set[str]]] = {
        "channel": ({0: 2}, {"1 0", "1 1"}),
        "mailbox": ({0: 4}, {"1 0", "1 1"}),
        "unordered": ({0: 2}, {"1 0", "1 1"}),
        "unordered, kept": ({}, {"1 1"}),
    }
    assert (spin.violated, ends) == expected[str(semantics)]
    own = explored(CLOSED, semantics)
    assert own is not None
    assert not list(differences(own, spin, semantics.delivery))


def test_what_is_no_whole_search_is_an_error(tmp_path: Path) -> None:
    """A limit, a full channel, or no program at all never passes."""
    program = translate(RELAY, CHANNEL)
    with pytest.raises(SpinError, match="max search depth too small"):
        judge(program, tmp_path, depth_max=5)
    full = program._replace(text=program.text.replace("[2] of", "[1] of"))
    assert full != program
    with pytest.raises(SpinError, match=r"not completed|block in d_step"):
        judge(full, tmp_path)
    with pytest.raises(SpinError, match=r"(?s)spin ends with 1: .*syntax error"):
        judge(program._replace(text="init {"), tmp_path)
    with pytest.raises(SpinError, match="assertion violated"):
        judge(program._replace(text="init { assert(false) }"), tmp_path)


def out_of_order(program: Program) -> Program:
    """Have channels sort what comes in, instead of keeping its order."""
    return program._replace(text=program.text.replace(" ! ", " !! "))


def tired(program: Program) -> Program:
    """Have messages with the last of their fuel cause nothing."""
    return program._replace(text=program.text.replace("fuel > 0", "fuel > 1"))


@pytest.mark.parametrize("flaw", [out_of_order, tired])
def test_flaw_of_the_translator_is_found(
    flaw: Callable[[Program], Program], tmp_path: Path
) -> None:
    """A wrong program for Spin is detected on the same models."""
    assert _is_found(lambda model: flaw(translate(model, CHANNEL)), tmp_path)


def without_one(model: ActorModel, state: State) -> list[Offer]:
    """Leave out the last of several possible steps."""
    offers = _OFFERS(model, state)
    return offers[:-1] if len(offers) > 2 else offers


def without_finals(checks: Checks, state: State) -> str:
    """Find nothing wrong with an end."""
    _REST(checks, state)
    return ""


_OFFERS = ActorModel.offers
_REST = Checks.rest


@pytest.mark.parametrize(
    ("where", "name", "flaw"),
    [(ActorModel, "offers", without_one), (Checks, "rest", without_finals)],
)
def test_flaw_of_the_explorer_is_found(
    where: type[object],
    name: str,
    flaw: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An explorer that leaves out a step is detected on the same models."""
    monkeypatch.setattr(where, name, flaw)
    assert _is_found(lambda model: translate(model, CHANNEL), tmp_path)


def _is_found(write: Callable[[Model], Program], folder: Path) -> bool:
    """Whether Spin and the explorer differ in any of the models, as channels go."""
    for model in some_models(FEW):
        own = explored(model, CHANNEL, SMALL)
        if own is not None:
            spin = judge(write(model), folder)
            if any(differences(own, spin, "channel")):
                return True
    return False
