"""Models that nobody has chosen."""

from hypothesis import strategies as st

from tests.explore.spin.description import (
    KINDS,
    SENDER,
    SIZE,
    Assign,
    Case,
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
    Test,
)

__all__ = ["models"]

OPERATORS: tuple[Operator, ...] = ("==", "!=", "<", ">=")
SOURCES = 2


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Two to four actors, what they do, first messages, and what has to hold."""
    sizes = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    plans = tuple(draw(_plans(len(sizes), size)) for size in sizes)
    firsts = draw(st.lists(_firsts(len(sizes)), min_size=3, max_size=5))
    rules = draw(st.just([]) | st.lists(_rules(len(sizes)), min_size=1, max_size=4))
    follows = draw(st.just(SENDER) | st.sampled_from([one.actor for one in rules])) if rules else SENDER
    properties = (
        draw(_of_one(sizes)),
        draw(_of_all("system", sizes, bool(rules))),
        draw(_of_all("final", sizes, bool(rules))),
    )
    return Model(plans, SOURCES, tuple(firsts), properties, tuple(rules), follows)


def _plans(actors: int, size: int) -> st.SearchStrategy[Plan]:
    cases = st.lists(_cases(actors, size), min_size=1, max_size=3).map(tuple)
    start = st.tuples(*[st.integers(0, 1)] * size)
    return st.builds(Plan, start, st.tuples(*[cases] * KINDS))


def _cases(actors: int, size: int) -> st.SearchStrategy[Case]:
    variables = st.integers(0, size - 1).map(lambda one: Term("variable", one))
    senders = st.builds(
        Test,
        st.just((Term("sender"),)),
        st.sampled_from(("==", "!=")),
        st.integers(0, actors + SOURCES - 1),
    )
    ours = variables | st.just(Term("field"))
    tests = st.builds(
        Test,
        st.tuples(ours),
        st.sampled_from(OPERATORS),
        st.integers(0, SIZE - 1),
    )
    constants = st.integers(0, SIZE - 1).map(lambda one: Term("constant", one))
    terms = ours | constants
    sums: st.SearchStrategy[Sum] = st.lists(terms, min_size=1, max_size=2).map(tuple)
    assigns = st.builds(Assign, st.integers(0, size - 1), sums)
    return st.builds(
        Case,
        st.lists(tests | tests | senders, max_size=2).map(tuple),
        st.lists(assigns, max_size=2, unique_by=lambda one: one.variable).map(tuple),
        st.lists(_sends(actors, sums), max_size=2).map(tuple),
    )


def _sends(actors: int, sums: st.SearchStrategy[Sum]) -> st.SearchStrategy[Send]:
    to = st.integers(0, actors - 1) | st.just(SENDER)
    return st.builds(Send, to, st.just(0), st.just(())) | st.builds(
        Send, to, st.integers(1, KINDS - 1), sums
    )


def _firsts(actors: int) -> st.SearchStrategy[First]:
    """Return first messages; some of them an actor is said to have sent."""
    sender = st.integers(0, actors + SOURCES - 1)
    fuel = st.sampled_from((2, 1, 3, 0))
    letters = st.builds(Letter, sender, st.just(0), st.just(0), fuel) | st.builds(
        Letter, sender, st.integers(1, KINDS - 1), st.integers(0, SIZE - 1), fuel
    )
    return st.builds(First, st.integers(0, actors - 1), letters)


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
    scope: str, sizes: list[int], has_history: bool  # noqa: FBT001
) -> st.SearchStrategy[Property]:
    """Return properties of the variables of any actors, and of the history."""
    places = [
        Term("variable", number, actor)
        for actor, size in enumerate(sizes)
        for number in range(size)
    ]
    if has_history:
        places += [Term("history")] * len(sizes)
    return st.builds(Property, st.just(scope), _tests(st.sampled_from(places)))


def _tests(terms: st.SearchStrategy[Term]) -> st.SearchStrategy[tuple[Test, ...]]:
    lefts = st.tuples(terms) | st.tuples(terms, terms)
    one = st.builds(
        Test, lefts, st.sampled_from(OPERATORS), st.integers(0, SIZE - 1)
    )
    return st.lists(one, min_size=1, max_size=2).map(tuple)
