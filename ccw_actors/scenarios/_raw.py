"""Clients of VfioCcw that refuse nothing: it has to keep its promises on its own.

There is no GuestSubchannel in between. Requests come in order, but at any time, and
events are taken late. VfioCcw is held to its side of the interface alone.

| scenario | requests | what the client does that an emulator would not |
|---|---|---|
| raw-starts | START, START, START | starts while busy, or before it has taken status |
| raw-halt | START, HALT, START | starts while a HALT is in progress |
| raw-clear | START, CLEAR, START, CLEAR | starts while a CLEAR is in progress |
| raw-halts | START, HALT, HALT, START | halts while a HALT is in progress |
| raw-cancel | START, CANCEL, CANCEL, START | cancels twice, without LOOK |
| raw-halt-cancel | START, HALT, CANCEL, START | cancels a START that is being halted |
| raw-cancel-halt | START, CANCEL, HALT, CLEAR | does not wait for CANCEL |
| raw-halt-clear | START, HALT, CLEAR, CANCEL | does not wait for HALT and CLEAR |
| raw-resume-halt | START, LOOK, RESUME, HALT, CANCEL | does not wait for RESUME |
| raw-resume | START, LOOK, RESUME, CLEAR, LOOK | does not wait for RESUME |
| raw-resumes | START, LOOK, RESUME, RESUME, CANCEL | resumes twice |

`_promises` has the properties.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    CancelRequest,
    ClearRequest,
    Completed,
    Found,
    Gone,
    HaltRequest,
    IoEvent,
    IoRequest,
    LookRequest,
    Refused,
    ResumeRequest,
)
from ccw_actors.channel import Orb
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.runtime import Actor, ActorRef, Message, System, receive
from ccw_actors.scenarios._guest_scenario import Condition, Maker, expect, spelled
from ccw_actors.scenarios._machine import (
    PATHS,
    PROGRAM,
    HostMachine,
    read_orb,
)
from ccw_actors.scenarios._operations import SUSPENDS
from ccw_actors.scenarios._promises import Request, keeps_promises

__all__ = ["RAW", "another_runs"]

Kind: TypeAlias = Callable[[int], Request]


class Next(Message, frozen=True):
    """Make the next request."""


class EventTaken(Message, frozen=True):
    """The client has taken an event that ended an operation."""


class ClientState(Struct):
    """The number of requests made, and of events taken since the last one."""

    made: int = 0
    taken: int = 0


class Client(Actor):
    """Sends `requests` to `vfio_ccw` one after the other, each at any time."""

    state: ClientState

    def __init__(self, vfio_ccw: ActorRef[Any], requests: Sequence[Request]) -> None:
        self._vfio_ccw = vfio_ccw
        self._requests = requests
        self.state = ClientState()

    def on_start(self) -> None:
        """Prepare the first request."""
        self.after(0.0, Next())

    @receive
    def go_on(self, _message: Next) -> None:
        """Send the next request."""
        state = self.state
        request = self._requests[state.made]
        self._vfio_ccw.tell(replace(request, taken=state.taken))
        state.made += 1
        state.taken = 0
        if state.made < len(self._requests):
            self.after(0.0, Next())

    @receive
    def event_taken(self, _message: EventTaken) -> None:
        """Count it; the next request says so."""
        self.state.taken += 1


class Taker(Actor):
    """Receives the answers to `client`, which takes each event at any time later."""

    def __init__(self, client: ActorRef[EventTaken]) -> None:
        self._client = client

    @receive
    def event(self, message: IoEvent) -> None:
        """Have the client take it."""
        if message.ends:
            self._client.tell(EventTaken())

    @receive
    def answered(self, _message: Refused | Completed | Found | Gone) -> None:
        """Ignore the answer, which the monitor checks."""


def _start(number: int) -> IoRequest:
    return IoRequest(number, read_orb(number))


def _suspended(number: int) -> IoRequest:
    orb = Orb.command(PROGRAM, suspend=True, suppress_suspended=True)
    return IoRequest(number, orb)


def _raw(
    summary: str,
    *kinds: Kind,
    content: bytes | None = None,
    **conditions: Condition,
) -> Maker:
    """Return the maker of a scenario of these requests, numbered from 1."""
    requests = tuple(kind(number) for number, kind in enumerate(kinds, 1))

    def maker(layers: Layers | None = None) -> Scenario:
        def scenario(world: World) -> None:
            HostMachine(world.system, layers=layers or OURS, content=content)
            _spawn_client(world.system, requests)
            keeps_promises(world, requests)
            expect(world, spelled(conditions))

        scenario.__doc__ = summary
        return scenario

    return maker


def _spawn_client(system: System, requests: tuple[Request, ...]) -> None:
    kernel = system.ref(PATHS.vfio_ccw)
    client = system.spawn(Client(kernel, requests), "client")
    system.spawn(Taker(client), PATHS.emulated)


def _untaken(view: View) -> bool:
    kernel = view["vfio-ccw"]
    return bool(kernel.untaken) and kernel.program is None


def another_runs(view: View) -> bool:
    """Whether a second program runs at the host."""
    return view["subchannel"].execution is not None and view["subchannel"].run > 1


RAW: Final[dict[str, Maker]] = {
    "raw-starts": _raw(
        "A client issues START at any time, refuses none, and takes status late.",
        _start,
        _start,
        _start,
        an_event_is_untaken=_untaken,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-halt": _raw(
        "A client that refuses none issues START while a HALT is in progress.",
        _start,
        HaltRequest,
        _start,
        an_event_is_untaken=_untaken,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-clear": _raw(
        "A client that refuses none issues START and CLEAR during a CLEAR.",
        _start,
        ClearRequest,
        _start,
        ClearRequest,
        an_event_is_untaken=_untaken,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-halts": _raw(
        "A client that refuses none issues HALT while another is in progress.",
        _start,
        HaltRequest,
        HaltRequest,
        _start,
        an_event_is_untaken=_untaken,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-cancel": _raw(
        "A client issues CANCEL at any time, without LOOK.",
        _start,
        CancelRequest,
        CancelRequest,
        _start,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-halt-cancel": _raw(
        "A client issues CANCEL while a HALT is in progress, without LOOK.",
        _start,
        HaltRequest,
        CancelRequest,
        _start,
        another_program_runs_at_the_host=another_runs,
    ),
    "raw-cancel-halt": _raw(
        "HALT and CLEAR while a CANCEL is in progress.",
        _start,
        CancelRequest,
        HaltRequest,
        ClearRequest,
    ),
    "raw-halt-clear": _raw(
        "CLEAR and CANCEL while a HALT, then a CLEAR is in progress.",
        _start,
        HaltRequest,
        ClearRequest,
        CancelRequest,
    ),
    "raw-resume-halt": _raw(
        "HALT and CANCEL of a program that is being resumed.",
        _suspended,
        LookRequest,
        ResumeRequest,
        HaltRequest,
        CancelRequest,
        content=SUSPENDS,
    ),
    "raw-resume": _raw(
        "RESUME and CLEAR of a program that is suspended or never is.",
        _suspended,
        LookRequest,
        ResumeRequest,
        ClearRequest,
        LookRequest,
        content=SUSPENDS,
    ),
    "raw-resumes": _raw(
        "RESUME twice, and CANCEL.",
        _suspended,
        LookRequest,
        ResumeRequest,
        ResumeRequest,
        CancelRequest,
        content=SUSPENDS,
    ),
}
"""The maker of each scenario, by name."""
