"""An ask that crosses from one thread to another while its recipient is stopped.

A model of the window in which a reply gets lost between an event loop and a Pykka
thread. The threads are actors here, the queues between them channels.

| here | in the bridge to Pykka of `ccw_actors.runtime` |
|---|---|
| Asker | the event loop's side of an ask, which waits for its answer |
| Worker | the actor in its thread |
| Owner | stops the worker, from anywhere |
| Registry | the System's own thread: which actors are alive, and which asks wait |
| Request, Answer | the messages in either direction |
| Ended | the thread's last message, behind all its answers |

A careless registry forgets a worker as soon as it is to stop, and drops answers that
cross later: an asker may wait forever. The bridge's registry records every ask that
waits, and fails those that are left when the thread's last message arrives. The
explorer verifies `careful`, which is the bridge's protocol, and refutes `careless`.

    ccw-actors explore examples/explore/lost_reply.py:careless

python examples/explore/lost_reply.py
"""

from typing import Any

from msgspec import Struct

from ccw_actors.explore import Scenario, View, World, explain, explore
from ccw_actors.runtime import Actor, ActorRef, Message, receive


class Begin(Message, frozen=True):
    """Tells an asker to ask."""


class Ask(Message, frozen=True):
    """A request on its way to the registry; `asker` waits for the answer."""

    asker: str


class Request(Message, frozen=True):
    """A request that has crossed to the worker's thread."""

    asker: str


class Answer(Message, frozen=True):
    """An answer that crosses back."""

    asker: str


class Outcome(Message, frozen=True):
    """How an ask has ended: with an answer, or because the worker is gone."""

    answered: bool


class Stop(Message, frozen=True):
    """Stops the worker."""


class Ended(Message, frozen=True):
    """The worker's last message."""


class AskerState(Struct):
    """Whether it waits, and how often its ask has ended with and without an answer."""

    waits: bool = False
    answers: int = 0
    failures: int = 0


class Asker(Actor[Begin | Outcome]):
    """Asks once."""

    state: AskerState

    def __init__(self, registry: ActorRef[Ask]) -> None:
        self.state = AskerState()
        self._registry = registry

    @receive
    def begin(self, _message: Begin) -> None:
        """Ask."""
        self.state.waits = True
        self._registry.tell(Ask(self.path))

    @receive
    def outcome(self, message: Outcome) -> None:
        """Stop waiting."""
        self.state.waits = False
        self.state.answers += message.answered
        self.state.failures += not message.answered


class WorkerState(Struct):
    """Whether it works."""

    works: bool = True


class Worker(Actor[Request | Stop]):
    """Answers until it is stopped; later requests are dropped with its queue."""

    state: WorkerState

    def __init__(self) -> None:
        self.state = WorkerState()

    @receive
    def request(self, message: Request) -> None:
        """Answer."""
        if self.state.works and self.sender is not None:
            self.sender.tell(Answer(message.asker))

    @receive
    def stop_worker(self, _message: Stop) -> None:
        """Send the last message."""
        self.state.works = False
        if self.sender is not None:
            self.sender.tell(Ended())


class RegistryState(Struct):
    """Whether the worker may be asked, and whose asks wait for it."""

    is_alive: bool = True
    waiting: tuple[str, ...] = ()


class Registry(Actor[Ask | Answer | Stop | Ended]):
    """Passes asks to the worker and answers back; a careless one keeps no record."""

    state: RegistryState

    def __init__(self, worker: ActorRef[Any], *, careless: bool) -> None:
        self.state = RegistryState()
        self._worker = worker
        self._careless = careless

    @receive
    def ask(self, message: Ask) -> None:
        """Pass the request on, if the worker is there."""
        if not self.state.is_alive:
            self._end(message.asker, answered=False)
            return
        self.state.waiting = (*self.state.waiting, message.asker)
        self._worker.tell(Request(message.asker))

    @receive
    def answer(self, message: Answer) -> None:
        """Pass the answer back to the asker."""
        if message.asker in self.state.waiting:
            self._end(message.asker, answered=True)

    @receive
    def stop_worker(self, _message: Stop) -> None:
        """Stop the worker; a careless registry forgets it at once."""
        self._worker.tell(Stop())
        if self._careless:
            self.state.is_alive = False
            self.state.waiting = ()

    @receive
    def ended(self, _message: Ended) -> None:
        """Fail the asks that are left: their answers would have come before."""
        self.state.is_alive = False
        for asker in self.state.waiting:
            self._end(asker, answered=False)

    def _end(self, asker: str, *, answered: bool) -> None:
        self.state.waiting = tuple(one for one in self.state.waiting if one != asker)
        ref: ActorRef[Outcome] = self.system.ref(asker)
        ref.tell(Outcome(answered))


class Owner(Actor[Begin]):
    """Stops the worker."""

    def __init__(self, registry: ActorRef[Stop]) -> None:
        self._registry = registry

    @receive
    def begin(self, _message: Begin) -> None:
        """Stop it."""
        self._registry.tell(Stop())


def asks(*, askers: int = 2, careless: bool = False) -> Scenario:
    """Return a scenario of some asks and a stop at the same time."""

    def scenario(world: World) -> None:
        worker = world.spawn(Worker(), "worker")
        registry = world.spawn(Registry(worker, careless=careless), "registry")
        refs = [
            world.spawn(Asker(registry), f"asker/{number}")
            for number in range(1, askers + 1)
        ]
        for ref in refs:
            world.inject(ref, Begin(), source=ref.path)
            world.invariant(
                ref, "ends once", lambda state: state.answers + state.failures <= 1
            )
        world.inject(world.spawn(Owner(registry), "owner"), Begin(), source="owner")

        def all_ended(view: View) -> bool:
            return not any(view[ref].waits for ref in refs)

        world.final("nobody waits forever", all_ended)
        world.sometimes("an ask is answered", lambda s: s.answers > 0, of=refs[0])
        world.sometimes("an ask fails", lambda state: state.failures > 0, of=refs[0])

    return scenario


def careful(world: World) -> None:
    """Two asks cross to a thread that is being stopped; each is recorded."""
    asks()(world)


def careless(world: World) -> None:
    """Two asks cross to a thread that is being stopped, and is forgotten at once."""
    asks(careless=True)(world)


def main() -> None:
    """Verify that recorded asks end; refute the scenario without a record."""
    result = explore(careful)
    print(result.verdict.upper(), result.scope)
    assert result.verdict == "verified"
    refuted = explore(careless)
    print(explain(careless, refuted))
    assert refuted.violation == "nobody waits forever"


if __name__ == "__main__":
    main()
