"""Orders: which CPU runs until where, and what the host's side does in between.

| step | what it does |
|---|---|
| Begin | boots, and parks each thread of the client at its first place |
| Until | lets one CPU run until it is about to execute a place, and parks it there |
| Release | lets a parked CPU run again |
| Hold, Open | closes or opens a gate: of the interrupt, of the data |
| Attention, Lose | the device shows attention, or is unplugged |
| Begun | waits until the client's threads have begun |
| Signals | waits until the host's side has an interruption, which a gate may hold |
| Pause | waits |
| PathReport | the host reports that the device's channel path goes, or comes |
| Injected | waits until QEMU has taken what the host's side has shown |
| LookAtHost | notes the SCHIB of the host's subchannel |
| ReadState | notes the driver's state: `private->state` |
| Follow | remembers which task a parked CPU executes |
| LookAtTask | notes the functions that this task is in |

Steps about the host's side name a device, by its number.

A CPU is parked from its place on, until a step lets it run again. While a step lets a
CPU run, the others that are not parked run as well: one that a stop has caught anywhere
may have a lock that is needed. After the last step all run. CPU 0 takes interruptions
and does the kernel's work; the client's threads have CPUs 1 and 2.
"""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = [
    "KERNEL_CPU",
    "Attention",
    "Begin",
    "Begun",
    "Follow",
    "Hold",
    "HostStep",
    "Injected",
    "LookAtHost",
    "LookAtTask",
    "Lose",
    "Open",
    "OrderStep",
    "PathReport",
    "Pause",
    "Place",
    "ReadState",
    "Release",
    "Signals",
    "TellHost",
    "Until",
]

KERNEL_CPU: Final = 0
"""The CPU that takes interruptions and does the kernel's deferred work."""


class Release(Struct, frozen=True):
    """Let a CPU run whenever others run: it is no longer parked."""

    cpu: int


class Place(Struct, frozen=True):
    """A place in the kernel's code: the entry of a function, or around a call in it.

    With `calls` it is the instruction that calls that function, with `after` also the
    one behind it. A function that the compiler has inlined begins where its code does.
    `name` is what a person reads in its place. A kernel that has no such place may have
    the one of `otherwise`. With `inlines` it is where the body of that function begins,
    which the compiler has put into this one.
    """

    function: str
    calls: str = ""
    after: bool = False
    name: str = ""
    otherwise: "Place | None" = None
    inlines: str = ""

    def __str__(self) -> str:
        """Return the place in words."""
        if self.name:
            return self.name
        if self.inlines:
            return f"{self.function}(), at the {self.inlines}() in it"
        if not self.calls:
            return f"{self.function}()"
        where = "after" if self.after else "at"
        return f"{self.function}(), {where} the call of {self.calls}()"


class Begin(Struct, frozen=True):
    """Let the kernel boot until each of these CPUs is at its place."""

    places: tuple[tuple[int, Place], ...]


class Until(Struct, frozen=True):
    """Let `cpu` run until it reaches the place.

    If it does not within `patience` seconds, the order has failed. With a `why_not`,
    the kernel excludes the rest of the order then, and that is why.
    """

    cpu: int
    place: Place
    patience: float = 6.0
    why_not: str = ""


class Hold(Struct, frozen=True):
    """Close a gate."""

    gate: Literal["interrupt", "data"]
    device: int = 0


class Open(Struct, frozen=True):
    """Open a gate."""

    gate: Literal["interrupt", "data"]
    device: int = 0


class Injected(Struct, frozen=True):
    """Wait until QEMU has read an IRB and has had the time to make it pending."""

    device: int = 0


class Attention(Struct, frozen=True):
    """Have the device show attention."""

    device: int = 0


class Lose(Struct, frozen=True):
    """Unplug the device."""

    device: int = 0


class PathReport(Struct, frozen=True):
    """Report that the channel path of a device goes, or comes."""

    comes: bool
    device: int = 0


class Begun(Struct, frozen=True):
    """Wait until the client's threads have begun."""


class Signals(Struct, frozen=True):
    """Wait until the host's side has one more interruption, held or not."""

    device: int = 0


class Pause(Struct, frozen=True):
    """Let so much time pass."""

    seconds: float


class LookAtHost(Struct, frozen=True):
    """Note the SCHIB of the host's subchannel."""

    device: int = 0


class ReadState(Struct, frozen=True):
    """Note the driver's state of the device that the order has stopped in."""


class Follow(Struct, frozen=True):
    """Remember the task that a CPU executes, which is parked in the kernel."""

    cpu: int


class LookAtTask(Struct, frozen=True):
    """Note the functions that the remembered task is in, wherever it executes."""


TellHost: TypeAlias = Hold | Open | Attention | Lose
"""Steps that end at once."""
HostStep: TypeAlias = (
    TellHost | PathReport | Injected | Begun | Signals | Pause | LookAtHost
)
"""Steps that need no debugger."""
OrderStep: TypeAlias = (
    Begin | Until | Release | ReadState | Follow | LookAtTask | HostStep
)
