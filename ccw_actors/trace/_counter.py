"""An observer that counts the events of a System."""

from collections import Counter

from ccw_actors.runtime import Handled, Observer

__all__ = ["MessageCounter"]


class MessageCounter(Observer):
    """An observer that counts messages handled by type, dead letters and failures.

    `by_type` counts the messages by the name of their type.
    """

    def __init__(self) -> None:
        self.by_type: Counter[str] = Counter()
        self.dead_letters = 0
        self.failures = 0

    @property
    def total(self) -> int:
        """The number of messages handled."""
        return self.by_type.total()

    def handled(self, event: Handled) -> None:
        """Count a message that is about to be handled."""
        self.by_type[event.message_type.__name__] += 1

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Count a dead letter."""
        del event, reason
        self.dead_letters += 1

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Count a failure."""
        del actor, message, error
        self.failures += 1
