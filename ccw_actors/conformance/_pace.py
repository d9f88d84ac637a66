"""How fast channel and processor are, seen from each other, while a case is run.

Real systems ran the vectors on threads of their own. Here an instruction is over before
the channel does anything, and the channel goes on when the caller says so.
"""

from ccw_actors.runtime import Choice, SteppingDispatcher

__all__ = ["Pace"]


class Pace(SteppingDispatcher):
    """Prefers what the processor "cpu0" sends and gets, then its channel subsystem.

    Timers come last.
    """

    def __init__(self) -> None:
        super().__init__("channel")
        self._turn = 0

    def step(self, choice: Choice | None = None) -> Choice | None:
        """Handle one message; of what there is to choose from, the most urgent."""
        if choice is None:
            choice = min(self.enabled(), key=_urgency, default=None)
            if choice is None:
                return None
        return super().step(choice)

    def run_channel(self) -> bool:
        """Handle one message of the channel's; False if it has nothing to do.

        Its actors take turns, so that none of them is kept from working.
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
