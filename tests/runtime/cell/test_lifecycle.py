"""The table of an actor's life cycle."""

import pytest

from ccw_actors.runtime._cell.lifecycle import (
    LIFECYCLE,
    Event,
    State,
    as_markdown,
    next_state,
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_next_state(state: State, event: Event) -> None:
    """The next state is that of the table; other events raise."""
    if (state, event) in LIFECYCLE:
        assert next_state(state, event) is LIFECYCLE[state, event]
    else:
        with pytest.raises(AssertionError, match=f"{state.name} has no {event.name}"):
            next_state(state, event)


def test_each_state_is_reached() -> None:
    """Every state can be reached from the first."""
    reached, new = set[State](), {State.STARTING}
    while new:
        reached |= new
        new = {after for (before, _), after in LIFECYCLE.items() if before in new}
        new -= reached
    assert reached == set(State)


def test_nothing_comes_after_the_end() -> None:
    """The last state can be reached from every other one, and is final."""
    assert not [event for state, event in LIFECYCLE if state is State.ENDED]
    assert {
        state for (state, _), after in LIFECYCLE.items() if after is State.ENDED
    } == (set(State) - {State.ENDED})


def test_a_stop_is_not_taken_back() -> None:
    """From stopping the only way is to ended."""
    after = {to for (state, _), to in LIFECYCLE.items() if state is State.STOPPING}
    assert after == {State.ENDED}


def test_table_as_document() -> None:
    """The document has a line for each state and event, and all of the table."""
    lines = as_markdown().splitlines()
    assert lines[0] == "| | started | restart | begin | stop | end |"
    assert len(lines) == 2 + len(State) + 3 + len(Event)
    assert "| **stopping** |  |  |  |  | ended |" in lines
    assert "| **restarting** |  |  | starting | stopping | ended |" in lines
    cells = [cell for line in lines[2:7] for cell in line.split(" | ")[1:]]
    assert sum(cell.strip(" |") != "" for cell in cells) == len(LIFECYCLE)
