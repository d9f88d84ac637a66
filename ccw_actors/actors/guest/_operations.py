"""The operations of a guest's program: the request for each, and what its answer means.

Pure: the Guest sends messages.
"""

from typing import Final, TypeAlias

from ccw_actors.actors.protocol import (
    Area,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    Fetch,
    GuestToStorage,
    HaltSubchannel,
    InsertKey,
    InsertStorageKey,
    Instruct,
    Instruction,
    ModifySubchannel,
    Operation,
    Piece,
    ReadStorage,
    ResumeSubchannel,
    SetKey,
    SetStorageKey,
    StartSubchannel,
    Stopped,
    StorageData,
    StorageKey,
    StorageWritten,
    Store,
    Stored,
    StoreSubchannel,
    Tested,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import Cc, Irb, ProgramException, Schib, Scsw

__all__ = [
    "NOT_OPERATIONAL",
    "FromStorage",
    "checked",
    "is_start",
    "operand_exception",
    "to_storage",
]

FromStorage: TypeAlias = StorageData | StorageWritten | StorageKey

NOT_OPERATIONAL: Final[dict[str, ConditionCode | Tested | Stored]] = {
    **{
        kind.__name__: ConditionCode(Cc.NOT_OPERATIONAL)
        for kind in (
            StartSubchannel,
            HaltSubchannel,
            ClearSubchannel,
            ResumeSubchannel,
            CancelSubchannel,
            ModifySubchannel,
        )
    },
    TestSubchannel.__name__: Tested(Cc.NOT_OPERATIONAL, Irb(Scsw())),
    StoreSubchannel.__name__: Stored(Cc.NOT_OPERATIONAL, Schib()),
}
"""The answer to an instruction whose subchannel does not exist, or failed on it.

Keys are names of types: a `Failure` has only that name of the message.
"""


def operand_exception(instruction: Instruction, *, midaws: bool) -> str | None:
    """Say what makes an instruction end with an operand exception, or None."""
    if type(instruction) is StartSubchannel:
        return instruction.orb.invalid(midaws=midaws)
    if type(instruction) is ModifySubchannel:
        return Schib(instruction.pmcw, mba=instruction.mba).invalid()
    return None


def is_start(operation: Operation) -> bool:
    """Whether it is SSCH."""
    return (
        type(operation) is Instruct and type(operation.instruction) is StartSubchannel
    )


def to_storage(operation: Fetch | Store | SetKey | InsertKey) -> GuestToStorage:
    """Return the request to Storage."""
    match operation:
        case Fetch(address, length):
            return ReadStorage(0, (Area(address, length),))
        case Store(address, data):
            return WriteStorage(0, (Piece(address, data),))
        case SetKey(address, key):
            return SetStorageKey(0, address, key)
        case InsertKey(address):
            return InsertStorageKey(0, address)


def checked(operation: Operation, outcome: FromStorage) -> FromStorage | Stopped:
    """Turn an access beyond the guest's storage into its program exception."""
    match operation, outcome:
        case Fetch(address, length), StorageData(parts=parts):
            done, what = len(parts[0]), "read"
        case Store(address, data), StorageWritten(length=done):
            length, what = len(data), "write"
        case ((SetKey(address) | InsertKey(address)), StorageKey(key=key)):
            done, length, what = int(key is not None), 1, "reach the key of"
        case _:
            raise AssertionError(f"{outcome} does not answer {operation}")
    if done == length:
        return outcome
    return _addressing(what, address, length, done)


def _addressing(what: str, address: int, length: int, done: int) -> Stopped:
    """Return the exception of an access that reached `done` bytes."""
    limit = f"ends at {address + done:#x}" if done else "does not have them"
    reason = (
        f"addressing exception: cannot {what} {length} bytes at {address:#x},"
        f" the guest's storage {limit}"
    )
    return Stopped(ProgramException.ADDRESSING, reason)
