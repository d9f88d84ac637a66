"""Systems without an event loop that expose their dispatcher."""

from ccw_actors.runtime import (
    Delivery,
    Mailbox,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
)

__all__ = ["SteppingSystem", "VirtualSystem"]


class VirtualSystem(System):
    """A System under the virtual clock `clock`: nothing happens until you run that."""

    def __init__(
        self, *, ask_timeout: float = 10.0, mailbox: Mailbox | None = None
    ) -> None:
        self.clock = VirtualDispatcher()
        super().__init__(self.clock, ask_timeout=ask_timeout, mailbox=mailbox)


class SteppingSystem(System):
    """A System that handles one message for each call of `steps.step`."""

    def __init__(
        self, delivery: Delivery = "mailbox", *, mailbox: Mailbox | None = None
    ) -> None:
        self.steps = SteppingDispatcher(delivery)
        super().__init__(self.steps, mailbox=mailbox)
