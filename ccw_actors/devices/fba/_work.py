"""One command in execution by a fixed-block disk, and the state it leaves."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Dstat
from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.devices.fba._extent import Domain, Extent
from ccw_actors.devices.fba._hardware import Hardware
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry

__all__ = ["Chain", "FbaState", "MissingGroupError", "RejectedError", "Work"]


class Chain(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State that lasts for a chain of commands; `previous` is the last one's code."""

    extent: Extent | None = None
    domain: Domain | None = None
    previous: int = 0


class FbaState(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """State of a disk: the pending sense byte 0, and the state of the chain."""

    condition: int = 0
    chain: Chain = Chain()


class RejectedError(Exception):
    """The command is rejected after `taken` bytes of its argument."""

    def __init__(self, taken: int = 0) -> None:
        super().__init__(f"rejected after {taken} bytes")
        self.taken = taken


class MissingGroupError(Exception):
    """The command needs a group of blocks that the caller has not given."""

    def __init__(self, number: int) -> None:
        super().__init__(f"group {number} is needed")
        self.number = number


class Work:
    """One command in execution by a disk; each command gets a new one."""

    def __init__(
        self,
        geometry: BlockGeometry,
        hardware: Hardware,
        state: FbaState,
        command: DeviceCommand,
        groups: Mapping[int, bytes],
    ) -> None:
        self.geometry = geometry
        self.hardware = hardware
        self.command = command
        self.chain = state.chain if command.chained else Chain()
        self.condition = state.condition
        self.writes: tuple[tuple[int, bytes], ...] = ()
        self._groups = groups

    def argument(self, size: int) -> bytes:
        """Take the argument of a command; reject one that is too short."""
        argument = self.command.data[:size]
        if len(argument) < size:
            raise RejectedError(len(argument))
        return argument

    def give(self, data: bytes) -> CommandEnd:
        """End a read with as much of the data as the count allows."""
        given = data[: self.command.count]
        return CommandEnd(
            Dstat.CHANNEL_AND_DEVICE_END,
            given,
            transferred=len(given),
            length=len(data),
        )

    def group(self, number: int) -> bytes:
        """Return the image of a group of blocks."""
        try:
            return self._groups[number]
        except KeyError:
            raise MissingGroupError(number) from None

    def blocks(self, first: int, count: int) -> bytes:
        """Return `count` blocks of the volume."""
        return b"".join(self._block(number) for number in range(first, first + count))

    def _block(self, number: int) -> bytes:
        group, at = self.geometry.place(number)
        return self.group(group)[at : at + BLOCK_SIZE]

    def put(self, first: int, data: bytes) -> None:
        """Replace blocks of the volume from block `first` on.

        A group that is replaced entirely is not asked for: Linux clears the blocks of
        a whole volume with one command.
        """
        writes: list[tuple[int, bytes]] = []
        start, end = first * BLOCK_SIZE, first * BLOCK_SIZE + len(data)
        size = self.geometry.per_group * BLOCK_SIZE
        for group in range(start // size, -(-end // size)):
            base = group * size
            low, high = max(start, base), min(end, base + self.geometry.size_of(group))
            image = data[low - start : high - start]
            if high - low < self.geometry.size_of(group):
                old = self.group(group)
                image = old[: low - base] + image + old[high - base :]
            writes.append((group, image))
        self.writes = tuple(writes)

    def take_domain(self, *before: int) -> Domain:
        """Return the located blocks, which the command uses up.

        It has to be chained to one of the commands `before`.
        """
        domain = self.chain.domain
        if domain is None or self.chain.previous not in before:
            raise RejectedError
        self.chain = replace(self.chain, domain=None)
        return domain
