"""Requests to a running machine with a QEMU, which come by its control socket."""

from msgspec.structs import replace

from ccw_actors.machine._config import HostDevice, Machine, PassedThrough
from ccw_actors.runtime import Message, Request

__all__ = [
    "AttachDisk",
    "Attached",
    "DetachDisk",
    "Detached",
    "PauseGuest",
    "Paused",
    "ResumeGuest",
    "Resumed",
    "with_disk",
    "with_faults",
    "without_disk",
]


class Attached(Message, frozen=True):
    """The guest has the device; `host` is the host's number for it."""

    host: str


class AttachDisk(Request[Attached], frozen=True):
    """Plug a disk into a guest that runs, under the guest's `number`.

    `image` is an absolute path; the other fields are as in a machine file.
    """

    guest: str
    number: str
    device_type: str
    image: str
    read_only: bool = False
    control_unit: str = ""


class Detached(Message, frozen=True):
    """The guest has given the device up, and no I/O on it is in progress."""


class DetachDisk(Request[Detached], frozen=True):
    """Unplug the device of that number of a guest, and close its image."""

    guest: str
    number: str


class Paused(Message, frozen=True):
    """No virtual CPU of the guest runs; I/O in progress goes on."""


class PauseGuest(Request[Paused], frozen=True):
    """Stop the virtual CPUs of a guest."""

    guest: str


class Resumed(Message, frozen=True):
    """The virtual CPUs of the guest run."""


class ResumeGuest(Request[Resumed], frozen=True):
    """Let the virtual CPUs of a guest run again."""

    guest: str


def with_disk(
    machine: Machine, guest: str, device: HostDevice, passed: PassedThrough
) -> Machine:
    """Return the machine with one more device, which that guest has."""
    guests = tuple(
        replace(one, devices=(*one.devices, passed)) if one.name == guest else one
        for one in machine.guests
    )
    return replace(machine, devices=(*machine.devices, device), guests=guests)


def without_disk(machine: Machine, guest: str, passed: PassedThrough) -> Machine:
    """Return the machine without a device of that guest."""
    guests = tuple(
        replace(one, devices=tuple(p for p in one.devices if p != passed))
        if one.name == guest
        else one
        for one in machine.guests
    )
    devices = tuple(d for d in machine.devices if d.number != passed.host)
    return replace(machine, devices=devices, guests=guests)


def with_faults(machine: Machine) -> Machine:
    """Return the machine, all of whose devices take faults."""
    devices = tuple(replace(one, takes_faults=True) for one in machine.devices)
    return replace(machine, devices=devices)
