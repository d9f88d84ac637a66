"""What a subchannel remembers, and how it shows status.

What the architecture leaves to the machine is `ModelDependent`; here it takes effect.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.hardware._regions import Region, region_of
from ccw_actors.actors.protocol import (
    AddToStorage,
    Pending,
    Piece,
    Settings,
)
from ccw_actors.channel import (
    Irb,
    ModelDependent,
    Orb,
    Pmcw,
    Rules,
    Schib,
    Scsw,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel.execution import Execution, address_limits
from ccw_actors.runtime import Actor, ActorRef, ReplyTo

__all__ = ["StatusPresenter", "SubchannelState"]

_PATH = 0x80
_BLOCK_LENGTH = 32
_BLOCK_UPDATE = 2


class SubchannelState(Struct):
    """What a subchannel remembers.

    `interruption` is whether an I/O interruption is pending. `program` holds what came
    with START, `execution` the channel program where it stands, None if none runs.
    `run` counts channel programs, `step` the `Proceed` messages sent. `storage`,
    `device` and `reset` say which answers are awaited. `halted` and `signalled` are set
    once the halt signal, or the clear signal, has been given and status has to follow.
    `path` is the mask of the path last used, `attention` is device status that is held
    back. `cut` is set when a reset has cut a program short whose end has to be shown;
    `resetting` are told once a reset is done, `cancelling` once storage has answered
    what a program wanted that XSCH has withdrawn. `detached` is set when the device is
    gone and `sink` has still to be told; `flushing` counts the answers of storage that
    are awaited after a restart.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    interruption: bool = False
    program: tuple[Piece, ...] = ()
    execution: Execution | None = None
    sense: bytes = b""
    run: int = 0
    step: int = 0
    storage: bool = False
    device: bool = False
    reset: bool = False
    halted: bool = False
    signalled: bool = False
    path: int = _PATH
    attention: int = 0
    cut: bool = False
    settings: Settings = Settings()
    resetting: tuple[ReplyTo, ...] = ()
    cancelling: tuple[ReplyTo, ...] = ()
    detached: bool = False
    flushing: int = 0


class StatusPresenter(Actor):
    """The part of a subchannel that presents status; see `Subchannel`."""

    state: SubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        device: ActorRef[Any],
        regions: tuple[Region, ...],
        sink: ActorRef[Any],
        *,
        model: ModelDependent | None = None,
        chain_max: int = 256,
    ) -> None:
        self._schid = schid
        self._initial = pmcw
        self._device = device
        self._regions = regions
        self._sink = sink
        self._model = model or ModelDependent()
        self._hidden = lifecycle.FROM_ORB & ~self._model.scsw_from_orb
        self._chain_max = chain_max
        self.state = SubchannelState(Schib(pmcw))

    def _present(self, irb: Irb) -> None:
        """Make status pending, and announce the interruption."""
        self.state.irb = irb
        self._scsw = irb.scsw
        self.state.interruption = True
        isc = self.state.schib.pmcw.isc
        self._sink.tell(Pending(self._schid.index, isc))

    def _present_signal(self, scsw: Scsw) -> None:
        """Show the end of a halt or clear function."""
        if self._model.signals_set_lpum:
            pmcw = replace(self.state.schib.pmcw, lpum=self.state.path)
            self.state.schib = replace(self.state.schib, pmcw=pmcw)
        if self._model.esw_of_signals:
            self._present(self._with_path(scsw))
        elif self._model.keeps_esw:
            self._present(self._as_before(scsw))
        else:
            self._present(Irb(scsw))

    def _intermediate(self, scsw: Scsw) -> Irb:
        """Return the IRB of a status that does not end the start function."""
        keeps = self._model.keeps_esw
        return self._as_before(scsw) if keeps else self._with_path(scsw)

    def _with_path(self, scsw: Scsw) -> Irb:
        return Irb.with_path(scsw, self.state.path)

    def _as_before(self, scsw: Scsw) -> Irb:
        """Return an IRB whose ESW is still that of an earlier status."""
        before = self.state.irb
        return Irb.with_path(scsw, before.lpum)

    def _drop(self) -> None:
        """Forget the channel program and all status."""
        state = self.state
        state.interruption = False
        state.execution = None
        state.program = ()
        state.attention = 0
        state.cut = False

    def _offer(self) -> None:
        """Show held status, if nothing else is to be shown first."""
        state = self.state
        if state.attention:
            scsw = lifecycle.unsolicited(self._scsw, state.attention)
            if not self._pmcw.enabled:
                state.attention = 0
            elif scsw is not None:
                state.attention = 0
                self._present(self._with_path(scsw))

    @property
    def _is_visible(self) -> bool:
        settings, schid = self.state.settings, self._schid
        return (settings.sets or not schid.ssid) and (
            settings.images or not schid.m or not schid.cssid
        )

    @property
    def _pmcw(self) -> Pmcw:
        """The PMCW as instructions find it: not operational unless visible."""
        return self.state.schib.pmcw if self._is_visible else Pmcw()

    @property
    def _shown(self) -> Scsw:
        """The SCSW as instructions store it."""
        hidden = self._scsw.flags & self._hidden
        return (
            replace(self._scsw, flags=self._scsw.flags ^ hidden)
            if hidden
            else self._scsw
        )

    def _started(self, orb: Orb) -> Pmcw:
        """Return the PMCW after START, and note the path to be used."""
        pmcw, model = self.state.schib.pmcw, self._model
        after = lifecycle.started(pmcw, orb)
        self.state.path = after.lpum
        lpum = after.lpum if model.start_sets_lpum else pmcw.lpum
        lpm = orb.lpm if model.lpm_from_orb else pmcw.lpm
        return replace(after, lpum=lpum, lpm=lpm)

    def _rules(self, orb: Orb) -> Rules:
        limit = self.state.settings.address_limit
        low, high = address_limits(orb, self.state.schib.pmcw, limit)
        return Rules(low, high, self._chain_max, self._model.check_shows_end)

    def _measure(self) -> None:
        """Count a START or RESUME in the measurement block, if there is one."""
        pmcw, origin = self.state.schib.pmcw, self.state.settings.measurement_origin
        if origin is not None and pmcw.measurement_mode & _BLOCK_UPDATE:
            address = origin + pmcw.mbi * _BLOCK_LENGTH
            region = region_of(self._regions, address)
            if region is not None:
                region.storage.tell(AddToStorage(address - region.base, 1))

    @property
    def _scsw(self) -> Scsw:
        return self.state.schib.scsw

    @_scsw.setter
    def _scsw(self, scsw: Scsw) -> None:
        self.state.schib = replace(self.state.schib, scsw=scsw)
