"""Explores one state space in several processes, each with a share of the states."""

import asyncio
import logging
import tempfile
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeAlias

from ccw_actors.cluster._coordinator import Coordinator, End
from ccw_actors.cluster._dask import ClusterExecutor
from ccw_actors.cluster._engine_thread import EngineThread
from ccw_actors.cluster._errors import ClusterError, ShareLostError
from ccw_actors.cluster._messages import (
    Join,
    MarkBefore,
    Meet,
    Part,
    ReadBefore,
    ReadPart,
)
from ccw_actors.cluster._places import OnHost, OnNetwork, link_options
from ccw_actors.cluster._share_actor import ShareActor
from ccw_actors.errors import LinkError, LinkLostError
from ccw_actors.explore import (
    ExploreError,
    Limits,
    Result,
    Step,
    Tick,
    process_pool,
)
from ccw_actors.explore.shares import (
    NOWHERE,
    Base,
    Setting,
    ShareFault,
    Total,
    outcome,
    rare_collections,
    share_of,
    way_to,
)
from ccw_actors.runtime import System
from ccw_actors.runtime.links import LinkOptions

__all__ = ["explore_in_shares", "share_executor"]

log = logging.getLogger("ccw_actors")

_Places: TypeAlias = OnHost | OnNetwork
_COORDINATOR: Final = "coordinator"
_SHARE: Final = "share"
_TRIES: Final = 3
"""How often a cluster begins an exploration at most: again after a share is lost."""

_PATIENCE: Final = 600.0
"""Seconds for all shares to start, and for an answer at the end."""


class _Job(NamedTuple):
    """What a process needs to serve a share. It is pickled."""

    setting: Setting
    number: int
    shares: int
    places: _Places
    coordinator: str
    options: LinkOptions


def share_executor(shares: int) -> ProcessPoolExecutor:
    """Return an executor with a process on this host for each share."""
    # Not forked: a process with threads and a loop cannot be.
    return process_pool(shares, "spawn")


def explore_in_shares(
    setting: Setting,
    executor: Executor,
    shares: int,
    *,
    limits: Limits | None = None,
    tick: Tick | None = None,
    certificates: Path | None = None,
) -> Result:
    """Explore every state of a scenario, each in one of several processes.

    The executor serves all shares at the same time: it has a process for each. With a
    `ClusterExecutor` they talk over TCP, which needs `certificates` unless the cluster
    is on this host: a folder with certificate.pem, key.pem and authority.pem, at the
    same path everywhere. With any other executor they talk over Unix sockets.

    States are told apart by 64 bits, as with the option `fingerprints` of `explore`.
    The counterexample is a shortest one. Verdict and counts do not depend on the number
    of shares. When a cluster loses a share, the exploration begins again, up to three
    times in all.

    Call it where no event loop runs. Raises `ExploreError` for a scenario that cannot
    be explored, `ShareLostError` if a process has ended too early, `ClusterError` if
    the cluster is too small, and `LinkError` if certificates are missing or unusable.
    """
    tries = 1
    if isinstance(executor, ClusterExecutor):
        tries = _TRIES
        if executor.slots < shares:
            raise ClusterError(
                f"{executor.address}: it makes {executor.slots} calls at once; expected"
                f" at least {shares}, one for each share"
            )
    for left in reversed(range(tries)):
        thread = EngineThread()
        run = _Run(
            setting,
            executor,
            shares,
            thread=thread,
            limits=limits or Limits(),
            tick=tick,
            options=link_options(certificates),
        )
        try:
            return asyncio.run(run.explore())
        except ShareLostError as error:
            if not left:
                raise
            log.warning("%s; the exploration begins again", error)
        finally:
            thread.close()
    raise AssertionError("the last try returns or raises")


class _Run:
    """One try to explore a scenario in shares."""

    def __init__(
        self,
        setting: Setting,
        executor: Executor,
        shares: int,
        *,
        thread: EngineThread,
        limits: Limits,
        tick: Tick | None,
        options: LinkOptions,
    ) -> None:
        self._setting = setting
        self._executor = executor
        self._shares = shares
        self._thread = thread
        self._limits = limits
        self._tick = tick
        self._options = options
        self._began = perf_counter()

    async def explore(self) -> Result:
        """Explore, and return the result of all shares."""
        base = await self._thread.run(self._setting.base)
        coordinator = Coordinator(
            base, self._thread, self._shares, self._limits, self._tick
        )
        with tempfile.TemporaryDirectory() as folder:
            places = self._places(Path(folder))
            async with System(name=_COORDINATOR, ask_timeout=_PATIENCE) as system:
                system.spawn(coordinator, _COORDINATOR)
                listener = await system.listen(places.coordinator(), self._options)
                calls = [
                    self._executor.submit(
                        _serve,
                        _Job(
                            self._setting,
                            number,
                            self._shares,
                            places,
                            listener.address,
                            self._options,
                        ),
                    )
                    for number in range(self._shares)
                ]
                try:
                    end = await self._end(coordinator, calls)
                    return await self._result(base, coordinator, end)
                finally:
                    for call in calls:
                        call.cancel()

    def _places(self, folder: Path) -> _Places:
        if isinstance(self._executor, ClusterExecutor):
            return OnNetwork(self._executor.address)
        return OnHost(folder)

    async def _end(self, coordinator: Coordinator, calls: list[Future[None]]) -> End:
        """Wait for the end, or for a process that ends before that."""
        waiting: set[asyncio.Future[Any]] = {asyncio.wrap_future(one) for one in calls}
        for one in waiting:
            # The end says why: asyncio need not warn of errors that nobody reads.
            one.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait(
            {coordinator.end, *waiting}, return_when=asyncio.FIRST_COMPLETED
        )
        if not coordinator.end.done():
            for one in waiting:
                if one.done():
                    await _raise_for(one)
        end = await coordinator.end
        if end.failed:
            raise ExploreError(end.failed)
        if end.lost:
            raise ShareLostError(end.lost)
        return end

    async def _result(self, base: Base, coordinator: Coordinator, end: End) -> Result:
        """Ask the shares for the way to the fault, and for what they have seen."""
        path: tuple[Step, ...] = ()
        if end.fault is not None:
            marks = await self._marks(coordinator, end.fault)
            path = await self._thread.run(way_to, base, end.fault, marks)
        parts: list[Part] = [
            await coordinator.shares[one].ask(ReadPart()) for one in range(self._shares)
        ]
        total = Total(
            states=coordinator.states,
            steps=coordinator.steps,
            limit=end.limit,
            violation="" if end.fault is None else end.fault.violation,
            path=path,
            seconds=perf_counter() - self._began,
        )
        return outcome(self._setting, base, [one.seen for one in parts], total)

    async def _marks(self, coordinator: Coordinator, fault: ShareFault) -> list[int]:
        """Return the marks of the states on the way to a fault, the first one first."""
        marks: list[int] = []
        mark = fault.mark
        while mark != NOWHERE:
            marks.append(mark)
            share = coordinator.shares[share_of(mark, self._shares)]
            before: MarkBefore = await share.ask(ReadBefore(mark))
            mark = before.mark
        return marks[::-1]


async def _raise_for(call: "asyncio.Future[None]") -> None:
    """Raise the error with which a process has ended before the exploration did."""
    try:
        await call
    except BrokenExecutor as error:
        raise ShareLostError("the process of a share has ended") from error
    except LinkError as error:
        raise ShareLostError(f"a share cannot be reached: {error}") from error
    raise ShareLostError("the process of a share has ended before the exploration")


def _serve(job: _Job) -> None:
    """Serve a share in this process, until the coordinator has gone.

    Raises `ExploreError` if the scenario cannot be built here, and `LinkError` if the
    coordinator or another share cannot be reached.
    """
    # The coordinator knows why a share ends: here nobody reads the log.
    logging.getLogger("ccw_actors").addHandler(logging.NullHandler())
    with rare_collections():
        asyncio.run(_serve_share(job))


async def _serve_share(job: _Job) -> None:
    thread, name = EngineThread(), f"{_SHARE}-{job.number}"
    share = await thread.run(job.setting.share, job.number, job.shares)
    async with System(name=name, ask_timeout=_PATIENCE) as system:
        link = await system.connect(job.coordinator, job.options)
        coordinator = await link.ref(_COORDINATOR)
        listener = await system.listen(job.places.share(job.number), job.options)
        try:
            peers = await coordinator.ask(Join(job.number, listener.address))
        except LinkLostError:
            return
        actor = ShareActor(share, job.shares, thread, coordinator, peers.entries)
        here = system.spawn(actor, _SHARE)
        for number in range(job.number):
            to = await system.connect(peers.addresses[number], job.options)
            there = await to.ref(_SHARE)
            there.tell(Meet(job.number, here))
            here.tell(Meet(number, there))
        await link.ended()
    thread.close()
