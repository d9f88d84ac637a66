"""Strategies for random models."""

from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.explore.spin.description import (
    KINDS,
    SENDER,
    SIZE,
    Assign,
    Case,
    Check,
    First,
    Letter,
    Model,
    Operator,
    Plan,
    Property,
    Rule,
    Send,
    Sum,
    Term,
)
from tests.explore.spin.players import holds

__all__ = ["models", "some_models"]

OPERATORS: tuple[Operator, ...] = ("!=", "==", "<", ">=")
SOURCES = 4


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Two to four actors, what they do, first messages, and what has to hold.

    In one of three the last actor is a lock, which opens on one order of messages that
    come from different sources, if all of them come.
    """
    sizes = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    code: list[tuple[int, int]] = []
    if draw(st.sampled_from((False, False, True))):
        sizes[-1] = 1
        code = draw(st.lists(_CODES, min_size=SOURCES, max_size=SOURCES))
    actors = len(sizes)
    plans = [draw(_plans(actors, size)) for size in sizes]
    firsts = draw(st.lists(_firsts(actors), min_size=3, max_size=5))
    if code:
        plans[-1] = _lock(code)
        opening = [
            First(actors - 1, Letter(actors + source, kind, field, source % 2))
            for source, (kind, field) in enumerate(code)
        ]
        sent = draw(st.integers(SOURCES - 1, SOURCES))
        firsts = [*firsts[:2], *draw(st.permutations(opening[:sent]))]
    rules = draw(st.just([]) | st.lists(_rules(actors), min_size=1, max_size=4))
    follows = draw(st.sampled_from([SENDER, *(one.actor for one in rules)]))
    begun = {number: plan.start for number, plan in enumerate(plans)}
    one_actor = _of_one(sizes)
    if code:
        shut = Check((Term("variable", 0, actors - 1),), "!=", len(code))
        one_actor = st.just(Property("actor", (shut,)))
    several = _of_all("system", sizes, rules)
    properties = (
        draw(one_actor.filter(lambda one: holds(one, begun, 0))),
        draw(several.filter(lambda one: holds(one, begun, 0))),
        draw(several.filter(lambda one: holds(one, begun, 0))),
        draw(_of_all("final", sizes, rules)),
    )
    return Model(
        tuple(plans), SOURCES, tuple(firsts), properties, tuple(rules), follows
    )


_CODES = st.tuples(st.integers(1, KINDS - 1), st.integers(1, SIZE - 1))


def _lock(code: list[tuple[int, int]]) -> Plan:
    """Return an actor that counts how many messages came in the order of a code.

    A wrong one has it begin again, but for the last kind: that is dropped.
    """

    def cases(kind: int) -> tuple[Case, ...]:
        place, field = Term("variable", 0), Term("field")
        steps = [
            Case(
                (Check((place,), "==", at), Check((field,), "==", wanted)),
                (Assign(0, (Term("constant", at + 1),)),),
                (Send(0, 1, (place,)),),
            )
            for at, (one, wanted) in enumerate(code)
            if one == kind
        ]
        again = Case(assigns=(Assign(0, (Term("constant"),)),))
        return (*steps, again) if kind < KINDS - 1 else tuple(steps)

    return Plan((0,), tuple(map(cases, range(KINDS))))


@cache
def some_models(count: int) -> tuple[Model, ...]:
    """Return that many of them, all different, and always the same."""
    found: list[Model] = []

    @seed(0)
    @settings(
        max_examples=3 * count,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(models())
    def note(model: Model) -> None:
        found.append(model)

    note()
    # Hypothesis varies what it has, which leaves most of a model as it was.
    different = tuple({model.firsts: model for model in found}.values())
    assert len(different) >= count, "more examples have to be taken"
    return different[:count]


@cache
def _plans(actors: int, size: int) -> st.SearchStrategy[Plan]:
    guarded = st.lists(_cases(actors, size, tests=1), max_size=2)
    others = st.lists(_cases(actors, size, tests=0), min_size=1, max_size=1)
    cases = st.tuples(guarded, others | others | others | st.just([])).map(_joined)
    start = st.tuples(*[st.integers(0, 1)] * size)
    return st.builds(Plan, start, st.tuples(*[cases] * KINDS))


def _joined(cases: tuple[list[Case], list[Case]]) -> tuple[Case, ...]:
    return (*cases[0], *cases[1])


@cache
def _cases(actors: int, size: int, tests: int) -> st.SearchStrategy[Case]:
    """Return cases with so many tests or, if that is any, one more."""
    variables = st.integers(0, size - 1).map(lambda one: Term("variable", one))
    senders = st.builds(
        Check,
        st.just((Term("sender"),)),
        st.sampled_from(("==", "!=")),
        st.integers(0, actors + SOURCES - 1),
    )
    ours = variables | st.just(Term("field"))
    compared = st.builds(
        Check, st.tuples(ours), st.sampled_from(OPERATORS), st.integers(0, SIZE - 1)
    )
    brought = st.integers(1, SIZE - 1).map(lambda one: Term("constant", one)) | st.just(
        Term("field")
    )
    sums = st.tuples(variables, brought) | st.tuples(brought)
    assigns = st.builds(Assign, st.integers(0, size - 1), sums)
    return st.builds(
        Case,
        st.lists(compared | compared | senders, min_size=tests, max_size=2 * tests).map(
            tuple
        ),
        st.lists(
            assigns, min_size=1, max_size=2, unique_by=lambda one: one.variable
        ).map(tuple),
        st.lists(_sends(actors, sums), max_size=2).map(tuple),
    )


@cache
def _sends(actors: int, sums: st.SearchStrategy[Sum]) -> st.SearchStrategy[Send]:
    to = st.just(0) | st.just(SENDER) | st.integers(0, actors - 1)
    return st.builds(Send, to, st.integers(1, KINDS - 1), sums) | st.builds(
        Send, to, st.just(0), st.just(())
    )


@cache
def _firsts(actors: int) -> st.SearchStrategy[First]:
    """Return first messages; some of them an actor is said to have sent."""
    sender = st.integers(0, actors + SOURCES - 1)
    fuel = st.sampled_from((2, 1, 3, 0))
    value = st.integers(1, SIZE - 1)
    letters = st.builds(Letter, sender, st.integers(1, KINDS - 1), value, fuel)
    letters |= st.builds(Letter, sender, st.just(0), st.just(0), fuel)
    return st.builds(First, st.just(0) | st.integers(0, actors - 1), letters)


@cache
def _rules(actors: int) -> st.SearchStrategy[Rule]:
    value = st.integers(0, SIZE - 1)
    return st.builds(
        Rule, st.integers(0, actors - 1), st.integers(0, KINDS - 1), value, value
    )


def _of_one(sizes: list[int]) -> st.SearchStrategy[Property]:
    """Return properties of the variables of one actor."""

    def of(actor: int) -> st.SearchStrategy[Property]:
        terms = st.builds(
            Term,
            st.just("variable"),
            st.integers(0, sizes[actor] - 1),
            st.just(actor),
        )
        return st.builds(Property, st.just("actor"), _tests(terms))

    return st.integers(0, len(sizes) - 1).flatmap(of)


def _of_all(
    scope: str, sizes: list[int], rules: list[Rule]
) -> st.SearchStrategy[Property]:
    """Return properties of the variables of any actors, and of the history."""
    places = [
        Term("variable", number, actor)
        for actor, size in enumerate(sizes)
        for number in range(size)
    ]
    if rules:
        places += [Term("history")] * len(sizes)
    return st.builds(Property, st.just(scope), _tests(st.sampled_from(places)))


def _tests(terms: st.SearchStrategy[Term]) -> st.SearchStrategy[tuple[Check, ...]]:
    lefts = st.tuples(terms) | st.tuples(terms, terms)
    operators = st.sampled_from(("!=", "!=", *OPERATORS))
    one = st.builds(Check, lefts, operators, st.integers(0, SIZE - 1))
    return st.lists(one, min_size=1, max_size=3).map(tuple)
