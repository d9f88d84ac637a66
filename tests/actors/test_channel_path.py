"""ChannelPath alone, with probes for its subchannels, a listener and two clients."""

import pytest

from ccw_actors.actors import ChannelPath
from ccw_actors.actors.protocol import (
    ChannelPathMessage,
    ConfigurePath,
    NotePath,
    PathConfigured,
    PathNoted,
    PathReset,
    PathToSubchannel,
    Report,
    ResetPath,
    ResetSubchannel,
    SubchannelReset,
)
from ccw_actors.channel import Crw, Erc, Rsc
from ccw_actors.runtime import Message
from ccw_actors.testkit import Probe, ProbeFactory, VirtualSystem

CHPID = 0x40


class Rig:
    """A channel path to two subchannels, with a listener and two clients."""

    def __init__(
        self, system: VirtualSystem, probe: ProbeFactory, *, initialize: bool = False
    ) -> None:
        self._clock = system.clock
        self.subchannels = (probe(PathToSubchannel), probe(PathToSubchannel))
        self.listener = probe(Report)
        self.first = probe(PathReset | PathConfigured)
        self.second = probe(PathReset | PathConfigured)
        self.path = system.spawn(
            ChannelPath(
                CHPID,
                [one.ref for one in self.subchannels],
                initialize=initialize,
                listeners=[self.listener.ref],
            ),
            "path",
        )

    def ask(self, who: Probe, message: ChannelPathMessage) -> None:
        """Send a request of a client."""
        who.tell(self.path, message)
        self._clock.run()

    def told(self, message: Message, answer: Message) -> None:
        """Expect a message at both subchannels, and answer it."""
        for one in self.subchannels:
            one.expect_now(message)
        for one in self.subchannels:
            self.first.expect_nothing_now()
            one.reply(answer)
            self._clock.run()


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """An idle channel path."""
    return Rig(virtual_system, probe)


def report(erc: int) -> Report:
    """Return the report on the path."""
    return Report(Crw(Rsc.CHANNEL_PATH, erc, CHPID))


@pytest.mark.parametrize("initialize", [False, True])
def test_reset(
    virtual_system: VirtualSystem, probe: ProbeFactory, *, initialize: bool
) -> None:
    """A reset is answered when every subchannel has been reset."""
    rig = Rig(virtual_system, probe, initialize=initialize)
    rig.ask(rig.first, ResetPath())
    rig.told(ResetSubchannel(initialize, CHPID), SubchannelReset(0))
    rig.first.expect_now(PathReset(CHPID))
    rig.listener.expect_nothing_now()


def test_reset_while_resetting(rig: Rig) -> None:
    """Another reset is answered with the one in progress."""
    rig.ask(rig.first, ResetPath())
    rig.ask(rig.second, ResetPath())
    rig.told(ResetSubchannel(initialize=False, chpid=CHPID), SubchannelReset(0))
    rig.first.expect_now(PathReset(CHPID))
    rig.second.expect_now(PathReset(CHPID))
    for one in rig.subchannels:
        one.expect_nothing_now()


@pytest.mark.parametrize(
    ("available", "erc"), [(True, Erc.INITIALIZED), (False, Erc.NOT_INITIALIZED)]
)
def test_configure(rig: Rig, erc: int, *, available: bool) -> None:
    """A change is reported and answered when every subchannel has noted it."""
    rig.ask(rig.first, ConfigurePath(available))
    rig.told(NotePath(CHPID, available), PathNoted(0))
    rig.listener.expect_now(report(erc))
    rig.first.expect_now(PathConfigured(CHPID))


def test_configure_while_configuring(rig: Rig) -> None:
    """Another change waits for the one in progress."""
    rig.ask(rig.first, ConfigurePath(available=False))
    rig.ask(rig.second, ConfigurePath(available=True))
    rig.told(NotePath(CHPID, available=False), PathNoted(0))
    rig.first.expect_now(PathConfigured(CHPID))
    rig.second.expect_nothing_now()
    rig.told(NotePath(CHPID, available=True), PathNoted(0))
    rig.second.expect_now(PathConfigured(CHPID))
    rig.listener.expect_now(report(Erc.NOT_INITIALIZED))
    rig.listener.expect_now(report(Erc.INITIALIZED))


def test_reset_and_configure(rig: Rig) -> None:
    """A reset and a change do not wait for each other."""
    rig.ask(rig.first, ResetPath())
    rig.ask(rig.second, ConfigurePath(available=False))
    for one in rig.subchannels:
        one.expect_now(ResetSubchannel(initialize=False, chpid=CHPID))
    rig.told(NotePath(CHPID, available=False), PathNoted(0))
    rig.second.expect_now(PathConfigured(CHPID))
    rig.first.expect_nothing_now()


def test_without_subchannels(
    virtual_system: VirtualSystem, probe: ProbeFactory
) -> None:
    """A path without subchannels answers at once."""
    asker = probe(PathReset | PathConfigured)
    path = virtual_system.spawn(ChannelPath(CHPID, []))
    asker.tell(path, ResetPath())
    asker.tell(path, ConfigurePath(available=True))
    virtual_system.clock.run()
    asker.expect_now(PathReset(CHPID))
    asker.expect_now(PathConfigured(CHPID))
