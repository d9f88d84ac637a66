"""Decides whether a design's model allows a trace: a search over all that it can do.

A configuration is a state of the driver, with where each thread is, and the work queue.
The search keeps the set of all configurations that agree with the trace so far. Between
two events each thread may execute sections that show in no event, in any order.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    IoRead,
)
from ccw_actors.channel import Irb, Scsw
from ccw_actors.designs import Choices, HostState, Section
from ccw_actors.kernel.refinement._calls import begun, planned
from ccw_actors.kernel.refinement._effects import effect
from ccw_actors.kernel.refinement._kernel_trace import KernelTrace
from ccw_actors.kernel.refinement._observations import (
    WORK_QUEUE,
    Observation,
    interrupts_of,
    observations,
)
from ccw_actors.kernel.refinement._plans import (
    after_section,
    between,
    read_scsw,
    shown,
)
from ccw_actors.kernel.refinement._sections import (
    Ended,
    Flushed,
    Following,
    Outcome,
    Sections,
    WorkEnded,
    WorkItem,
    changed,
    first_state,
    state_of,
)
from ccw_actors.kernel.refinement._threads import (
    Item,
    Thread,
    bit_of,
    item,
    matches,
    taken,
)

__all__ = ["CONFIGURATIONS_MAX", "Answer", "check_kernel_trace"]

CONFIGURATIONS_MAX: Final = 50_000

Decision: TypeAlias = Literal["allowed", "refused", "undecided"]


class Answer(Struct, frozen=True):
    """Whether a model allows a trace.

    A refusal names the first event that the model cannot have shown: its `number`, from
    1, and `event`; `instead` is what it could have shown there. `most` is the largest
    number of configurations that the search kept at once.
    """

    decision: Decision
    events: int
    most: int
    number: int = 0
    event: str = ""
    instead: tuple[str, ...] = ()


class _Configuration(NamedTuple):
    """A state, the threads that are inside a call, by name, and the work queue."""

    state: bytes
    threads: tuple[tuple[str, Thread], ...]
    queue: tuple[WorkItem | Flushed, ...] = ()


def check_kernel_trace(
    trace: KernelTrace,
    choices: Choices,
    *,
    configurations_max: int = CONFIGURATIONS_MAX,
) -> Answer:
    """Decide whether the model of these choices allows a trace.

    Raises `KernelTraceError` if the trace has calls that are not nested.
    """
    found = observations(trace)
    threads = dict.fromkeys(one.thread for one in found)
    search = _Search(
        Sections(choices, threads),
        found,
        trace.header.missing,
        configurations_max,
    )
    return search.run()


class _Search:
    """One search."""

    def __init__(
        self,
        sections: Sections,
        found: list[Observation],
        missing: Iterable[str],
        most: int,
    ) -> None:
        self._found = found
        self._missing = frozenset(
            f"{side} {one}" for one in missing for side in ("enter", "exit")
        )
        self._sections = sections
        self._marked = {
            one.thread
            for one in found
            if one.name == "ret" and one.values.get("name") == "read"
        }
        self._configurations_max = most
        self._most = 1

    def run(self) -> Answer:
        """Go through the trace."""
        now = set(self._first())
        for one in self._found:
            reached = self._closure(now)
            if reached is None:
                return self._undecided(one)
            now = {after for before in reached for after in self._consume(before, one)}
            if not now:
                return self._refused(one, reached)
        return Answer("allowed", len(self._found), self._most)

    def _undecided(self, at: Observation) -> Answer:
        return Answer("undecided", len(self._found), self._most, at.number, at.name)

    def _refused(self, at: Observation, reached: set[_Configuration]) -> Answer:
        instead = sorted(set(_instead(reached)))
        event = f"{at.thread}: {at.name}"
        values = ", ".join(f"{name}={value}" for name, value in at.values.items())
        if values:
            event += f" ({values})"
        return Answer(
            "refused", len(self._found), self._most, at.number, event, tuple(instead)
        )

    def _first(self) -> Iterator[_Configuration]:
        """Yield the configurations in which the trace may begin."""
        opens = "enter vfio_ccw_mdev_open_device"
        is_closed = any(one.name == opens for one in self._found[:1])
        fsm = "STANDBY" if is_closed else "IDLE"
        # A client before may have left an IRB; what replaces it comes before the read.
        reads = (
            one for one in self._found if one.name == "ret" and "irb" in one.values
        )
        left = next((read_scsw(one) for one in reads), Scsw())
        fields = {"fsm": fsm, "enabled": not is_closed, "region": Irb(left)}
        # So may the mark of a CLEAR whose status nobody has seen.
        for void in {False, _keeps_void(self._sections.choices)}:
            yield _Configuration(first_state(**fields, void=void), ())

    # -- hidden steps -----------------------------------------------------------------

    def _closure(self, now: set[_Configuration]) -> set[_Configuration] | None:
        """Return all that hidden steps reach, None if it is too much."""
        reached = set(now)
        waiting = list(now)
        while waiting:
            for after in self._hidden(waiting.pop()):
                if after not in reached:
                    reached.add(after)
                    waiting.append(after)
            if len(reached) > self._configurations_max:
                return None
        self._most = max(self._most, len(reached))
        return reached

    def _hidden(self, one: _Configuration) -> Iterator[_Configuration]:
        """Yield what the next section of each thread leads to."""
        for name, thread in one.threads:
            if thread.pending is None or thread.expect or thread.waits:
                continue
            outcome = effect(self._sections, one.state, name, thread)
            if outcome is not None:
                yield from self._after(one, name, thread, outcome)

    def _after(
        self, one: _Configuration, name: str, thread: Thread, outcome: Outcome
    ) -> Iterator[_Configuration]:
        before, after = state_of(one.state), state_of(outcome.state)
        threads = dict(one.threads)
        if before.fsm != after.fsm:
            bit = bit_of(after)
            threads = {
                key: value._replace(seen=value.seen | bit)
                for key, value in threads.items()
            }
            thread = threads[name]
        queue = (*one.queue, *outcome.queued)
        if outcome.following is None:
            threads[name] = thread._replace(waits=True)
            ways = [(threads, queue)]
        else:
            ways = [
                (_with(threads, name, way), _queue_after(queue, outcome.following))
                for way in self._continued(thread, before, outcome.following)
            ]
        for changed_threads, left in ways:
            yield from self._woken(
                outcome.state, changed_threads, left, list(outcome.woken)
            )

    def _woken(
        self,
        state: bytes,
        threads: dict[str, Thread],
        queue: tuple[WorkItem | Flushed, ...],
        woken: list[tuple[str, Section]],
    ) -> Iterator[_Configuration]:
        """Let threads go on that no longer wait, and the work queue."""
        while queue and isinstance(queue[0], Flushed):
            woken.append((queue[0].thread, queue[0].section))
            queue = queue[1:]
        if woken:
            (name, section), *others = woken
            for way in self._went_on(threads[name], state_of(state), section):
                yield from self._woken(
                    state, _with(threads, name, way), queue, list(others)
                )
            return
        if queue and WORK_QUEUE not in threads and isinstance(queue[0], WorkItem):
            step = queue[0].step
            seen = bit_of(state_of(state))
            if step == "io_todo":
                ways = [Thread(Section(step), seen=seen)]
            else:
                start = Thread(None, seen=seen)
                ways = list(planned(start, Section(step), (), ()))
            for way in ways:
                placed = _with(threads, WORK_QUEUE, self._left(way))
                yield _configured(state, placed, queue)
            return
        yield _configured(state, threads, queue)

    def _went_on(
        self, thread: Thread, state: HostState, section: Section
    ) -> Iterator[Thread | None]:
        pending = thread.pending
        if isinstance(pending, Section) and pending.step == section.step:
            yield thread._replace(pending=section, waits=False)
        else:
            yield from self._continued(thread._replace(waits=False), state, section)

    def _continued(
        self, thread: Thread, before: HostState, following: Following
    ) -> Iterator[Thread | None]:
        """Yield the thread after its section, None if its call has ended."""
        events = [*after_section(thread, before, following), *thread.after]
        exits, inside = between(thread, following)
        events += exits
        if isinstance(following, Section):
            for way in planned(thread, following, inside, tuple(events)):
                yield self._left(way)
            return
        if isinstance(following, Ended):
            events += self._marks(thread, following)
        yield self._left(thread._replace(pending=None, expect=tuple(events), after=()))

    def _left(self, thread: Thread) -> Thread | None:
        """Return a thread without events that were not traced, None if it has ended."""
        expect = tuple(one for one in thread.expect if one.name not in self._missing)
        if thread.pending is None and not expect:
            return None
        return thread._replace(expect=expect)

    def _marks(self, thread: Thread, following: Ended) -> Iterator[Item]:
        """Yield the client's mark at the end of a call."""
        if thread.marked:
            result = following.result
            wants = shown(result.irb.scsw) if isinstance(result, IoRead) else ()
            yield item("ret", *wants)

    # -- events -----------------------------------------------------------------------

    def _consume(
        self, one: _Configuration, found: Observation
    ) -> Iterator[_Configuration]:
        """Yield what the event leads to, if it may come now."""
        threads = dict(one.threads)
        if interrupts_of(found.cpu) in threads.keys() - {found.thread}:
            return  # the CPU is still in its interrupt
        thread = threads.get(found.thread)
        state = state_of(one.state)
        if thread is None:
            for way in begun(found, state, marked=found.thread in self._marked):
                ways = _with(threads, found.thread, self._left(way))
                yield _configured(one.state, ways, one.queue)
            return
        if not thread.expect or not matches(thread.expect[0], found, thread.seen):
            return
        next_ = taken(thread, found, bit_of(state))
        left = None if next_.pending is None and not next_.expect else next_
        state_after, queue = one.state, one.queue
        if found.name == "exit vfio_ccw_mdev_close_device":
            state_after, queue = _cancelled(one)
        yield from self._woken(
            state_after, _with(threads, found.thread, left), queue, []
        )


def _keeps_void(choices: Choices) -> bool:
    """Whether a design makes status void at CLEAR."""
    state = HostState()
    choices.clear_accepted(state)
    return state.void


def _with(
    threads: dict[str, Thread], name: str, thread: Thread | None
) -> dict[str, Thread]:
    found = {**threads}
    found.pop(name, None)
    if thread is not None:
        found[name] = thread
    return found


def _configured(
    state: bytes,
    threads: dict[str, Thread],
    queue: tuple[WorkItem | Flushed, ...],
) -> _Configuration:
    return _Configuration(state, tuple(sorted(threads.items())), queue)


def _queue_after(
    queue: tuple[WorkItem | Flushed, ...], following: Following
) -> tuple[WorkItem | Flushed, ...]:
    """Return the queue after a section: a work item that is done leaves it."""
    return queue[1:] if isinstance(following, WorkEnded) else queue


def _cancelled(
    one: _Configuration,
) -> tuple[bytes, tuple[WorkItem | Flushed, ...]]:
    """Return state and queue after CLOSE has cancelled the work of interruptions."""
    left = tuple(
        item_
        for item_ in one.queue
        if not isinstance(item_, WorkItem) or item_.step == "notoper_todo"
    )
    return changed(one.state, work=False), left


def _instead(reached: set[_Configuration]) -> Iterator[str]:
    """Yield what each thread could have shown next."""
    for one in reached:
        for name, thread in one.threads:
            if thread.expect:
                yield f"{name}: {thread.expect[0]}"
            elif thread.waits:
                yield f"{name}: nothing, it waits in {thread.step}"
            else:
                yield f"{name}: {thread.step} otherwise than the events before it say"
