"""The host of a golden vector: its devices, and the choices of its machine.

A setup has either devices with images, as Hercules was configured, or the arguments of
QEMU. See `HERCULES` and `QEMU` for the machines.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ccw_actors.channel import ModelDependent
from ccw_actors.devices import device_models
from ccw_actors.errors import UnsupportedSetupError, VectorError

__all__ = [
    "HERCULES",
    "QEMU",
    "Configured",
    "Personality",
    "attentions_of",
    "devices_of",
    "personality_of",
]

_OPERATOR: Final = "operator_commands_100ms_after_start"
_ATTENTION = re.compile(r"i ([0-9a-fA-F]{4})")


class Personality(Struct, frozen=True):
    """The choices of one kind of host where the architecture leaves them open.

    `storage` is in bytes. On a `synchronous` host a channel program has ended, or is
    suspended, before the next instruction.
    """

    storage: int
    model: ModelDependent
    synchronous: bool = False
    format_1_measurement: bool = True
    midaws: bool = False


HERCULES: Final = Personality(
    32 << 20,
    ModelDependent(
        lpm_from_orb=True,
        keeps_esw=True,
        interrupts_alone=True,
        path_reset_initializes=True,
        ancillary_path_report=True,
    ),
    format_1_measurement=False,
    midaws=True,
)
QEMU: Final = Personality(
    64 << 20,
    ModelDependent(
        scsw_from_orb=0xF880,
        start_sets_lpum=False,
        signals_set_lpum=True,
        esw_of_signals=True,
        esw_needs_status=True,
        check_shows_end=False,
    ),
    synchronous=True,
)


class Configured(Struct, frozen=True):
    """One device of a setup; `image` is the name of a file, "" if it has none."""

    device_type: str
    devno: int
    image: str = ""
    options: tuple[tuple[str, str], ...] = ()
    chpid: int = 0
    path_type: int = 0


def personality_of(setup: dict[str, Any]) -> Personality:
    """Return the kind of host that a setup is for.

    Raises:
        VectorError: No known kind of host has such a setup.
    """
    if "devices" in setup:
        return HERCULES
    if "qemu_args" in setup:
        return QEMU
    raise VectorError(f"setup {sorted(setup)}: expected devices or qemu_args")


def devices_of(setup: dict[str, Any]) -> tuple[Configured, ...]:
    """Return the devices of a setup, in the order of their subchannels.

    Raises:
        UnsupportedSetupError: There is no model of one of the devices.
        VectorError: The setup cannot be understood.
    """
    personality_of(setup)
    try:
        found = (
            [_hercules_device(device) for device in setup["devices"]]
            if "devices" in setup
            else _qemu_devices(setup["qemu_args"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VectorError(f"setup: {error!r}") from error
    for device in found:
        if device.device_type not in device_models():
            raise UnsupportedSetupError(f"there is no model of {device.device_type}")
    return tuple(found)


def _hercules_device(device: dict[str, Any]) -> Configured:
    number = int(device["devno"], 16)
    return Configured(
        device["type"], number, device.get("image", ""), chpid=number >> 8
    )


def _qemu_devices(arguments: Sequence[str]) -> list[Configured]:
    drives: dict[str, str] = {}
    found: list[Configured] = []
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        name = value.partition(",")[0]
        pairs = _pairs(value)
        if option == "-drive":
            drives[pairs["id"]] = Path(pairs["file"]).name
        elif option == "-device":
            found.append(_qemu_device(name, pairs, drives))
    return found


def _pairs(text: str) -> dict[str, str]:
    """Return the values of a QEMU option, by key; "" for a key without a value."""
    pairs: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        pairs[key] = value
    return pairs


def _qemu_device(
    name: str, pairs: Mapping[str, str], drives: Mapping[str, str]
) -> Configured:
    number = int(pairs["devno"].rpartition(".")[2], 16)
    image = drives[pairs["drive"]] if "drive" in pairs else ""
    if name == "x-terminal3270":
        return Configured("3270", number, chpid=1, path_type=0x1A)
    options = (("mac", pairs["mac"]),) if "mac" in pairs else ()
    kind = name.removesuffix("-ccw")
    return Configured(kind, number, image, options, path_type=0x32)


def attentions_of(setup: dict[str, Any]) -> tuple[int, ...]:
    """Return the numbers of the devices at which an operator causes attention.

    Raises:
        UnsupportedSetupError: The operator does something else.
    """
    found: list[int] = []
    for command in setup.get(_OPERATOR, ()):
        match = _ATTENTION.fullmatch(command)
        if match is None:
            words = shlex.split(command)
            raise UnsupportedSetupError(
                f"unknown operator command {words[:1]}: {command}"
            )
        found.append(int(match[1], 16))
    return tuple(found)
