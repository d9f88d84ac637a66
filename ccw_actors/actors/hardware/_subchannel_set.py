"""SubchannelSet: makes subchannels, and their devices, when something first uses them.

| event | it tells the children that it has made | its answer, once all have answered |
|---|---|---|
| NoteSettings | NoteSettings, to all | SettingsNoted |
| NotePath | NotePath, to those on the path | PathNoted |
| ResetSubchannel | ResetSubchannel, to all or those on a path | SubchannelReset |
| StoreSubchannels | StoreSubchannel, to those in the range | SubchannelsStored |

A subchannel that has not been made needs no message for that: the set remembers what it
would have done with them, and makes it so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from ccw_actors.actors.hardware._device import Device
from ccw_actors.actors.hardware._subchannel import Subchannel
from ccw_actors.actors.protocol import (
    NotePath,
    NoteSettings,
    PathNoted,
    ResetSubchannel,
    Settings,
    SettingsNoted,
    Stored,
    StoreSubchannel,
    StoreSubchannels,
    SubchannelMessage,
    SubchannelReset,
    SubchannelSetMessage,
    SubchannelsStored,
)
from ccw_actors.channel import Pmcw, Schib, SubchannelId
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    MissingChild,
    ReplyTo,
    Restart,
    receive,
)

__all__ = ["DEVICE", "SubchannelReferences", "SubchannelSet"]

DEVICE: Final = "device-"
"""What the name of a device begins with; the rest is the index of its subchannel."""

Answer: TypeAlias = SettingsNoted | PathNoted | SubchannelReset | SubchannelsStored

_ANSWERS: Final[Mapping[str, type[Answer]]] = {
    NoteSettings.__name__: SettingsNoted,
    NotePath.__name__: PathNoted,
    ResetSubchannel.__name__: SubchannelReset,
    StoreSubchannel.__name__: SubchannelsStored,
}


class Round(Struct):
    """One message to children: once none is `waiting`, `answer` goes `to` the sender.

    `waiting` are the indexes of the children that have still to answer.
    """

    to: ReplyTo[Any]
    answer: Answer
    waiting: set[int]


class SubchannelSetState(Struct):
    """What a set of subchannels remembers.

    `made` are the indexes of the subchannels that have been made. `settings` and
    `changes` are those that all the others know: of each channel path the last
    `NotePath`, and the last reset that initialized its subchannels.
    """

    made: set[int]
    settings: Settings
    changes: tuple[NotePath | ResetSubchannel, ...]
    rounds: list[Round]


class SubchannelSet(Actor[SubchannelSetMessage]):
    """The parent of subchannels, each at the index under its path.

    `indexes` are theirs: a range takes no memory. `pmcw` says what a subchannel starts
    with, and always says the same. `subchannel` and `device` create the actors; None
    for no devices. A device is beside its subchannel, under `DEVICE` and its index.
    """

    state: SubchannelSetState

    def __init__(
        self,
        indexes: Sequence[int],
        pmcw: Callable[[int], Pmcw],
        subchannel: Callable[[SubchannelId, Pmcw], Subchannel],
        device: Callable[[int], Device] | None = None,
    ) -> None:
        self._indexes = indexes
        self._images = sorted({index >> 24 for index in indexes})
        self._pmcw = pmcw
        self._subchannel = subchannel
        self._device = device
        self.state = SubchannelSetState(set(), Settings(), (), [])

    # -- children -------------------------------------------------------------------

    @receive
    def missing_child(self, message: MissingChild) -> None:
        """Make a device, or a subchannel that has not been made before."""
        made, name = self.state.made, message.name
        number = name.removeprefix(DEVICE)
        index = self._index(number)
        if index is None:
            return
        if number != name and self._device is not None:
            self.spawn(self._device(index), name, supervision=Restart())
        elif number == name and index not in made:
            self.spawn(self._made(index), name, supervision=Restart())
            made.add(index)

    def _index(self, name: str) -> int | None:
        """Return the index that a subchannel's name is, None if it is none."""
        index = int(name) if name.isdecimal() else -1
        return index if name == str(index) and index in self._indexes else None

    def _made(self, index: int) -> Subchannel:
        """Return a new subchannel that knows what it would have been told."""
        schid = SubchannelId.of_index(index)
        subchannel = self._subchannel(schid, self._pmcw(index))
        subchannel.state.settings = self.state.settings
        subchannel.state.schib = self._unused(index)
        return subchannel

    def _unused(self, index: int) -> Schib:
        """Return the SCHIB of a subchannel that has not been made."""
        pmcw = initial = self._pmcw(index)
        for change in self.state.changes:
            if isinstance(change, NotePath):
                pmcw = pmcw.with_path(change.chpid, available=change.available)
            elif change.chpid is not None and initial.paths_to(change.chpid):
                pmcw = initial
        return Schib(pmcw)

    # -- what goes to all -------------------------------------------------------------

    @receive
    def note_settings(self, message: NoteSettings) -> None:
        """Tell the settings of the channel subsystem."""
        self.state.settings = message.settings
        self._pass_on(message, self._on_path(None), SettingsNoted(None))

    @receive
    def note_path(self, message: NotePath) -> None:
        """Tell that a channel path is available, or is not."""
        self._remember(message)
        self._pass_on(message, self._on_path(message.chpid), PathNoted(None))

    @receive
    def reset(self, message: ResetSubchannel) -> None:
        """Reset all, or those on a channel path."""
        if message.initialize:
            self._remember(message)
        self._pass_on(message, self._on_path(message.chpid), SubchannelReset(None))

    @receive
    def store(self, message: StoreSubchannels) -> None:
        """Collect the SCHIBs of a range."""
        there, made = self._range(message), self.state.made
        unused = tuple((one, self._unused(one)) for one in there if one not in made)
        used = [one for one in there if one in made]
        self._pass_on(StoreSubchannel(), used, SubchannelsStored(unused))

    def _range(self, wanted: StoreSubchannels) -> list[int]:
        """Return the indexes of the subchannels in a range, of all images."""
        return [
            index
            for image in self._images
            for number in range(wanted.first, wanted.last + 1)
            if (index := image << 24 | wanted.ssid << 16 | number) in self._indexes
        ]

    def _on_path(self, chpid: int | None) -> list[int]:
        """Return the made subchannels that a channel path leads to; None for all."""
        made = sorted(self.state.made)
        if chpid is None:
            return made
        return [index for index in made if self._pmcw(index).paths_to(chpid)]

    def _remember(self, change: NotePath | ResetSubchannel) -> None:
        """Remember what a change does to those that have not been made.

        The last one of its kind for a path makes the ones before it void.
        """
        key = type(change), change.chpid
        others = [one for one in self.state.changes if (type(one), one.chpid) != key]
        self.state.changes = () if change.chpid is None else (*others, change)

    def _pass_on(
        self,
        message: NoteSettings | NotePath | ResetSubchannel | StoreSubchannel,
        indexes: list[int],
        answer: Answer,
    ) -> None:
        """Tell children a message, and answer its sender when all have answered."""
        for index in indexes:
            child: ActorRef[SubchannelMessage] = self.system.ref(f"{self.path}/{index}")
            child.tell(message)
        self.state.rounds.append(Round(self.reply_to, answer, set(indexes)))
        self._end_rounds()

    # -- answers ----------------------------------------------------------------------

    @receive
    def settings_noted(self, message: SettingsNoted) -> None:
        """Note that a child uses the new settings."""
        self._answered(SettingsNoted, message.subchannel)

    @receive
    def path_noted(self, message: PathNoted) -> None:
        """Note that a child uses the path, or no longer does."""
        self._answered(PathNoted, message.subchannel)

    @receive
    def subchannel_reset(self, message: SubchannelReset) -> None:
        """Note that a child has been reset."""
        self._answered(SubchannelReset, message.subchannel)

    @receive
    def stored(self, message: Stored) -> None:
        """Keep the SCHIB of a child."""
        assert self.sender is not None, "it is a child"
        self._answered(SubchannelsStored, self._child(self.sender.path), message.schib)

    @receive
    def failure(self, message: Failure) -> None:
        """Wait no longer for a child that has failed on a message, or has ended."""
        kind = _ANSWERS.get(message.request)
        if kind is not None:
            self._answered(kind, self._child(message.actor))

    def _child(self, path: str) -> int | None:
        return self._index(path.rpartition("/")[2])

    def _answered(
        self, kind: type[Answer], index: int | None, schib: Schib | None = None
    ) -> None:
        """Note the answer of a child, which answers each kind in order."""
        for one in self.state.rounds:
            if index in one.waiting and type(one.answer) is kind:
                one.waiting.remove(index)
                if isinstance(one.answer, SubchannelsStored) and schib is not None:
                    one.answer = SubchannelsStored((*one.answer.schibs, (index, schib)))
                break
        self._end_rounds()

    def _end_rounds(self) -> None:
        """Answer the senders for whom no child has still to answer."""
        rounds = self.state.rounds
        self.state.rounds = [one for one in rounds if one.waiting]
        for one in rounds:
            if not one.waiting:
                self.reply(one.to, one.answer)


class SubchannelReferences(Mapping[int, ActorRef[SubchannelMessage]]):
    """References to the subchannels of a set, by index, each made when it is needed.

    It never changes. `ref` returns the reference of one, `all` is that of the set: tell
    it what goes to all subchannels.
    """

    __slots__ = ("_indexes", "_ref", "all")

    def __init__(
        self,
        indexes: Sequence[int],
        ref: Callable[[int], ActorRef[SubchannelMessage]],
        all_: ActorRef[SubchannelSetMessage],
    ) -> None:
        self._indexes = indexes
        self._ref = ref
        self.all: Final = all_

    def __getitem__(self, index: int) -> ActorRef[SubchannelMessage]:
        """Return the reference of a subchannel, which does not use it."""
        if index not in self._indexes:
            raise KeyError(index)
        return self._ref(index)

    def __iter__(self) -> Iterator[int]:
        """Iterate over all indexes."""
        return iter(self._indexes)

    def __len__(self) -> int:
        """Return how many subchannels there are, made or not."""
        return len(self._indexes)

    def __copy__(self) -> "SubchannelReferences":
        """Return itself, because it never changes."""
        return self
