"""Reads a machine file: TOML, checked, to a `Machine`."""

import re
import reprlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import msgspec

from ccw_actors._suggestions import did_you_mean
from ccw_actors.errors import MachineFileError
from ccw_actors.faults import Fault
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
from ccw_actors.machine._own_model import OwnModel
from ccw_actors.machine._problems import (
    EXPECTED,
    QEMU_EXPECTED,
    Problem,
    check_machine,
    fail,
)

__all__ = ["MachineSource", "load_machine"]

_TABLES: dict[str, type[msgspec.Struct]] = {
    "": Machine,
    "device": HostDevice,
    "device.fault": Fault,
    "guest": GuestConfiguration,
    "guest.device": PassedThrough,
}
_FILE_MAX = 1 << 24
_TOO_DEEP = "expected values that are not nested so deep"
_PLACE = re.compile(r"(?P<text>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)
_FIELD = re.compile(
    r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL
)
_TOML_PLACE = re.compile(r"(.*) \(at (.*)\)", re.DOTALL)
_STEP = re.compile(r"(\w+)|\[(\d+)\]")


def load_machine(path: Path) -> Machine:
    """Read a machine file.

    Raises:
        MachineFileError: It cannot be read, or something in it is wrong; the text is
            one line with the file, the key and what was expected.
    """
    return MachineSource.read(path).machine()


class MachineSource(msgspec.Struct, frozen=True):
    """The text of a machine file, and its path, which paths in it are relative to."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the text.

        Raises:
            MachineFileError: It cannot be read, or is no text.
        """
        try:
            return cls(path, _bytes_of(path).decode())
        except UnicodeDecodeError as error:
            place = f"byte {error.start}"
            fail(str(path), Problem(place, "expected TOML, which is UTF-8 text"))

    def machine(self) -> Machine:
        """Return the machine that the text describes.

        Raises:
            MachineFileError: Something in it is wrong; see `load_machine`.
        """
        path, raw = self.path, _parsed(self.path, self.text)
        try:
            _name_emulators(raw)
            machine = msgspec.convert(raw, Machine, dec_hook=_reader(path.parent))
        except msgspec.ValidationError as error:
            fail(str(path), _translated(error, raw))
        except RecursionError:
            fail(str(path), Problem("TOML", _TOO_DEEP))
        check_machine(machine, str(path))
        return machine


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.fullmatch(str(error))
        text, place = match.groups() if match else (str(error), "")
        fail(str(path), Problem(place or "TOML", f"expected TOML: {text}"))
    except RecursionError:
        fail(str(path), Problem("TOML", _TOO_DEEP))
    except ValueError as error:  # a number with more digits than Python converts
        fail(str(path), Problem("TOML", f"expected TOML: {error}"))


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_FILE_MAX + 1)
    except OSError as error:
        text = f"{error.strerror}; expected a machine file"
        raise MachineFileError(f"{path}: {text}") from error
    if len(raw) > _FILE_MAX:
        text = f"expected a machine file of {_FILE_MAX} bytes at most"
        raise MachineFileError(f"{path}: {text}")
    return raw


def _name_emulators(raw: dict[str, Any]) -> None:
    """Make guests without `emulator` programs in Python."""
    guests = raw.get("guest")
    if isinstance(guests, list):
        for guest in cast("list[object]", guests):
            if isinstance(guest, dict):
                cast("dict[str, Any]", guest).setdefault("emulator", "python")


def _reader(folder: Path) -> Any:
    """Return the hook that converts values of TOML to our types."""
    in_folder: dict[type, Callable[[object, Path], object]] = {
        Path: _path,
        Binary: Binary.read,
        ConsoleTarget: ConsoleTarget.read,
        GuestProgram: GuestProgram.find,
        OwnModel: OwnModel.find,
    }
    readers: dict[type, Callable[[object], object]] = {
        DeviceNumber: DeviceNumber.read,
        FileSize: FileSize.read,
        StorageSize: StorageSize.read,
    }

    def read(kind: type, value: object) -> object:
        if kind in in_folder:
            return in_folder[kind](value, folder)
        return readers[kind](value)

    return read


def _path(value: object, folder: Path) -> Path:
    if not isinstance(value, str):
        raise TypeError
    return folder / value


def _translated(error: msgspec.ValidationError, raw: dict[str, Any]) -> Problem:
    """Return msgspec's error in terms of the machine file."""
    match = _PLACE.fullmatch(str(error))
    assert match is not None
    text, place = match["text"], match["place"] or ""
    table = re.sub(r"\[\d+\]", "", place)
    if error.__cause__ is not None and text:
        return Problem(place, text)
    is_qemu = place.startswith("guest") and _is_qemu(raw, place)
    about_it = EXPECTED | QEMU_EXPECTED if is_qemu else EXPECTED
    if (about := _FIELD.fullmatch(text)) is None:
        expected = about_it.get(table, text)
        return Problem(place, f"expected {expected}, got {_value(raw, place)}")
    kind, name = about.groups()
    key = f"{place}.{name}".lstrip(".")
    if kind == "contains unknown":
        known = QemuGuest if is_qemu and table == "guest" else _TABLES[table]
        return Problem(key, _unknown(name, known))
    expected = about_it[f"{table}.{name}".lstrip(".")]
    return Problem(key, f"missing; expected {expected}")


def _is_qemu(raw: dict[str, Any], place: str) -> bool:
    """Whether a place is in a guest that runs in a QEMU."""
    guest = _STEP.findall(place)[1:2]
    return bool(guest) and raw["guest"][int(guest[0][1])]["emulator"] == "qemu"


def _unknown(name: str, table: type[msgspec.Struct]) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(table)]
    hint = did_you_mean(name, known, 1) or f"expected {', '.join(known)}"
    return f"unknown key; {hint}"


def _value(raw: Any, place: str) -> str:
    """Show the value at that place, shortened if it is long."""
    for name, index in _STEP.findall(place):
        raw = raw[name] if name else raw[int(index)]
    return reprlib.repr(raw)
