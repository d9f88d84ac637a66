"""Subchannels that are made on first use, beside the same ones made at once."""

import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    Cpu,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.hardware import SubchannelReferences
from ccw_actors.actors.protocol import (
    AwaitGuest,
    CallChannelSubsystem,
    CancelSubchannel,
    ConditionCode,
    ConfigurePath,
    HaltSubchannel,
    ModifySubchannel,
    ResetPath,
    SetAddressLimit,
    SetChannelMonitor,
    Stored,
    StoreSubchannel,
    UnsolicitedStatus,
)
from ccw_actors.channel import Ccw, Cstat, Dstat, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.errors import ActorFailedError, ActorStoppedError, DispatcherError
from ccw_actors.machine import (
    OURS,
    DevicePaths,
    GuestPaths,
    Layers,
    add_device,
    add_guest,
    add_subchannel,
    add_subchannel_set,
)
from ccw_actors.runtime import (
    ActorRef,
    SteppingDispatcher,
    System,
    VirtualDispatcher,
    receive,
)

ROOT = Path(__file__).parents[2]
ALL = 65536
LAST = ALL - 1
STORAGE_SIZE = 1 << 16
PROGRAM, BLOCKS, DATA = 0x1000, 0x2000, 0x3000
UPDATE_BLOCK = 2 << 3
IN_SET_1 = SubchannelId(1, 7).index
SOME = (0, 1, 4, 5, IN_SET_1)
ENABLE_SETS = bytes.fromhex("0400003100000002").ljust(0x400, b"\0")
CHPIDS = (0x40, 0x41)

Program = Callable[[Cpu], Coroutine[Any, Any, Any]]


def pmcw_of(index: int) -> Pmcw:
    """Return what a subchannel starts with: every other one has both paths."""
    pmcw = Pmcw.of_device(index & 0xFFFF, chpid=CHPIDS[index % 2])
    if index % 2:
        return pmcw
    chpids = bytes(CHPIDS).ljust(8, b"\0")
    return Pmcw(
        flags=pmcw.flags,
        devno=pmcw.devno,
        lpm=0xC0,
        pim=0xC0,
        pom=0xFF,
        pam=0xC0,
        chpids=chpids,
    )


class Host:
    """Subchannels of virtio-rng devices on two paths, in a set or made at once."""

    def __init__(
        self,
        indexes: Sequence[int] = SOME,
        *,
        in_set: bool = True,
        initialize: bool = True,
        layers: Layers = OURS,
    ) -> None:
        self.clock = VirtualDispatcher()
        self.system = System(self.clock)
        self.storage = self.system.spawn(Storage(STORAGE_SIZE), "storage")
        self.regions = (Region(0, STORAGE_SIZE, self.storage),)
        self.layers = layers
        self.subchannels = self._in_set(indexes) if in_set else self._spawned(indexes)
        known = self.subchannels
        self.sets = [known.all] if isinstance(known, SubchannelReferences) else []
        self.paths: dict[int, ActorRef[Any]] = {}
        for chpid in CHPIDS:
            leads_to = self.sets or [
                known[n] for n in indexes if pmcw_of(n).paths_to(chpid)
            ]
            path = ChannelPath(chpid, leads_to, initialize=initialize)
            self.paths[chpid] = self.system.spawn(path, f"path{chpid:x}")
        self.css = ChannelSubsystem(known, self.paths, sets=self.sets)

    def _in_set(self, indexes: Sequence[int]) -> Mapping[int, ActorRef[Any]]:
        return add_subchannel_set(
            self.system,
            "subchannel",
            indexes,
            pmcw_of,
            self.regions,
            sink=self.system.ref("css"),
            device=lambda _index: device_model(DeviceConfiguration("virtio-rng")),
            layers=self.layers,
        )

    def _spawned(self, indexes: Sequence[int]) -> Mapping[int, ActorRef[Any]]:
        for index in indexes:
            paths = DevicePaths(
                device=f"subchannel/device-{index}", subchannel=f"subchannel/{index}"
            )
            schid = SubchannelId(index >> 16, index & 0xFFFF)
            model = device_model(DeviceConfiguration("virtio-rng"))
            add_device(self.system, paths, model, None)
            add_subchannel(
                self.system,
                paths,
                schid,
                pmcw_of(index),
                self.regions,
                sink=self.system.ref("css"),
                layers=self.layers,
            )
        return {index: self.system.ref(f"subchannel/{index}") for index in indexes}

    @property
    def used(self) -> tuple[int, ...]:
        """The subchannels that are there, in the order in which they were made."""
        paths = [path for path in actors(self) if "device" not in path]
        return tuple(int(path.rpartition("/")[2]) for path in paths)

    def ask(self, index: int, request: Any) -> Any:
        """Ask a subchannel."""
        return self.subchannels[index].ask(request, block=True)

    def with_css(self) -> ActorRef[Any]:
        """Spawn the channel subsystem alone."""
        return self.system.spawn(self.css, "css")

    def run(self, program: Program, *, resets: bool = False) -> Any:
        """Let a guest run a program; return its result."""
        add_guest(
            self.system,
            GuestPaths(),
            (program,),
            self.subchannels,
            self.storage,
            sets=self.sets,
            css=self.css,
            resets=resets,
        )
        report = self.system.ref("emulator").ask(AwaitGuest(), block=True)
        assert report.error is None, report.error
        return report.result


def enabled(index: int) -> Pmcw:
    """Return the PMCW of an enabled subchannel."""
    return pmcw_of(index).with_flag(Pmcw.enabled, on=True).with_isc(3)


def actors(host: Host) -> list[str]:
    """Return the paths of subchannels and devices that exist."""
    paths = [one.path for one in host.system.dump().actors]
    return [path for path in paths if path.startswith("subchannel/")]


def test_the_last_of_all() -> None:
    """The last of 65,536 answers STSCH, and no other one is made."""
    host = Host(range(ALL))
    assert (len(host.subchannels), actors(host)) == (ALL, [])
    stored = host.ask(LAST, StoreSubchannel())
    assert (stored.cc, stored.schib.pmcw) == (0, pmcw_of(LAST))
    assert (host.used, actors(host)) == ((LAST,), [f"subchannel/{LAST}"])


def test_what_all_are_told_makes_none() -> None:
    """Neither SCHM, SAL and CHSC nor changes and resets of a path make a subchannel."""
    host = Host(range(ALL))
    css = host.with_css()
    css.ask(SetChannelMonitor(BLOCKS), block=True)
    css.ask(SetAddressLimit(0x1000), block=True)
    css.ask(CallChannelSubsystem(ENABLE_SETS), block=True)
    path = host.paths[CHPIDS[0]]
    path.ask(ConfigurePath(available=False), block=True)
    path.ask(ResetPath(), block=True)
    assert (host.used, actors(host)) == ((), [])


def test_description_of_unused_subchannels() -> None:
    """CHSC describes subchannels whether they have been made or not."""
    request = bytes.fromhex("00100004 00000000 00000006").ljust(16, b"\0")
    found: list[bytes] = []
    for in_set in (True, False):
        host = Host(range(9), in_set=in_set)
        css = host.with_css()
        host.paths[CHPIDS[0]].ask(ConfigurePath(available=False), block=True)
        host.ask(2, ModifySubchannel(enabled(2)))
        found.append(css.ask(CallChannelSubsystem(request), block=True).data)
        if in_set:
            assert host.used == (2,)
    assert found[0] == found[1]
    assert len(found[0]) == 8 + 7 * 32


class Eager(Subchannel):
    """Number 0 uses number 1 when it is stored; XSCH makes any fail."""

    @receive
    def store(self, message: StoreSubchannel) -> Stored:
        """Use the other one first."""
        if self.path.endswith("/0"):
            self.system.ref("subchannel/1").tell(UnsolicitedStatus(0))
        return super().store(message)

    @receive
    def cancel_start(self, _message: CancelSubchannel) -> ConditionCode | None:
        """Fail."""
        raise ValueError("XSCH")


FRAGILE = Layers(subchannel=Eager)


def test_made_while_it_is_described() -> None:
    """A subchannel that is made during a CHSC is described as well."""
    request = bytes.fromhex("00100004 00000000 00000001").ljust(16, b"\0")
    host = Host(range(2), layers=FRAGILE)
    css = host.with_css()
    host.ask(0, HaltSubchannel())
    data = css.ask(CallChannelSubsystem(request), block=True).data
    assert host.used == (0, 1)
    flags = [data[8 + 32 * number] for number in range(2)]
    assert flags == [0xC0, 0xC0], "subchannel and device number are valid"


@pytest.mark.parametrize("in_set", [True, False])
def test_sets_enabled_before_the_first_use(*, in_set: bool) -> None:
    """A subchannel of another set is operational once CHSC has enabled sets."""
    host = Host(in_set=in_set)
    css = host.with_css()
    assert host.ask(IN_SET_1, StoreSubchannel()).cc == 3
    other = Host(in_set=in_set)
    other.with_css().ask(CallChannelSubsystem(ENABLE_SETS), block=True)
    assert other.ask(IN_SET_1, StoreSubchannel()).cc == 0
    css.ask(CallChannelSubsystem(ENABLE_SETS), block=True)
    assert host.ask(IN_SET_1, StoreSubchannel()).cc == 0, "it was used before"


@pytest.mark.parametrize("initialize", [True, False])
def test_paths_changed_before_the_first_use(*, initialize: bool) -> None:
    """A subchannel that is made later has the paths of now; some resets undo that."""
    host = Host(initialize=initialize)
    for chpid in CHPIDS:
        host.paths[chpid].ask(ConfigurePath(available=False), block=True)
    host.paths[CHPIDS[1]].ask(ConfigurePath(available=True), block=True)
    assert host.ask(0, StoreSubchannel()).schib.pmcw.pam == 0x40
    host.paths[CHPIDS[0]].ask(ConfigurePath(available=True), block=True)
    assert host.ask(0, StoreSubchannel()).schib.pmcw.pam == 0xC0, "it is told now"
    host.paths[CHPIDS[0]].ask(ConfigurePath(available=False), block=True)
    host.paths[CHPIDS[1]].ask(ResetPath(), block=True)
    one, both = (host.ask(n, StoreSubchannel()).schib.pmcw for n in (1, 4))
    assert (one.pam, both.pam) == (0x80, 0xC0 if initialize else 0x40)


async def visit(cpu: Cpu) -> tuple[list[Any], list[Any], list[int]]:
    """Use subchannels after SCHM and SAL; return all that there is to see."""
    await cpu.subsystem(SetChannelMonitor(BLOCKS))
    await cpu.subsystem(SetAddressLimit(DATA - 0x800))
    sense = Ccw(0x04, Ccw.suppress_length.mask, 1, DATA)
    await cpu.storage.write(PROGRAM, sense.to_bytes(1))
    stored = [await cpu.store(index) for index in (0, 3)]
    seen: list[Any] = [(one.cc, one.schib.to_bytes()) for one in stored]
    ends: list[Any] = []
    for index, limit_mode in ((0, 0), (1, 1), (5, 2)):
        pmcw = enabled(index)
        flags = pmcw.flags | UPDATE_BLOCK | limit_mode << 5
        seen.append(await cpu.modify(index, replace(pmcw, flags=flags, mbi=index)))
        orb = Orb.command(PROGRAM, intparm=index)
        orb = replace(orb, flags=orb.flags | Orb.address_limit.mask)
        seen.append(await cpu.start(index, orb))
        seen.append(await cpu.wait(timeout=1.0))
        tested = await cpu.test(index)
        ends.append([tested.cc, tested.irb.scsw.dstat, tested.irb.scsw.cstat])
        seen.append(tested.irb.to_bytes())
    blocks = await cpu.storage[BLOCKS : BLOCKS + 32 * 6]
    counts = [int.from_bytes(blocks[at * 32 : at * 32 + 4]) for at in range(6)]
    return seen, ends, counts


def test_a_guest_sees_no_difference() -> None:
    """A guest gets the same interruptions, status, counts and program checks."""
    at_once = Host(in_set=False).run(visit, resets=True)
    host = Host()
    assert host.run(visit, resets=True) == at_once
    assert host.used == (0, 1, 5)
    assert [path for path in actors(host) if "device" in path] == [
        "subchannel/device-0",
        "subchannel/device-1",
        "subchannel/device-5",
    ], "a device is made with the first command for it"
    _, ends, counts = at_once
    end = Dstat.CHANNEL_END | Dstat.DEVICE_END
    assert ends == [[0, end, 0], [0, end, 0], [0, end, Cstat.PROGRAM_CHECK]]
    one = 1 << 16
    assert counts == [one, one, 0, 0, 0, one], "one START each"


def test_an_interruption_of_the_last() -> None:
    """A guest of 65,536 subchannels starts the last, and takes its interruption."""

    async def program(cpu: Cpu) -> list[Any]:
        nop = Ccw(0x03, Ccw.suppress_length.mask, 1)
        await cpu.storage.write(PROGRAM, nop.to_bytes(1))
        codes = [await cpu.modify(LAST, enabled(LAST))]
        codes.append(await cpu.start(LAST, Orb.command(PROGRAM, intparm=9)))
        interruption = await cpu.wait(timeout=1.0)
        assert interruption is not None
        tested = await cpu.test(LAST)
        codes += [interruption.schid, interruption.intparm, tested.cc]
        codes.append((await cpu.store(ALL)).cc)
        return codes

    host = Host(range(ALL))
    word = SubchannelId(0, LAST).to_word()
    assert host.run(program, resets=True) == [0, 0, word, 9, 0, 3]
    assert host.used == (LAST,)


@pytest.mark.parametrize("in_set", [True, False])
def test_reset_at_the_end_of_a_guest(*, in_set: bool) -> None:
    """The reset after a guest initializes subchannels, used or not."""

    async def program(cpu: Cpu) -> int:
        return await cpu.modify(0, enabled(0))

    host = Host(in_set=in_set)
    host.paths[CHPIDS[0]].ask(ConfigurePath(available=False), block=True)
    assert host.run(program, resets=True) == 0
    stored = [host.ask(index, StoreSubchannel()).schib.pmcw for index in (0, 4)]
    assert stored == [pmcw_of(0), pmcw_of(4)]


OPERATIONS = st.one_of(
    st.tuples(st.just("store"), st.sampled_from(SOME)),
    st.tuples(st.just("enable"), st.sampled_from(SOME)),
    st.tuples(st.just("path"), st.sampled_from(CHPIDS), st.booleans()),
    st.tuples(st.just("reset"), st.sampled_from(CHPIDS)),
    st.tuples(st.just("sets")),
    st.tuples(st.just("describe")),
)


def do(host: Host, operation: tuple[Any, ...]) -> Any:
    """Do one of the operations; return its answer."""
    match operation:
        case ("store", index):
            return host.ask(index, StoreSubchannel())
        case ("enable", index):
            return host.ask(index, ModifySubchannel(enabled(index)))
        case ("path", chpid, available):
            return host.paths[chpid].ask(ConfigurePath(available), block=True)
        case ("reset", chpid):
            return host.paths[chpid].ask(ResetPath(), block=True)
        case ("sets",):
            request = ENABLE_SETS
        case _:
            request = bytes.fromhex("00100004 00000000 00000006").ljust(16, b"\0")
    return host.system.ref("css").ask(CallChannelSubsystem(request), block=True)


OFF = ("path", CHPIDS[0], False)


@example([OFF, ("reset", CHPIDS[1]), OFF], True)  # noqa: FBT003
@example([("reset", CHPIDS[1]), OFF, ("reset", CHPIDS[1])], True)  # noqa: FBT003
@given(st.lists(OPERATIONS, max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_order(operations: list[tuple[Any, ...]], initialize: bool) -> None:  # noqa: FBT001
    """Whatever comes before the first use, the answers are the same."""
    hosts = [Host(in_set=one, initialize=initialize) for one in (True, False)]
    for host in hosts:
        host.with_css()
    final = [("store", index) for index in SOME]
    for operation in (*operations, *final):
        ours, at_once = (do(host, operation) for host in hosts)
        assert ours == at_once


@pytest.mark.actor_failures("subchannel/*")
@pytest.mark.parametrize("in_set", [True, False])
def test_restart(*, in_set: bool) -> None:
    """A subchannel that fails is not operational afterwards, and knows no settings."""
    host = Host(in_set=in_set, layers=FRAGILE)
    host.with_css().ask(CallChannelSubsystem(ENABLE_SETS), block=True)
    for index in (5, IN_SET_1):
        assert host.ask(index, ModifySubchannel(enabled(index))).cc == 0
        with pytest.raises(ActorFailedError, match="XSCH"):
            host.ask(index, CancelSubchannel())
    stored = [host.ask(index, StoreSubchannel()) for index in (5, IN_SET_1)]
    assert [one.cc for one in stored] == [0, 3]
    assert stored[0].schib.pmcw == Pmcw(devno=5)
    assert host.system.statistics().restarts == 2


def test_one_that_has_ended() -> None:
    """A subchannel is made once: when it has ended, it does not come back."""
    host = Host()
    host.ask(5, StoreSubchannel())
    host.subchannels[5].stop()
    host.clock.run()
    for ref in (host.subchannels[5], host.system.ref("subchannel/5")):
        with pytest.raises(ActorStoppedError, match="there is no such actor"):
            ref.ask(StoreSubchannel(), block=True)


@pytest.mark.parametrize("name", ["2", "05", "x", "-1", "²", ""])
@pytest.mark.parametrize("kind", ["", "device-"])
def test_no_such_subchannel(kind: str, name: str) -> None:
    """There is nothing at other paths, and no reference to another number."""
    host = Host()
    with pytest.raises(KeyError):
        _ = host.subchannels[2]
    with pytest.raises(ActorStoppedError, match="its parent has not spawned it"):
        host.system.ref(f"subchannel/{kind}{name}").ask(StoreSubchannel(), block=True)
    assert host.system.failures == []
    assert host.system.statistics().actors == 4, "storage, set and paths"


def test_exploration_needs_them_at_once() -> None:
    """Under the stepping dispatcher nothing can be made on first use."""
    system = System(SteppingDispatcher())
    with pytest.raises(DispatcherError, match="SubchannelSet accepts MissingChild"):
        add_subchannel_set(
            system, "subchannel", range(2), pmcw_of, (), sink=system.ref("css")
        )


def test_memory() -> None:
    """A process with all subchannels in a set takes less than 60 MB."""
    command = [sys.executable, "benchmarks/many_subchannels.py"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 60
