"""Which of this package's actors a trace is about, and how to make them again.

Machines spawn their actors at paths that say what they are. A trace does not name what
else an actor was made with: the number of its subchannel, and where the host has the
guest's storage. There are as many possible values as devices and guests.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Final

from msgspec import Struct

from ccw_actors.actors import (
    ChannelSubsystem,
    Cio,
    Emulator,
    GuestSubchannel,
    Region,
    Subchannel,
    VfioCcw,
    VfioCcwRegions,
)
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.machine import DeviceNumber
from ccw_actors.runtime import Actor, System

__all__ = ["UNCHECKED", "Candidate", "candidates", "why_unchecked"]

_NUMBER: Final = r"[0-9a-f]+\.[0-9]\.[0-9a-f]{4}"
_HOST: Final = re.compile(rf"host/(?P<number>{_NUMBER})/(?P<layer>\w+)")
_PASSED: Final = re.compile(
    rf"(?P<guest>[^/]+)/(?P<number>{_NUMBER})/(?P<layer>[-\w]+)"
)
_GUEST: Final = re.compile(r"(?P<guest>[^/]+)/(?P<layer>[-\w]+)")
_STORAGE_SIZE: Final = 1 << 44
"""Where the next guest's storage begins, in the host's addresses."""
_QEMU_CHPID: Final = 0x40
_REGIONS: Final = frozenset({"WriteIo", "ReadIo", "WriteAsync", "ResetDevice"})

UNCHECKED: Final = {
    "volume": "its image is not in the trace",
    "device": "its model is made from an image, which is not in the trace",
    "cpu": "its program is not in the trace",
    "program": "it is a guest's own program",
    "storage": "its size, and of a QEMU its content, are not in the trace",
    "emulator": "of a QEMU, it is a process",
}
"""Actors that cannot be made from a trace, by the last part of their path, and why."""

Make = Callable[[System], Actor[Any]]


class Candidate(Struct, frozen=True):
    """One way to make an actor, and the values that were chosen for it."""

    make: Make
    values: str = ""


class _Cast(Struct, frozen=True):
    """The paths of a trace, and the messages between them, as sender and recipient."""

    paths: tuple[str, ...]
    pairs: frozenset[tuple[str, str]]
    types: dict[str, frozenset[str]]

    def peer(self, path: str, pattern: str) -> str:
        """Return the actor of such a path that this one exchanges messages with."""
        peers = {b for a, b in self.pairs if a == path}
        peers |= {a for a, b in self.pairs if b == path}
        return next((one for one in sorted(peers) if re.fullmatch(pattern, one)), "")

    def all(self, pattern: re.Pattern[str], layer: str) -> list[str]:
        """Return the paths of a layer, in order."""
        found = (pattern.fullmatch(one) for one in self.paths)
        return sorted(one[0] for one in found if one and one["layer"] == layer)

    @property
    def guests(self) -> int:
        """How many guests there are at most."""
        return len({one.partition("/")[0] for one in self.paths} - {"host", ""})


def candidates(
    path: str, paths: Sequence[str], types: dict[tuple[str, str], set[str]]
) -> list[Candidate]:
    """Return the ways to make the actor at a path; none if that cannot be known.

    `types` are the types of messages, by sender and recipient.
    """
    by_recipient: dict[str, frozenset[str]] = {}
    for (_, recipient), found in types.items():
        by_recipient[recipient] = by_recipient.get(recipient, frozenset()) | found
    cast = _Cast(tuple(paths), frozenset(types), by_recipient)
    return list(_candidates(path, cast))


def why_unchecked(path: str) -> str:
    """Return why the actor at a path is not checked."""
    layer = path.rpartition("/")[2]
    for name, why in UNCHECKED.items():
        if layer.rstrip("0123456789") == name:
            return why
    return "it is no actor of a machine"


def _candidates(path: str, cast: _Cast) -> Iterator[Candidate]:
    if found := _HOST.fullmatch(path):
        yield from _of_host(path, found, cast)
    elif found := _PASSED.fullmatch(path):
        yield from _of_passed(path, found, cast)
    elif found := _GUEST.fullmatch(path):
        yield from _of_guest(found["guest"], found["layer"], cast)


def _of_host(path: str, found: re.Match[str], cast: _Cast) -> Iterator[Candidate]:
    below = f"host/{found['number']}"
    driver = cast.peer(f"{below}/cio", r".*/vfio-ccw")
    match found["layer"]:
        case "cio" if driver:
            yield Candidate(
                lambda system: Cio(
                    system.ref(f"{below}/subchannel"), system.ref(driver)
                )
            )
        case "subchannel" if driver:
            guest = driver.partition("/")[0]
            count = len(cast.all(_HOST, "subchannel"))
            number = int(DeviceNumber.read(found["number"]))
            for at, index, chpid in product(
                range(count), range(cast.guests), (0, _QEMU_CHPID)
            ):
                yield Candidate(
                    _subchannel(
                        below,
                        guest,
                        SubchannelId(0, at),
                        Pmcw.of_device(number, chpid=chpid and chpid + at),
                        base=_STORAGE_SIZE * (1 + index),
                    ),
                    f"subchannel {at}, storage of guest {index}",
                )
        case _:
            del path


def _subchannel(
    below: str, guest: str, schid: SubchannelId, pmcw: Pmcw, *, base: int
) -> Make:
    def make(system: System) -> Subchannel:
        storage = system.ref(f"{guest}/storage")
        return Subchannel(
            schid,
            pmcw,
            system.ref(f"{below}/device"),
            (Region(base, _STORAGE_SIZE, storage, dma=True),),
            system.ref(f"{below}/cio"),
        )

    return make


def _of_passed(path: str, found: re.Match[str], cast: _Cast) -> Iterator[Candidate]:
    guest, below = found["guest"], path.rpartition("/")[0]
    cio = cast.peer(f"{below}/vfio-ccw", r"host/.*/cio")
    match found["layer"]:
        case "vfio-ccw" if cio:
            regions = bool(_REGIONS & cast.types.get(path, frozenset()))
            above = f"{guest}/emulator" if regions else f"{below}/subchannel"
            kind = VfioCcwRegions if regions else VfioCcw
            for index in range(cast.guests):
                base = _STORAGE_SIZE * (1 + index)
                yield Candidate(
                    _driver(kind, cio, guest, above, base),
                    f"storage of guest {index}",
                )
        case "subchannel":
            number = int(DeviceNumber.read(found["number"]))
            for at in range(len(cast.all(_PASSED, "subchannel"))):
                yield Candidate(_emulated(below, guest, number, at), f"subchannel {at}")
        case _:
            return


def _driver(kind: Any, cio: str, guest: str, above: str, base: int) -> Make:
    def make(system: System) -> Actor[Any]:
        ref = system.ref
        storage = ref(f"{guest}/storage")
        made: Actor[Any] = kind(ref(cio), storage, ref(above), base=base)
        return made

    return make


def _emulated(below: str, guest: str, number: int, at: int) -> Make:
    def make(system: System) -> GuestSubchannel:
        ref = system.ref
        schid, pmcw = SubchannelId(0, at), Pmcw.of_device(number)
        return GuestSubchannel(
            schid, pmcw, ref(f"{below}/vfio-ccw"), ref(f"{guest}/css")
        )

    return make


def _of_guest(guest: str, layer: str, cast: _Cast) -> Iterator[Candidate]:
    """Yield the subsystem of a guest that is no QEMU, and the actor that ends it."""
    own = [
        one for one in cast.all(_PASSED, "subchannel") if one.startswith(f"{guest}/")
    ]
    if not own:
        return
    match layer:
        case "css":
            yield Candidate(
                lambda system: ChannelSubsystem(dict(enumerate(map(system.ref, own))))
            )
        case "emulator":
            yield Candidate(lambda system: Emulator(1, tuple(map(system.ref, own))))
        case _:
            return
