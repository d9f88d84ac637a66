"""What a host's subchannel remembers, and the status that it shows.

The ledger of one `Subchannel`, which sends all messages. A method that makes status
pending returns True, and the caller announces the interruption. The choices that the
architecture leaves to the machine (`ModelDependent`) take effect here.
"""

from msgspec import Struct, field
from msgspec.structs import replace

from ccw_actors.actors.hardware._interruption_request import InterruptionRequest
from ccw_actors.actors.hardware._subchannel_pace import UnshownPci
from ccw_actors.actors.hardware._subchannel_work import EventName, Work, after
from ccw_actors.actors.protocol import (
    ConditionCode,
    Piece,
    Settings,
    SubchannelReset,
)
from ccw_actors.channel import (
    PATH_0,
    Dstat,
    Irb,
    ModelDependent,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel.actions import End
from ccw_actors.channel.execution import Execution
from ccw_actors.runtime import ReplyTo

__all__ = ["SubchannelState"]

_BLOCK_LENGTH = 32
_BLOCK_UPDATE = 2


class SubchannelState(Struct):
    """What a subchannel remembers.

    `attention` is device status that is held back, `path` the mask of the path last
    used. `program` holds what came with START, `execution` the state of the channel
    program, None if none runs, and `sense` the sense data of its last command. `run`
    counts channel programs, and `step` is the number of the only `Proceed` that still
    counts. `work` is the work in progress; `flushes` counts the answers that storage
    owes after a restart. `pci` has not been shown yet. `resetting` are answered once a
    reset has ended, `cancelling` once storage has answered the program that XSCH has
    withdrawn.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    interruption: InterruptionRequest = field(default_factory=InterruptionRequest)
    attention: int = 0
    path: int = PATH_0
    program: tuple[Piece, ...] = ()
    execution: Execution | None = None
    sense: bytes = b""
    run: int = 0
    step: int = 0
    work: Work = Work()
    flushes: int = 0
    pci: UnshownPci | None = None
    settings: Settings = Settings()
    resetting: tuple[ReplyTo[SubchannelReset], ...] = ()
    cancelling: tuple[ReplyTo[ConditionCode], ...] = ()

    # -- work in progress --

    def happened(self, event: EventName) -> None:
        """Note an event of `_subchannel_work.EVENTS`."""
        self.work = after(self.work, event, runs=self.execution is not None)

    def end_program(self, event: EventName = "program over") -> None:
        """Forget the channel program."""
        self.execution = None
        self.program = ()
        self.happened(event)

    def drop(self) -> None:
        """Forget the channel program and all status, also status still to be shown."""
        self.interruption.withdraw()
        self.attention = 0
        self.end_program("dropped")

    @property
    def uses_storage(self) -> bool:
        """Whether storage has still to answer, to any program or after a restart."""
        return self.work.awaited in ("storage", "flush")

    # -- what instructions find --

    @property
    def scsw(self) -> Scsw:
        """The SCSW of `schib`."""
        return self.schib.scsw

    @scsw.setter
    def scsw(self, scsw: Scsw) -> None:
        self.schib = replace(self.schib, scsw=scsw)

    def is_visible(self, schid: SubchannelId) -> bool:
        """Whether its subchannel set and image are enabled."""
        settings = self.settings
        return (settings.sets or not schid.ssid) and (
            settings.images or not schid.m or not schid.cssid
        )

    def pmcw(self, schid: SubchannelId) -> Pmcw:
        """Return the PMCW as instructions find it: not operational unless visible."""
        return self.schib.pmcw if self.is_visible(schid) else Pmcw()

    def shown(self, model: ModelDependent) -> Scsw:
        """Return the SCSW as instructions store it."""
        scsw = self.schib.scsw
        hidden = scsw.flags & lifecycle.FROM_ORB & ~model.scsw_from_orb
        return replace(scsw, flags=scsw.flags ^ hidden) if hidden else scsw

    def tested(self, model: ModelDependent) -> Irb:
        """Return the IRB as TEST SUBCHANNEL stores it."""
        irb = replace(self.irb, scsw=self.shown(model))
        if model.esw_needs_status and not irb.scsw.pending:
            return Irb(irb.scsw)
        return irb

    def started(self, orb: Orb, model: ModelDependent) -> Pmcw:
        """Return the PMCW after START, and note the path that it uses."""
        pmcw = self.schib.pmcw
        then = lifecycle.started(pmcw, orb)
        self.path = then.lpum
        lpum = then.lpum if model.start_sets_lpum else pmcw.lpum
        lpm = orb.lpm if model.lpm_from_orb else pmcw.lpm
        return replace(then, lpum=lpum, lpm=lpm)

    @property
    def measurement_block(self) -> int | None:
        """The address where START and RESUME are counted, None if they are not."""
        pmcw, origin = self.schib.pmcw, self.settings.measurement_origin
        if origin is None or not pmcw.measurement_mode & _BLOCK_UPDATE:
            return None
        return origin + pmcw.mbi * _BLOCK_LENGTH

    # -- status --

    def present(self, irb: Irb) -> None:
        """Make status pending."""
        self.irb = irb
        self.scsw = irb.scsw
        self.interruption.pending = True

    def present_intermediate(self, scsw: Scsw, model: ModelDependent) -> None:
        """Make status pending that does not end the start function."""
        self.present(self._as_before(scsw) if model.keeps_esw else self._new(scsw))

    def present_interrupt(self, cpa: int) -> None:
        """Make the status of a PCI pending."""
        self.present(self._new(lifecycle.program_controlled(self.scsw, cpa)))

    def present_signal(self, scsw: Scsw, model: ModelDependent) -> None:
        """Make the end of a halt or clear function pending."""
        if model.signals_set_lpum:
            pmcw = replace(self.schib.pmcw, lpum=self.path)
            self.schib = replace(self.schib, pmcw=pmcw)
        if model.esw_of_signals:
            self.present(self._new(scsw))
        elif model.keeps_esw:
            self.present(self._as_before(scsw))
        else:
            self.present(Irb(scsw))

    def present_clear(self, model: ModelDependent) -> None:
        """Make the end of the clear function pending."""
        pmcw = lifecycle.cleared(self.schib.pmcw)
        self.schib = replace(self.schib, pmcw=pmcw)
        self.present_signal(lifecycle.clear_signalled(self.scsw), model)

    def present_end(self, end: End, scsw: Scsw) -> None:
        """Make the end of the start function pending, with that SCSW."""
        if end.dstat & Dstat.UNIT_CHECK and self.schib.pmcw.concurrent_sense:
            self.present(Irb.with_sense(scsw, self.path, self.sense))
        else:
            self.present(self._new(scsw))

    def present_attention(self, schid: SubchannelId) -> bool:
        """Make held status pending, unless other status comes first.

        Returns whether it is pending. A subchannel that is not enabled drops it.
        """
        if not self.attention:
            return False
        scsw = lifecycle.unsolicited(self.scsw, self.attention)
        if not self.pmcw(schid).enabled:
            self.attention = 0
            return False
        if scsw is None:
            return False
        self.attention = 0
        self.present(self._new(scsw))
        return True

    def forget_unsolicited(self, scsw: Scsw) -> None:
        """Clear the IRB if `scsw`, which TSCH has returned, is unsolicited status."""
        if not scsw.fctl and scsw.stctl == Stctl.UNSOLICITED_STATUS:
            self.irb = Irb(Scsw())

    def join_pci(self) -> bool:
        """Have the next status also show the unshown PCI.

        Returns whether there is one; a PCI of an earlier program is forgotten.
        """
        pci, self.pci = self.pci, None
        if pci is None or pci.run != self.run:
            return False
        self.scsw = lifecycle.program_controlled(self.scsw, pci.cpa)
        return True

    def _new(self, scsw: Scsw) -> Irb:
        return Irb.with_path(scsw, self.path)

    def _as_before(self, scsw: Scsw) -> Irb:
        """Return an IRB that keeps the ESW of an earlier status."""
        return Irb.with_path(scsw, self.irb.lpum)
