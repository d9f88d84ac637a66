"""The delivery of answers."""

import pytest

from ccw_actors.runtime._values.envelope import UNBOUNDED, Envelope
from tests.runtime.kernel.cast import Count, Read, envelope_of, turn_of
from tests.runtime.kernel.parts import Parts

ANSWER = envelope_of(Count(1), "a", kind=UNBOUNDED, number=9)


class Play(Parts):
    """Everything observed; `lost` are the reasons of lost answers."""

    def __init__(self) -> None:
        super().__init__(observed=True)
        self.reasons: list[str] = []
        self.lost.told = self._lost

    def _lost(self, _path: str, _envelope: Envelope, reason: str) -> None:
        self.reasons.append(reason)


def test_answer_to_somebody_outside() -> None:
    """It settles the ask, and observers are notified."""
    play = Play()
    pending = play.ask()
    play.asks.add(pending)
    play.answers.settle(pending.number, "", ANSWER)
    assert play.outcomes == {pending.number: Count(1)}
    assert play.told.lines == ["handled 9 Count at "]
    assert play.reasons == []


def test_answer_to_a_handler() -> None:
    """Its turn gets it; observers are notified only when the handler continues."""
    play, turn = Play(), turn_of("b")
    pending = play.asks.begin("a", "b", Read, 9.0, turn)
    play.answers.settle(pending.number, "b", ANSWER)
    assert turn.reply is ANSWER
    assert play.told.lines == []
    turn.close()


def test_error_in_place_of_the_answer() -> None:
    """Code outside gets the error."""
    play, error = Play(), KeyError()
    pending = play.ask()
    play.asks.add(pending)
    play.answers.settle(pending.number, "", ANSWER, error)
    assert play.outcomes[pending.number] is error


@pytest.mark.parametrize(
    ("number", "reason"),
    [(0, "nobody asked for this answer"), (99, "nobody waits for this answer")],
)
def test_answer_that_is_lost(number: int, reason: str) -> None:
    """An answer without a waiting ask is lost, with a reason."""
    play = Play()
    play.answers.settle(number, "b", ANSWER)
    assert play.reasons == [reason]
    assert play.told.lines == [f"lost Count: {reason}"]
    assert play.asks.late == (1 if number else 0)
