"""The machine file: TOML, typed and checked, to a `Machine`."""

import difflib
import re
import reprlib
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

import msgspec

from ccw_actors.devices import DEVICE_MODELS
from ccw_actors.errors import MachineFileError
from ccw_actors.machine._config import (
    Binary,
    ConsoleTarget,
    DeviceNumber,
    FileSize,
    GuestConfiguration,
    HostDevice,
    Machine,
    PassedThrough,
    QemuGuest,
    StorageSize,
)
from ccw_actors.machine._guest_program import GuestProgram

__all__ = ["Problem", "check_machine", "load_machine", "problems"]

_TABLES: dict[str, type[msgspec.Struct]] = {
    "": Machine,
    "device": HostDevice,
    "guest": GuestConfiguration,
    "guest.device": PassedThrough,
}
_EXPECTED = {
    "devices_max": "the number of devices there may be",
    "guests_max": "the number of guests there may be",
    "device": "[[device]] tables",
    "device.number": 'a device number such as "0.0.0150"',
    "device.type": f"a device type, one of {', '.join(sorted(DEVICE_MODELS))}",
    "device.image": "the path of an image, relative to the machine file",
    "device.read_only": "true or false",
    "device.sync": "true or false",
    "device.unpacked_max": 'bytes as an integer, or a size such as "1 GiB"',
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
    "guest.device": "[[guest.device]] tables",
    "guest.device.number": 'the guest\'s device number, such as "0.0.0190"',
    "guest.device.host": "the number of a [[device]]",
}
_QEMU_EXPECTED = {
    "guest.storage": 'whole MiB as in "512 MiB", or bytes as an integer',
    "guest.arguments": "a list of QEMU's own arguments",
}
_MIB = 1 << 20
_FILE_MAX = 1 << 24
_PLACE = re.compile(r"(?P<text>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)
_FIELD = re.compile(
    r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL
)
_TOML_PLACE = re.compile(r"(.*) \(at (.*)\)", re.DOTALL)
_STEP = re.compile(r"(\w+)|\[(\d+)\]")


class Problem(NamedTuple):
    """What is wrong with a machine, and the key in the machine file that says so."""

    key: str
    text: str


def load_machine(path: Path) -> Machine:
    """Read a machine file.

    Raises:
        MachineFileError: It cannot be read, or something in it is wrong; one line with
            file, key and expectation.
    """
    raw = _read(path)
    try:
        _name_emulators(raw)
        machine = msgspec.convert(raw, Machine, dec_hook=_reader(path.parent))
    except msgspec.ValidationError as error:
        _fail(str(path), _translated(error, raw))
    except RecursionError:
        _fail(str(path), Problem("TOML", "expected values that are not nested so deep"))
    check_machine(machine, str(path))
    return machine


def check_machine(machine: Machine, source: str = "machine") -> None:
    """Check what the types do not: that numbers and names fit together.

    Raises:
        MachineFileError: They do not; `source` is named as the file.
    """
    problem = next(problems(machine), None)
    if problem is not None:
        _fail(source, problem)


def problems(machine: Machine) -> Iterator[Problem]:
    """Find everything that keeps the parts of a machine from going together."""
    for key, most in (("device", machine.devices_max), ("guest", machine.guests_max)):
        number = len(machine.devices if key == "device" else machine.guests)
        if number > most:
            text = f"expected {most} at most, got {number}; {key}s_max may say more"
            yield Problem(key, text)
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
        if isinstance(guest, QemuGuest):
            yield from _qemu_problems(guest, key)
        elif misfit := guest.program.misfit(guest.arguments):
            expected = f"expected what {guest.program.name} takes"
            yield Problem(f"{key}.arguments", f"{expected}: {misfit}")
        yield from _passed_problems(machine, guest, key, passed)
    on_terminal = [
        f"guest[{index}].console"
        for index, guest in enumerate(machine.guests)
        if isinstance(guest, QemuGuest) and guest.console and not guest.console.file
    ]
    if len(on_terminal) > 1:
        text = f"is the terminal, as is {on_terminal[0]}; expected one guest there"
        yield Problem(on_terminal[1], text)


def _qemu_problems(guest: QemuGuest, key: str) -> Iterator[Problem]:
    if guest.storage % _MIB:
        expected = _QEMU_EXPECTED["guest.storage"]
        text = f"expected {expected}, got {int(guest.storage)} bytes"
        yield Problem(f"{key}.storage", text)
    files = {"kernel": guest.kernel, "initrd": guest.initrd}
    for name, file in files.items():
        if file is not None and not file.exists():
            expected = _EXPECTED[f"guest.{name}"]
            text = f"expected {expected}, but there is no file {file}"
            yield Problem(f"{key}.{name}", text)
    numbers = [device.number for device in guest.devices]
    if guest.boot is not None and guest.boot not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        text = f"expected {_EXPECTED['guest.boot']} ({known}), got {guest.boot}"
        yield Problem(f"{key}.boot", text)


def _device_problems(machine: Machine) -> Iterator[Problem]:
    numbers: dict[int, str] = {}
    images: dict[Path, tuple[str, HostDevice]] = {}
    for index, device in enumerate(machine.devices):
        key = f"device[{index}]"
        if first := numbers.get(device.number):
            yield _twice(f"{key}.number", device.number, first, "each device")
        numbers.setdefault(device.number, f"{key}.number")
        if device.device_type not in DEVICE_MODELS:
            expected = _EXPECTED["device.type"]
            got = f"got {device.device_type!r}"
            yield Problem(f"{key}.type", f"expected {expected}, {got}")
        if not device.image.is_file():
            expected = _EXPECTED["device.image"]
            text = f"expected {expected}, but there is no file {device.image}"
            yield Problem(f"{key}.image", text)
        file = device.image.resolve()
        other, sharer = images.setdefault(file, (f"{key}.image", device))
        if sharer is not device and _written_twice(device, sharer):
            text = f"the image of {other} too; expected one device for each image"
            yield Problem(f"{key}.image", f"{text}, unless all are read_only")


def _written_twice(*devices: HostDevice) -> bool:
    copied = devices[0].image.suffix == ".gz"
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
            expected = f"expected {_EXPECTED['guest.device.host']} ({known})"
            yield Problem(f"{place}.host", f"{expected}, got {device.host}")
        elif first := passed.get(device.host):
            yield _twice(f"{place}.host", device.host, first, "one guest device")
        passed.setdefault(device.host, f"{place}.host")


def _twice(key: str, value: object, first: str, owner: str) -> Problem:
    return Problem(key, f"{value} is {first} too; expected {owner} to have its own")


def _fail(source: str, problem: Problem) -> NoReturn:
    text = " ".join(f"{problem.key}: {problem.text}".split())
    raise MachineFileError(f"{source}: {text}")


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_FILE_MAX + 1)
        if len(raw) > _FILE_MAX:
            text = f"expected a machine file of {_FILE_MAX} bytes at most"
            raise MachineFileError(f"{path}: {text}")
        return tomllib.loads(raw.decode())
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.fullmatch(str(error))
        text, place = match.groups() if match else (str(error), "")
        _fail(str(path), Problem(place or "TOML", f"expected TOML: {text}"))
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        _fail(str(path), Problem(place, "expected TOML, which is UTF-8 text"))
    except RecursionError:
        _fail(str(path), Problem("TOML", "expected values that are not nested so deep"))
    except ValueError as error:  # a number of more digits than Python converts
        _fail(str(path), Problem("TOML", f"expected TOML: {error}"))
    except OSError as error:
        text = f"expected a machine file that can be read: {error.strerror}"
        raise MachineFileError(f"{path}: {text}") from error


def _name_emulators(raw: dict[str, Any]) -> None:
    """Fill in what a guest is that does not say so: a program in Python."""
    guests = raw.get("guest")
    if isinstance(guests, list):
        for guest in cast("list[object]", guests):
            if isinstance(guest, dict):
                cast("dict[str, Any]", guest).setdefault("emulator", "python")


def _reader(folder: Path) -> Any:
    """Return the hook that makes values of our own types out of TOML's."""

    def read(kind: type, value: object) -> object:
        if kind is Path:
            if not isinstance(value, str):
                raise ValueError
            return folder / value
        if kind is Binary:
            return Binary.read(value, folder)
        if kind is ConsoleTarget:
            return ConsoleTarget.read(value, folder)
        if kind is GuestProgram:
            return GuestProgram.find(value, folder)
        readers: dict[type, Callable[[object], object]] = {
            DeviceNumber: DeviceNumber.read,
            FileSize: FileSize.read,
            StorageSize: StorageSize.read,
        }
        return readers[kind](value)

    return read


def _translated(error: msgspec.ValidationError, raw: dict[str, Any]) -> Problem:
    """Say in the machine file's words what msgspec found."""
    match = _PLACE.fullmatch(str(error))
    assert match is not None
    text, place = match["text"], match["place"] or ""
    table = re.sub(r"\[\d+\]", "", place)
    if error.__cause__ is not None and text:
        return Problem(place, text)
    is_qemu = place.startswith("guest") and _is_qemu(raw, place)
    about_it = _EXPECTED | _QEMU_EXPECTED if is_qemu else _EXPECTED
    if (about := _FIELD.fullmatch(text)) is None:
        expected = about_it.get(table, text)
        return Problem(place, f"expected {expected}, got {_value(raw, place)}")
    kind, name = about.groups()
    key = f"{place}.{name}".lstrip(".")
    if kind == "contains unknown":
        of_qemu = is_qemu and table == "guest"
        return Problem(key, _unknown(name, QemuGuest if of_qemu else _TABLES[table]))
    expected = about_it[f"{table}.{name}".lstrip(".")]
    return Problem(key, f"missing; expected {expected}")


def _is_qemu(raw: dict[str, Any], place: str) -> bool:
    """Whether the guest that a place is in runs in a QEMU."""
    guest = _STEP.findall(place)[1:2]
    return bool(guest) and raw["guest"][int(guest[0][1])]["emulator"] == "qemu"


def _unknown(name: str, table: type[msgspec.Struct]) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(table)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"
    return f"unknown key; {hint}"


def _value(raw: Any, place: str) -> str:
    """Show the value at that place, shortened if it is long."""
    for name, index in _STEP.findall(place):
        raw = raw[name] if name else raw[int(index)]
    return reprlib.repr(raw)
