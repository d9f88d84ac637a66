"""ChannelSubsystem: hints of pending interruptions, reports, and shared settings.

Only the subchannel knows whether its interruption is pending. The ChannelSubsystem asks
the hinted subchannel to hand it to a CPU that waits. The subchannel sends it to the CPU
itself and withdraws it, or answers that there is none for that CPU. A wait that has
ended so is forgotten when the same CPU waits again.

| wait | event | next |
|---|---|---|
| none | AwaitInterruption, TestPendingInterruption | open |
| open | a hint of an ISC that it enables | asked: TakeInterruption to the subchannel |
| open | CancelAwait, or TestPendingInterruption without such a hint | answered: none |
| asked | InterruptionGone, or the subchannel fails | open, in its old place |
| asked | CancelAwait | asked; answered when it is open again |
| asked | the CPU waits again: it was answered | none |

The oldest wait gets the interruption, and the lowest ISC comes first. Asks are answered
one at a time: nobody would learn that the asker has given up.

Instructions that change or ask all subchannels (SCHM, SAL, CHSC) are executed one at a
time: each is answered once every subchannel has answered.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from operator import itemgetter
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    AwaitInterruption,
    CallChannelSubsystem,
    CancelAwait,
    ChannelSubsystemCalled,
    ChannelSubsystemMessage,
    ConditionCode,
    CrwStored,
    Done,
    Interruption,
    InterruptionGone,
    NoInterruption,
    NoteSettings,
    NotOperational,
    PathReset,
    PathStatus,
    Pending,
    Report,
    ResetChannelPath,
    ResetPath,
    SetAddressLimit,
    SetChannelMonitor,
    Settings,
    SettingsNoted,
    StoreChannelPathStatus,
    StoreChannelReportWord,
    Stored,
    StoreSubchannel,
    StoreSubchannels,
    SubchannelsStored,
    SubsystemToSet,
    SubsystemToSubchannel,
    TakeInterruption,
    TestPendingInterruption,
)
from ccw_actors.channel import (
    Cc,
    Crw,
    Erc,
    ModelDependent,
    Rsc,
    Schib,
    SubchannelId,
    chsc,
)
from ccw_actors.channel.crw import queued
from ccw_actors.runtime import Actor, ActorRef, Failure, ReplyTo, receive
from ccw_actors.transport import message_id

__all__ = ["ChannelSubsystem"]

Work: TypeAlias = SetChannelMonitor | SetAddressLimit | CallChannelSubsystem


class Waiter(Struct, frozen=True, array_like=True):
    """Where an interruption with an ISC in `mask` goes; `now` means now or never.

    `asked` is the subchannel that was asked to hand it over, -1 while the wait is open.
    """

    to: ReplyTo[Interruption | NoInterruption]
    mask: int
    cancelled: bool = False
    now: bool = False
    asked: int = -1

    @property
    def is_ask(self) -> bool:
        """Whether it was asked, and not told by an actor."""
        return self.to.ref is None or self.to.ask != 0

    @property
    def request(self) -> TakeInterruption:
        """What a subchannel is asked."""
        return TakeInterruption(None if self.is_ask else self.to, self.mask)

    def is_that_of(self, to: ReplyTo[Interruption] | None) -> bool:
        """Whether that is the `to` of its request."""
        return self.is_ask if to is None else not self.is_ask and self.to.ref == to.ref


class Job(Struct, frozen=True, array_like=True):
    """An instruction that needs the subchannels, and where its answer goes."""

    to: ReplyTo[Done | ChannelSubsystemCalled]
    work: Work


class ChannelSubsystemState(Struct):
    """What a channel subsystem remembers.

    `hints` are pairs (ISC, subchannel), the lowest ISC first, then the oldest.
    `reports` are the channel-report words for the program, `resetting` the channel
    paths being reset.
    `jobs` are executed one at a time: `outstanding` subchannels have still to answer
    the first one, `described` are the answers so far, `answer` is that of the job.
    """

    hints: tuple[tuple[int, int], ...] = ()
    waiters: tuple[Waiter, ...] = ()
    reports: tuple[Crw, ...] = ()
    resetting: tuple[int, ...] = ()
    settings: Settings = Settings()
    jobs: tuple[Job, ...] = ()
    outstanding: int = 0
    described: tuple[tuple[int, Schib], ...] = ()
    answer: bytes = b""


class ChannelSubsystem(Actor[ChannelSubsystemMessage]):
    """Gives the interruptions of `subchannels` (by index) to the guests that wait.

    `sets` have those that are made on first use, and are told what all are told.
    `paths` are its channel paths, by channel-path id. At most `reports_max` reports
    wait to be stored; more are lost, and the last one says so.
    """

    state: ChannelSubsystemState

    def __init__(
        self,
        subchannels: Mapping[int, ActorRef[SubsystemToSubchannel]],
        paths: Mapping[int, ActorRef[ResetPath]] | None = None,
        *,
        sets: Sequence[ActorRef[SubsystemToSet]] = (),
        characteristics: chsc.Characteristics | None = None,
        model: ModelDependent | None = None,
        reports_max: int = 64,
    ) -> None:
        self._subchannels = copy(subchannels)
        self._sets = tuple(sets)
        self._all: tuple[ActorRef[NoteSettings], ...] = self._sets
        if not sets:
            self._all = tuple(subchannels.values())
        self._paths = dict(paths or {})
        self._characteristics = characteristics or chsc.Characteristics()
        self._model = model or ModelDependent()
        self._reports_max = reports_max
        self.state = ChannelSubsystemState()

    @receive
    def pending(self, message: Pending) -> None:
        """Keep the hint."""
        hint = (message.isc, message.subchannel)
        hints = tuple(other for other in self.state.hints if other != hint)
        self.state.hints = tuple(sorted((*hints, hint), key=itemgetter(0)))
        self._go_on()

    @receive
    def await_interruption(self, message: AwaitInterruption) -> None:
        """Let the sender wait; the senders are served in the order of asking."""
        self._wait(Waiter(self.reply_to, message.mask))

    @receive
    def test_pending(self, message: TestPendingInterruption) -> None:
        """TPI: serve the sender now, with an interruption or without."""
        self._wait(Waiter(self.reply_to, message.mask, now=True))

    def _wait(self, waiter: Waiter) -> None:
        # A CPU has one wait at a time: a subchannel has answered the one before.
        before = self.state.waiters
        if not waiter.is_ask:
            to = waiter.to
            before = tuple([w for w in before if w.asked < 0 or not w.is_that_of(to)])
        self.state.waiters = (*before, waiter)
        self._go_on()

    @receive
    def cancel_await(self, _message: CancelAwait) -> None:
        """Answer the sender's wait, unless it gets the interruption being taken."""
        # A CPU has one wait at a time, so its reference identifies the wait.
        sender = self.sender
        self.state.waiters = tuple(
            replace(waiter, cancelled=waiter.cancelled or waiter.to.ref == sender)
            for waiter in self.state.waiters
        )
        self._go_on()

    @receive
    def interruption(self, message: Interruption) -> None:
        """Answer the ask that it was taken for."""
        asked = (w for w in self.state.waiters if w.is_ask and w.asked >= 0)
        self._serve(next(asked), message)
        self._go_on()

    @receive
    def interruption_gone(self, message: InterruptionGone) -> None:
        """Open the wait again, and try the next hint."""
        asked = (w for w in self.state.waiters if w.asked == message.subchannel)
        self._open(w for w in asked if w.is_that_of(message.to))
        self._go_on()

    @receive
    def failure(self, message: Failure) -> None:
        """Open the wait again: the subchannel failed when it was asked."""
        # It has restarted and is not operational, so its interruption is gone.
        asked = (w for w in self.state.waiters if w.asked >= 0)
        self._open(w for w in asked if self._is_about(message, w))
        self._go_on()

    def _is_about(self, failure: Failure, waiter: Waiter) -> bool:
        """Whether a subchannel has failed when it was asked for a wait."""
        if self._subchannels[waiter.asked].path != failure.actor:
            return False
        request = self.system.codec.encode(waiter.request)
        return message_id(request) == failure.message_id

    def _open(self, waiters: Iterable[Waiter]) -> None:
        again = tuple(waiters)
        self.state.waiters = tuple(
            replace(one, asked=-1) if one in again else one
            for one in self.state.waiters
        )

    def _go_on(self) -> None:
        """Have interruptions handed over: lowest ISC first, oldest wait first."""
        state = self.state
        self._serve_nothing([w for w in state.waiters if w.asked < 0 and w.cancelled])
        for hint in state.hints:
            isc, subchannel = hint
            waiter = self._first_for(isc)
            if waiter is not None:
                # Drop it now: a later interruption brings its own hint.
                state.hints = tuple([other for other in state.hints if other != hint])
                asked = replace(waiter, asked=subchannel)
                state.waiters = tuple(
                    [asked if one is waiter else one for one in state.waiters]
                )
                self._subchannels[subchannel].tell(waiter.request)
        self._serve_nothing([w for w in state.waiters if w.asked < 0 and w.now])

    def _first_for(self, isc: int) -> Waiter | None:
        """Return the oldest open wait for an ISC.

        An interruption does not say for which ask it was taken: one has its turn.
        """
        busy = any(w.asked >= 0 and w.is_ask for w in self.state.waiters)
        for waiter in self.state.waiters:
            is_open = waiter.asked < 0 and not (busy and waiter.is_ask)
            if is_open and waiter.mask & 0x80 >> isc:
                return waiter
        return None

    def _serve_nothing(self, waiters: Iterable[Waiter]) -> None:
        for waiter in waiters:
            self._serve(waiter, NoInterruption())

    def _serve(self, waiter: Waiter, answer: Interruption | NoInterruption) -> None:
        self.state.waiters = tuple(w for w in self.state.waiters if w is not waiter)
        self.reply(waiter.to, answer)

    # -- reports and channel paths --

    @receive
    def report(self, message: Report) -> None:
        """Keep a report until a program stores it."""
        state = self.state
        state.reports = queued(state.reports, message.crw, self._reports_max)

    @receive
    def not_operational(self, message: NotOperational) -> None:
        """Report that a subchannel is gone."""
        number = message.subchannel & 0xFFFF
        self.report(Report(Crw(Rsc.SUBCHANNEL, Erc.PARAMETERS_INITIALIZED, number)))

    @receive
    def store_report(self, _message: StoreChannelReportWord) -> CrwStored:
        """STCRW: return the oldest report."""
        state = self.state
        if not state.reports:
            return CrwStored(1)
        crw, *others = state.reports
        state.reports = tuple(others)
        return CrwStored(0, crw)

    @receive
    def reset_path(self, message: ResetChannelPath) -> ConditionCode:
        """RCHP: begin to reset a path, unless there is none or it is being reset."""
        state, path = self.state, self._paths.get(message.chpid)
        if path is None:
            return ConditionCode(Cc.NOT_OPERATIONAL)
        if message.chpid in state.resetting:
            return ConditionCode(Cc.NOT_APPLICABLE)
        state.resetting = (*state.resetting, message.chpid)
        path.tell(ResetPath())
        return ConditionCode(Cc.DONE)

    @receive
    def path_reset(self, message: PathReset) -> None:
        """Report that a path has been reset."""
        state = self.state
        state.resetting = tuple(p for p in state.resetting if p != message.chpid)
        crw = Crw(Rsc.CHANNEL_PATH, Erc.INITIALIZED, message.chpid)
        crw = crw.with_flag(Crw.solicited)
        if self._model.ancillary_path_report:
            crw = crw.with_flag(Crw.ancillary)
        state.reports = queued(state.reports, crw, self._reports_max)

    @receive
    def path_status(self, _message: StoreChannelPathStatus) -> PathStatus:
        """STCPS: no path is active between two messages."""
        return PathStatus(bytes(32))

    # -- instructions that need every subchannel --

    @receive
    def set_monitor(self, message: SetChannelMonitor) -> None:
        """SCHM: switch the updates of measurement blocks on or off."""
        self._queue(message)

    @receive
    def set_limit(self, message: SetAddressLimit) -> None:
        """SAL: set the address limit for later channel programs."""
        self._queue(message)

    @receive
    def call(self, message: CallChannelSubsystem) -> None:
        """CHSC: answer a request, and do what it asks for."""
        self._queue(message)

    @receive
    def stored(self, message: Stored) -> None:
        """Collect the SCHIBs of the subchannels for CHSC."""
        sender = self.sender
        index = next(i for i, ref in self._subchannels.items() if ref == sender)
        self._described((index, message.schib))

    @receive
    def subchannels_stored(self, message: SubchannelsStored) -> None:
        """Collect the SCHIBs of a set for CHSC."""
        self._described(*message.schibs)

    def _described(self, *schibs: tuple[int, Schib]) -> None:
        state = self.state
        state.described = (*state.described, *schibs)
        state.outstanding -= 1
        if state.outstanding == 0:
            self._call()

    @receive
    def settings_noted(self, _message: SettingsNoted) -> None:
        """Answer once every subchannel uses the new settings."""
        self.state.outstanding -= 1
        if self.state.outstanding == 0:
            self._finish()

    def _queue(self, work: Work) -> None:
        self.state.jobs = (*self.state.jobs, Job(self.reply_to, work))
        if len(self.state.jobs) == 1:
            self._begin()

    def _begin(self) -> None:
        """Begin with the first job."""
        state = self.state
        match state.jobs[0].work:
            case SetChannelMonitor(origin):
                self._settle(replace(state.settings, measurement_origin=origin))
            case SetAddressLimit(limit):
                self._settle(replace(state.settings, address_limit=limit))
            case CallChannelSubsystem(block):
                state.described = ()
                self._store(block)

    def _store(self, block: bytes) -> None:
        """Ask sets for the SCHIBs that a CHSC request needs, or every subchannel."""
        self.state.outstanding = len(self._all)
        ssid, numbers = chsc.subchannels_in(block)
        for one in self._sets:
            one.tell(StoreSubchannels(ssid, numbers.start, numbers.stop - 1))
        if not self._sets:
            for subchannel in self._subchannels.values():
                subchannel.tell(StoreSubchannel())
        if not self._all:
            self._call()

    def _call(self) -> None:
        """Answer a CHSC request: all subchannels have been stored."""
        state, work = self.state, self.state.jobs[0].work
        assert isinstance(work, CallChannelSubsystem)
        known = [
            (SubchannelId.of_index(index), schib) for index, schib in state.described
        ]
        response = chsc.respond(work.block, self._characteristics, known)
        state.answer = response.data
        settings = replace(
            state.settings,
            images=state.settings.images or response.effect.images,
            sets=state.settings.sets or response.effect.sets,
        )
        if settings == state.settings:
            self._finish()
        else:
            self._settle(settings)

    def _settle(self, settings: Settings) -> None:
        """Send the settings to every subchannel."""
        state = self.state
        state.settings = settings
        state.outstanding = len(self._all)
        for one in self._all:
            one.tell(NoteSettings(settings))
        if not self._all:
            self._finish()

    def _finish(self) -> None:
        """Answer the first job, and begin with the next."""
        state = self.state
        job, *others = state.jobs
        state.jobs = tuple(others)
        state.described = ()
        if isinstance(job.work, CallChannelSubsystem):
            self.reply(job.to, ChannelSubsystemCalled(state.answer))
        else:
            self.reply(job.to, Done())
        if state.jobs:
            self._begin()
