"""A guest's program that blocks, in its own thread; and how programs end."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ccw_actors.actors.guest._cpu import BlockingCpu
from ccw_actors.actors.protocol import ProgramEnded, RunProgram, ThreadToGuest
from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime import Actor, ActorRef, receive
from ccw_actors.transport import Codec

__all__ = ["BlockingProgram", "ProgramThread", "describe", "unfit"]

_ROOM_TO_NEST: Final = 128

BlockingProgram: TypeAlias = Callable[[BlockingCpu], Any]


class ProgramThread(Actor[RunProgram]):
    """Runs a blocking program in its own thread; see `System.spawn_thread`."""

    def __init__(
        self, program: BlockingProgram, guest: ActorRef[ThreadToGuest]
    ) -> None:
        self._program = program
        self._guest = guest

    @receive
    def run(self, _message: RunProgram) -> None:
        """Run the program to its end."""
        try:
            result = self._program(BlockingCpu(self._guest))
        except BaseException as error:  # noqa: BLE001 - sys.exit() also ends a guest
            self._guest.tell(ProgramEnded(error=describe(error)))
            return
        problem = unfit(self.system.codec, result)
        if problem:
            self._guest.tell(ProgramEnded(error=problem))
        else:
            self._guest.tell(ProgramEnded(result))


def unfit(codec: Codec, result: object) -> str:
    """Say why the result of a program cannot be in a message, "" if it can."""
    nested = result
    for _ in range(_ROOM_TO_NEST):  # for what messages and reports put around it
        nested = [nested]
    try:
        codec.encode(nested)
    except BaseException as problem:  # noqa: BLE001 - a result's code may raise anything
        return f"the result of the program: {describe(problem)}"
    return ""


def describe(error: BaseException) -> str:
    """Return one line: the text of an error of this package, else type and text."""
    try:
        text = str(error)
    except BaseException as other:  # noqa: BLE001 - a guest's error may raise anything
        text = f"it cannot be shown: {type(other).__name__}"
    if not isinstance(error, CcwActorsError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return " ".join(text.split())
