"""How fast channel and processor are, compared with each other, while a case runs.

Real systems ran the channel on its own threads. Here an instruction ends before the
channel does anything, and the channel continues when the caller says so.
"""

from ccw_actors.runtime import Choice, SteppingDispatcher

__all__ = ["Pace"]


class Pace(SteppingDispatcher):
    """Prefers messages of the processor "cpu0", then those of its channel subsystem.

    Timers come last.
    """

    def __init__(self) -> None:
        super().__init__("channel")
        self._turn = 0

    def step(self, choice: Choice | None = None) -> Choice | None:
        """Handle one message: the most urgent of those that wait."""
        if choice is None:
            choice = min(self.enabled(), key=_urgency, default=None)
            if choice is None:
                return None
        return super().step(choice)

    def run_channel(self) -> bool:
        """Handle one message of the channel; False if there is none.

        Its actors take turns, so that none of them starves.
        """
        choices = [choice for choice in self.enabled() if not choice.timer]
        if not choices:
            return False
        self._turn += 1
        super().step(choices[self._turn % len(choices)])
        return True

    def settle(self, steps_max: int) -> bool:
        """Let the channel work until it rests; False if it never does."""
        return any(not self.run_channel() for _ in range(steps_max))


def _urgency(choice: Choice) -> int:
    if choice.timer:
        return 3
    names = {choice.recipient, choice.sender}
    if "cpu0" in names:
        return 0
    return 1 if "css" in names else 2
