"""Finds what is wrong with a machine, and says what was expected instead."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from ccw_actors.devices import DEVICE_MODELS
from ccw_actors.errors import MachineFileError
from ccw_actors.faults import FAULT_EXPECTED, fault_problems
from ccw_actors.machine._config import (
    GuestConfiguration,
    HostDevice,
    Machine,
    QemuGuest,
)

__all__ = [
    "EXPECTED",
    "QEMU_EXPECTED",
    "Problem",
    "check_machine",
    "fail",
    "problems",
]

_MIB = 1 << 20
_PROCESS: Final = 'a name of at most 64 letters, digits, "-" and "_" other than "host"'

EXPECTED: Final = {
    "devices_max": "the number of devices there may be",
    "guests_max": "the number of guests there may be",
    "placement": '"shared-host" or "with-guest"',
    "device": "[[device]] tables",
    "device.number": 'a device number such as "0.0.0150"',
    "device.type": f"a device type, one of {', '.join(sorted(DEVICE_MODELS))}",
    "device.model": 'a dotted name such as "package.module:callable"',
    "device.image": "the path of an image, relative to the machine file",
    "device.read_only": "true or false",
    "device.sync": "true or false",
    "device.shadow": 'the name of shadow files, such as "disk_*.img"',
    "device.unpacked_max": 'bytes as an integer, or a size such as "1 GiB"',
    "device.control_unit": "the name of a control unit",
    "device.takes_faults": "true or false",
    "device.fault": "[[device.fault]] tables",
    **{f"device.fault.{field}": text for field, text in FAULT_EXPECTED.items()},
    "device.process": _PROCESS,
    "guest": "[[guest]] tables",
    "guest.emulator": '"python" (a guest program) or "qemu"',
    "guest.name": 'a name of letters, digits, "-" and "_" other than "host"',
    "guest.storage": 'bytes as an integer, or a size such as "1 MiB"',
    "guest.program": 'a dotted name such as "package.module:callable"',
    "guest.arguments": "a table of the program's arguments by name",
    "guest.binary": "the name or path of a QEMU, relative to the machine file",
    "guest.cpus": "a number of CPUs, 1 to 248",
    "guest.kernel": "the path of a kernel, relative to the machine file",
    "guest.initrd": "the path of an initial ramdisk, relative to the machine file",
    "guest.append": "the kernel's command line",
    "guest.console": '"terminal" or the path of a file, relative to the machine file',
    "guest.line_mode": "true or false",
    "guest.boot": "the number of a [[guest.device]]",
    "guest.process": _PROCESS,
    "guest.device": "[[guest.device]] tables",
    "guest.device.number": 'the guest\'s device number, such as "0.0.0190"',
    "guest.device.host": "the number of a [[device]]",
}
"""What is expected at each key of a machine file."""

QEMU_EXPECTED: Final = {
    "guest.storage": 'whole MiB as in "512 MiB", or bytes as an integer',
    "guest.arguments": "a list of QEMU's own arguments",
}
"""The keys for which a guest in a QEMU expects something else."""


class Problem(NamedTuple):
    """What is wrong with a machine, and the key in the machine file that says so."""

    key: str
    text: str


def check_machine(machine: Machine, source: str = "machine") -> None:
    """Check what types cannot: that numbers and names fit together.

    Raises:
        MachineFileError: They do not; the text names `source` as the file.
    """
    problem = next(problems(machine), None)
    if problem is not None:
        fail(source, problem)


def problems(machine: Machine) -> Iterator[Problem]:
    """Yield everything that keeps the parts of a machine from fitting together."""
    yield from _too_many("device", len(machine.devices), machine.devices_max)
    yield from _too_many("guest", len(machine.guests), machine.guests_max)
    yield from _device_problems(machine)
    if not machine.guests:
        yield Problem("guest", "missing; expected at least one [[guest]]")
    names: dict[str, str] = {}
    passed: dict[int, str] = {}
    for index, guest in enumerate(machine.guests):
        key = f"guest[{index}]"
        if first := names.get(guest.name):
            yield _twice(f"{key}.name", guest.name, first, "each guest")
        names.setdefault(guest.name, f"{key}.name")
        yield from _guest_problems(guest, key)
        yield from _passed_problems(machine, guest, key, passed)
    yield from _terminal_problems(machine)


def _too_many(key: str, number: int, most: int) -> Iterator[Problem]:
    if number > most:
        text = f"expected {most} at most, got {number}; {key}s_max may say more"
        yield Problem(key, text)


def _terminal_problems(machine: Machine) -> Iterator[Problem]:
    on_terminal = [
        f"guest[{index}].console"
        for index, guest in enumerate(machine.guests)
        if isinstance(guest, QemuGuest) and guest.console and not guest.console.file
    ]
    if len(on_terminal) > 1:
        text = f"is the terminal, as is {on_terminal[0]}; expected one guest there"
        yield Problem(on_terminal[1], text)


def _guest_problems(
    guest: GuestConfiguration | QemuGuest, key: str
) -> Iterator[Problem]:
    if isinstance(guest, QemuGuest):
        yield from _qemu_problems(guest, key)
    elif misfit := guest.program.misfit(guest.arguments):
        expected = f"expected what {guest.program.name} takes"
        yield Problem(f"{key}.arguments", f"{expected}: {misfit}")


def _qemu_problems(guest: QemuGuest, key: str) -> Iterator[Problem]:
    if guest.storage % _MIB:
        expected = QEMU_EXPECTED["guest.storage"]
        text = f"expected {expected}, got {int(guest.storage)} bytes"
        yield Problem(f"{key}.storage", text)
    yield from _missing_file(guest.kernel, key, "kernel")
    yield from _missing_file(guest.initrd, key, "initrd")
    numbers = [device.number for device in guest.devices]
    if guest.boot is not None and guest.boot not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        text = f"expected {EXPECTED['guest.boot']} ({known}), got {guest.boot}"
        yield Problem(f"{key}.boot", text)


def _missing_file(file: Path | None, key: str, name: str) -> Iterator[Problem]:
    if file is not None and not file.exists():
        expected = EXPECTED[f"guest.{name}"]
        text = f"expected {expected}, but there is no file {file}"
        yield Problem(f"{key}.{name}", text)


def _device_problems(machine: Machine) -> Iterator[Problem]:
    numbers: dict[int, str] = {}
    images: dict[tuple[Path, str], tuple[str, HostDevice]] = {}
    for index, device in enumerate(machine.devices):
        key = f"device[{index}]"
        if device.process is not None and machine.placement == "shared-host":
            text = 'expected none, as placement = "shared-host" says where it is'
            yield Problem(f"{key}.process", f"{text}, got {device.process}")
        if first := numbers.get(device.number):
            yield _twice(f"{key}.number", device.number, first, "each device")
        numbers.setdefault(device.number, f"{key}.number")
        yield from _type_problems(device, key)
        yield from _fault_problems(device, key)
        if device.image is not None:
            # Devices with shadow files of their own may share the image below.
            file = (device.image.resolve(), device.shadow)
            other, sharer = images.setdefault(file, (f"{key}.image", device))
            if sharer is not device and _written_twice(device, sharer):
                text = f"also the image of {other}; expected one device for each image"
                yield Problem(f"{key}.image", f"{text}, unless all are read_only")


def _type_problems(device: HostDevice, key: str) -> Iterator[Problem]:
    """Check that a device has a model and an image."""
    if device.model is None and device.device_type not in DEVICE_MODELS:
        expected = EXPECTED["device.type"]
        got = f"got {device.device_type!r}"
        yield Problem(f"{key}.type", f"expected {expected}, {got}")
    expected = EXPECTED["device.image"]
    if device.image is None:
        if device.model is None:
            yield Problem(f"{key}.image", f"missing; expected {expected}")
    elif not device.image.is_file():
        text = f"expected {expected}, but there is no file {device.image}"
        yield Problem(f"{key}.image", text)
    if device.shadow and (device.image is None or device.image.suffix == ".gz"):
        text = "expected an image that is not gzipped, as its base"
        yield Problem(f"{key}.shadow", text)


def _fault_problems(device: HostDevice, key: str) -> Iterator[Problem]:
    for index, fault in enumerate(device.faults):
        for field, text in fault_problems(fault):
            yield Problem(f"{key}.fault[{index}].{field}", text)


def _written_twice(*devices: HostDevice) -> bool:
    image = devices[0].image
    copied = image is not None and image.suffix == ".gz"
    return not copied and not all(device.read_only for device in devices)


def _passed_problems(
    machine: Machine,
    guest: GuestConfiguration | QemuGuest,
    key: str,
    passed: dict[int, str],
) -> Iterator[Problem]:
    numbers: dict[int, str] = {}
    hosts = [device.number for device in machine.devices]
    for index, device in enumerate(guest.devices):
        place = f"{key}.device[{index}]"
        if first := numbers.get(device.number):
            each = "each device of a guest"
            yield _twice(f"{place}.number", device.number, first, each)
        numbers.setdefault(device.number, f"{place}.number")
        if device.host not in hosts:
            known = ", ".join(map(str, hosts)) or "none"
            expected = f"expected {EXPECTED['guest.device.host']} ({known})"
            yield Problem(f"{place}.host", f"{expected}, got {device.host}")
        elif first := passed.get(device.host):
            yield _twice(f"{place}.host", device.host, first, "one guest device")
        passed.setdefault(device.host, f"{place}.host")
    yield from _process_problems(machine, guest)


def _process_problems(
    machine: Machine, guest: GuestConfiguration | QemuGuest
) -> Iterator[Problem]:
    """Check that a guest's devices are to be in its process, unless they share one."""
    if machine.placement == "shared-host":
        return
    hosts = {device.host for device in guest.devices}
    for index, device in enumerate(machine.devices):
        named = device.process
        if device.number in hosts and named not in (None, guest.process):
            where = guest.process or "it has none"
            text = f"expected the process of guest {guest.name} ({where}), got {named}"
            yield Problem(f"device[{index}].process", text)


def _twice(key: str, value: object, first: str, owner: str) -> Problem:
    return Problem(key, f"{value} is also {first}; expected {owner} to have its own")


def fail(source: str, problem: Problem) -> NoReturn:
    """Raise `MachineFileError` with the problem, as one line."""
    text = " ".join(f"{problem.key}: {problem.text}".split())
    raise MachineFileError(f"{source}: {text}")
