"""Random histories compare the real System with its simple model."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    MailboxFullError,
)
from ccw_actors.runtime import (
    Mailbox,
    Request,
    Restart,
    SteppingDispatcher,
    Stop,
    System,
    VirtualDispatcher,
)
from ccw_actors.runtime._values.mailbox import WhenFull
from tests.runtime.cast import Blow, Carry, Collect, Deliver, Diary, Note, Notes
from tests.runtime.model import Model, ModelActor


def collect(_text: str) -> Collect:
    """Return a question without a text."""
    return Collect()


def deliver(_text: str) -> Deliver:
    """Return the message that delivers all late answers."""
    return Deliver()


MESSAGES: dict[str, Any] = {
    "note": Note,
    "blow": Blow,
    "carry": Carry,
    "collect": collect,
    "deliver": deliver,
}
ASKED = ("blow", "carry", "collect")
OUTCOMES: dict[type[Exception], str] = {
    ActorFailedError: "failed",
    ActorStoppedError: "stopped",
    MailboxFullError: "full",
}


class Histories(RuleBasedStateMachine):
    """Spawns, tells, asks and stops; sometimes runs until nothing is left."""

    dispatcher: VirtualDispatcher | SteppingDispatcher
    paths = Bundle("paths")

    def __init__(self) -> None:
        super().__init__()
        self.dispatcher = self.make()
        self.system = System(self.dispatcher)
        self.model = Model()
        self.outcomes: dict[int, str] = {}
        self.asks = 0

    def make(self) -> VirtualDispatcher | SteppingDispatcher:
        """Return the dispatcher to test."""
        return VirtualDispatcher()

    @initialize(target=paths)
    def first(self) -> str:
        """Begin with one actor."""
        self.begin("a", 2, "refuse", 1)
        return "a"

    @rule(
        target=paths,
        path=st.sampled_from("abc"),
        bound=st.integers(1, 4),
        when_full=st.sampled_from(("refuse", "drop oldest", "drop newest")),
        restarts=st.integers(0, 2),
    )
    def spawn(self, path: str, bound: int, when_full: WhenFull, restarts: int) -> str:
        """Spawn an actor, if the path is free."""
        self.begin(path, bound, when_full, restarts)
        return path

    def begin(self, path: str, bound: int, when_full: WhenFull, restarts: int) -> None:
        """Spawn an actor, if the path is free."""
        if path not in self.model.actors:
            supervision = Restart(limit=restarts) if restarts else Stop()
            box = Mailbox(bound, when_full)
            self.system.spawn(Diary(), path, supervision=supervision, mailbox=box)
            self.model.actors[path] = ModelActor(bound, when_full, restarts)

    @rule(
        path=paths, what=st.sampled_from(sorted(MESSAGES)), text=st.sampled_from("xy")
    )
    def tell(self, path: str, what: str, text: str) -> None:
        """Tell a message that has no answer."""
        if what in ("carry", "collect"):
            return  # Its answer would be one more dead letter.
        accepted = self.model.send(path, what, text, 0)
        try:
            self.system.ref(path).tell(MESSAGES[what](text))
        except MailboxFullError:
            assert not accepted
        else:
            assert accepted

    @rule(path=paths, what=st.sampled_from(ASKED), text=st.sampled_from("xy"))
    def ask(self, path: str, what: str, text: str) -> None:
        """Ask, without waiting for the answer."""
        self.asks += 1
        number = self.asks
        kernel = self.system._kernel  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

        def settle(answer: Any, error: Exception | None) -> None:
            assert number not in self.outcomes, "an ask is answered once"
            if error is not None:
                self.outcomes[number] = OUTCOMES[type(error)]
            elif isinstance(answer, Notes):
                self.outcomes[number] = " ".join(answer.texts)
            else:
                self.outcomes[number] = answer.text

        message: Request[Any] = MESSAGES[what](text)
        address = self.system.ref(path).address
        pending = kernel.asks.question(address, "", type(message), 60.0, settle)
        delivery = kernel.delivery
        envelope = delivery.envelope(kernel.running, message, pending.number)
        accepted = self.model.send(path, what, text, number)
        try:
            delivery.ask(pending, envelope)
        except MailboxFullError:
            assert not accepted
        else:
            assert accepted

    @rule(path=paths)
    def stop(self, path: str) -> None:
        """Stop after what is in the mailbox."""
        self.model.send(path, "stop", "", 0)
        self.system.ref(path).stop()

    @rule(path=paths)
    def kill(self, path: str) -> None:
        """Stop before what is in the mailbox."""
        self.model.kill(path)
        self.system.ref(path).stop(drain=False)

    @rule()
    def run(self) -> None:
        """Handle everything."""
        self.model.run()
        while True:
            try:
                # Not `run`, which would jump to the deadlines of asks.
                self.dispatcher.run_until(self.rests)
            except ActorFailedError:
                continue
            break

    def rests(self) -> bool:
        """Whether no message and no signal waits."""
        cells = self.system._kernel.cells.values()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return not any(cell.mailbox or cell.signals for cell in cells)

    @invariant()
    def the_same(self) -> None:
        """The actors, the waiting messages, and the outcomes of asks."""
        for path in "abc":
            alive = self.system.is_alive(path)
            assert alive == (path in self.model.actors), path
        assert self.outcomes == self.model.outcomes

    def teardown(self) -> None:
        """Compare the notes, and check that nothing was lost unnoticed."""
        self.run()
        self.the_same()
        for path, actor in self.model.actors.items():
            ref = self.system.ref(path)
            assert ref.ask(Collect(), block=True) == Notes(tuple(actor.texts))
        unasked_stops = self.system.statistics().dead_letters
        assert unasked_stops == self.model.dead_letters


class SteppingHistories(Histories):
    """The same under the stepping dispatcher."""

    def make(self) -> VirtualDispatcher | SteppingDispatcher:
        """Return the dispatcher to test."""
        return SteppingDispatcher("channel")


@pytest.mark.parametrize("machine", [Histories, SteppingHistories])
def test_model(machine: type[Histories]) -> None:
    """Random histories end as the model says: actors, asks, dead letters, states."""
    case = machine.TestCase
    case.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
    case().runTest()
