"""A host for channel programs: storage with keys, a device given as a function."""

from collections.abc import Callable

from ccw_actors.channel.actions import (
    Action,
    Answer,
    Continue,
    FetchData,
    Fetched,
    FetchWords,
    Perform,
    StorageCheck,
    Stored,
    StoreData,
)
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.channel.execution import Execution
from ccw_actors.channel.program import answered

PAGE = 4096

FakeDevice = Callable[[DeviceCommand], CommandEnd]


class FakeStorage:
    """Zeroed pages below `size` bytes, with storage keys as SSKE sets them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pages: dict[int, bytearray] = {}
        self.keys: dict[int, int] = {}

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes."""
        return bytes(
            self._page(at)[at % PAGE] for at in range(address, address + length)
        )

    def write(self, address: int, data: bytes) -> None:
        """Store without a check of keys."""
        for at, value in enumerate(data, address):
            self._page(at)[at % PAGE] = value

    def _page(self, address: int) -> bytearray:
        return self.pages.setdefault(address // PAGE, bytearray(PAGE))

    def refused(
        self, address: int, length: int, key: int, *, store: bool
    ) -> StorageCheck | None:
        """Return why an access is refused, or None."""
        if address + length > self.size:
            return StorageCheck.ADDRESSING
        for page in range(address // PAGE, (address + length - 1) // PAGE + 1):
            held = self.keys.get(page, 0)
            if key not in (0, held >> 4) and (store or held & 0x08):
                return StorageCheck.PROTECTION
        return None

    def fetch(self, pieces: tuple[tuple[int, int], ...], key: int) -> Fetched:
        """Answer a fetch; a piece is refused as a whole."""
        data = b""
        for address, length in pieces:
            check = self.refused(address, length, key, store=False)
            if check is not None:
                return Fetched(data, check)
            data += self.read(address, length)
        return Fetched(data)

    def store(self, pieces: tuple[tuple[int, bytes], ...], key: int) -> Stored:
        """Answer a store; a piece is refused as a whole."""
        count = 0
        for address, data in pieces:
            check = self.refused(address, len(data), key, store=True)
            if check is not None:
                return Stored(count, check)
            self.write(address, data)
            count += len(data)
        return Stored(count)


def performed(action: Action, storage: FakeStorage, device: FakeDevice) -> Answer:
    """Perform one action."""
    match action:
        case FetchWords(address=address, length=length, key=key):
            return storage.fetch(((address, length),), key)
        case FetchData(pieces=pieces, key=key):
            return storage.fetch(pieces, key)
        case StoreData(pieces=pieces, key=key):
            return storage.store(pieces, key)
        case Perform(command=command):
            return device(command)
        case _:
            return Continue()


def step(execution: Execution, storage: FakeStorage, device: FakeDevice) -> Execution:
    """Perform the action of an execution and continue to the next one."""
    return answered(execution, performed(execution.action, storage, device))
