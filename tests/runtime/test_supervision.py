"""Valid values of supervision, and the errors for others."""

from typing import Any

import pytest

from ccw_actors.runtime import (
    Escalate,
    Restart,
    Stop,
    Supervision,
    System,
    VirtualDispatcher,
)
from ccw_actors.runtime._values.supervision import decide
from tests.runtime.cast import Blow, Diary


@pytest.mark.parametrize(
    "wrong", [Restart, Stop, Escalate, "restart", 3, True, (Restart(),)]
)
def test_what_is_no_supervision(wrong: Any) -> None:
    """`spawn` refuses it; one of the classes is no decision."""
    system = System(VirtualDispatcher())
    with pytest.raises(
        TypeError, match=r"^supervision: expected Stop\(\), Restart\(\),"
    ):
        system.spawn(Diary(), "diary", supervision=wrong)
    assert not system.is_alive("diary")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"limit": -1}, "limit is 0 or more, not -1"),
        ({"within": 0.0}, "within is above 0 s, not 0.0"),
        ({"within": float("nan")}, "within is above 0 s, not nan"),
        ({"delay": -0.5}, "delay and delay_max are 0 s or more, not -0.5 and 30.0"),
        ({"delay_max": -1.0}, "delay and delay_max are 0 s or more, not 0.0 and -1.0"),
    ],
)
def test_numbers_of_a_restart(numbers: dict[str, Any], text: str) -> None:
    """Invalid numbers are refused, naming the valid range."""
    with pytest.raises(ValueError, match=f"^Restart: {text}$"):
        Restart(**numbers)


def test_no_restart_at_all() -> None:
    """With a limit of 0 the decision is `then` at once."""
    never = Restart(limit=0, then=Escalate())
    assert decide(never, ValueError(), 0.0, ()) == (Escalate(), ())


@pytest.mark.parametrize("answer", [None, Restart, "stop"])
def test_function_that_decides_nothing(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A function that returns no decision is logged, and the actor stops."""

    def by_error(_error: BaseException) -> Any:
        return answer

    clock, supervision = VirtualDispatcher(), by_error
    ref = System(clock).spawn(Diary, "diary", supervision=supervision)
    ref.tell(Blow("loud"))
    clock.run()
    assert not ref.is_alive
    assert "diary: its supervision raised, so it stops" in caplog.text
    assert "expected Stop(), Restart() or Escalate() of" in caplog.text


def test_function_that_decides() -> None:
    """A function, a class with `__call__` and a partial one all do."""

    class ByError:
        def __call__(self, error: BaseException) -> Restart | Stop:
            """Decide by the error."""
            return Restart() if isinstance(error, ValueError) else Stop()

    clock = VirtualDispatcher()
    supervision: Supervision = ByError()
    ref = System(clock).spawn(Diary, "diary", supervision=supervision)
    ref.tell(Blow("loud"))
    clock.run()
    assert ref.is_alive
