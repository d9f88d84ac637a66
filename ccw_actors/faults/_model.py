"""FaultyModel: a device model that ends commands as it is told, around another model.

| code | what it does |
|---|---|
| `SHOW` | it ends with the status in byte 0 of its data, and the sense data behind it |
| `WHERE` + a command code | it does nothing, and gives the `Place` of that command |
| 04 | SENSE: the sense data of a `SHOW` before it, else those of the model |
| any other | the command of the model |

A channel has no command code above FF: only a `FaultyDevice` sends these commands.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import CommandEnd, DeviceCommand, Dstat
from ccw_actors.channel.ccw import Command
from ccw_actors.devices import (
    BlockGeometry,
    DeviceModel,
    Failure,
    Geometry,
    NeedTrack,
    Outcome,
)
from ccw_actors.faults._place import Place, place_of
from ccw_actors.faults._sense import sense_over

__all__ = ["FaultyModel", "FaultyState", "place_in", "show", "where"]

SHOW: Final = 0x100
WHERE: Final = 0x200
_NORMAL: Final = Dstat.CHANNEL_AND_DEVICE_END
_SENSE: Final = DeviceCommand(Command.BASIC_SENSE, 32)

StateT = TypeVar("StateT", bound=Struct)


def show(status: int, sense: str = "") -> DeviceCommand:
    """Return the command that ends with this status, and with sense data by name."""
    return DeviceCommand(SHOW, 0, bytes((status,)) + sense.encode(), chained=True)


def where(command: DeviceCommand) -> DeviceCommand:
    """Return the command that gives the place of another one, and changes nothing."""
    return replace(command, code=WHERE | command.code, chaining=True)


def place_in(end: CommandEnd) -> Place | None:
    """Return the place that a `where` has given, None if it could not."""
    return msgspec.json.decode(end.data, type=Place) if end.data else None


class FaultyState(
    Struct, Generic[StateT], frozen=True, array_like=True, forbid_unknown_fields=True
):
    """The state of the model, and sense data of a fault until SENSE reads them."""

    model: StateT
    sense: bytes = b""


class FaultyModel(Generic[StateT]):
    """A model with the faults that a `FaultyDevice` gives it.

    `geometry` is that of its volume, None if it has none.
    """

    def __init__(
        self, model: DeviceModel[StateT], geometry: Geometry | BlockGeometry | None
    ) -> None:
        self._model = model
        self._geometry = geometry

    @property
    def state_type(self) -> type[FaultyState[StateT]]:
        """Type of the state, to decode it with."""
        kind: Any = FaultyState
        found: type[FaultyState[StateT]] = kind[self._model.state_type]
        return found

    def initial(self) -> FaultyState[StateT]:
        """State after power on."""
        return FaultyState(self._model.initial())

    def execute(
        self,
        state: FaultyState[StateT],
        command: DeviceCommand,
        tracks: Mapping[int, bytes],
    ) -> Outcome[FaultyState[StateT]] | NeedTrack:
        """Execute one command; see the module's table."""
        if command.code == SHOW:
            return self._show(state, command.data)
        if command.code & WHERE:
            return self._where(state, _of_model(command), tracks)
        result = self._model.execute(state.model, command, tracks)
        if isinstance(result, NeedTrack):
            return result
        end = result.end
        if command.code == Command.BASIC_SENSE and state.sense:
            end = replace(end, data=state.sense[: len(end.data)])
        return Outcome(FaultyState(result.state), end, result.writes)

    def failed(
        self, state: FaultyState[StateT], command: DeviceCommand, failure: Failure
    ) -> Outcome[FaultyState[StateT]]:
        """End a command whose track could not be read or written: unit check."""
        found = self._model.failed(state.model, _of_model(command), failure)
        return Outcome(FaultyState(found.state), found.end, found.writes)

    def halted(self, state: FaultyState[StateT]) -> FaultyState[StateT]:
        """State after the halt signal: the chain has ended, sense data remain."""
        return replace(state, model=self._model.halted(state.model))

    def reset(self, state: FaultyState[StateT]) -> FaultyState[StateT]:
        """State after the clear signal: the chain has ended."""
        return replace(state, model=self._model.reset(state.model))

    def sense(self, state: FaultyState[StateT]) -> bytes:
        """Return the sense bytes that SENSE would read, and keep them."""
        return state.sense or self._model.sense(state.model)

    def _show(
        self, state: FaultyState[StateT], data: bytes
    ) -> Outcome[FaultyState[StateT]]:
        """End with a status, which ends the chain, and keep its sense data."""
        status, text = data[0], data[1:].decode()
        model = self._model.halted(state.model)
        # SENSE leaves the place of the access mechanism, and no older conditions.
        read = self._model.execute(model, _SENSE, {})
        if isinstance(read, Outcome) and read.end.is_normal:
            model = read.state
        sense = sense_over(text, self._model.sense(model)) if text else b""
        return Outcome(FaultyState(model, sense), CommandEnd(status))

    def _where(
        self,
        state: FaultyState[StateT],
        command: DeviceCommand,
        tracks: Mapping[int, bytes],
    ) -> Outcome[FaultyState[StateT]] | NeedTrack:
        """Find out where a command goes, without its effects.

        The model gets one track after the other, so it says which ones it needs.
        """
        needed: dict[int, bytes] = {}
        while True:
            result = self._model.execute(state.model, command, needed)
            if isinstance(result, Outcome):
                break
            if result.number not in tracks:
                return result
            needed[result.number] = tracks[result.number]
        place = place_of(self._geometry, state.model, command, result, needed)
        return Outcome(state, CommandEnd(_NORMAL, msgspec.json.encode(place)))


def _of_model(command: DeviceCommand) -> DeviceCommand:
    """Return the command of the model that a `where` is about."""
    return replace(command, code=command.code & 0xFF)
