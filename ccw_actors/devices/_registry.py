"""The registry of device types: the factory of each type's models."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, cast

from ccw_actors.devices._model import DeviceConfiguration, DeviceModel
from ccw_actors.devices.eckd import DISKS as CKD_TYPES
from ccw_actors.devices.eckd import Eckd
from ccw_actors.devices.fba import Fba
from ccw_actors.devices.fba._hardware import HARDWARE as FBA_TYPES
from ccw_actors.devices.virtual import Terminal, Virtio
from ccw_actors.devices.virtual._virtio_kinds import KINDS as VIRTIO_KINDS
from ccw_actors.errors import DeviceRegistryError, UnknownDeviceTypeError

__all__ = [
    "DEVICE_MODELS",
    "ENTRY_POINTS",
    "ModelFactory",
    "device_model",
    "device_models",
]

ModelFactory = Callable[[DeviceConfiguration], DeviceModel[Any]]

_MODELS: dict[str, ModelFactory] = {
    "3270": Terminal,
    **dict.fromkeys(CKD_TYPES, Eckd),
    **dict.fromkeys(FBA_TYPES, Fba),
    **dict.fromkeys(VIRTIO_KINDS, Virtio),
}
DEVICE_MODELS: Mapping[str, ModelFactory] = MappingProxyType(_MODELS)
"""The models of this package, by device type."""

ENTRY_POINTS = "ccw_actors.devices"
"""Group of entry points in which a package names its models, each by its type."""


@cache
def device_models() -> Mapping[str, ModelFactory]:
    """Return all models, ours and those of installed packages, by device type.

    Raises:
        DeviceRegistryError: An entry point cannot be loaded, is not callable, or names
            a type that exists already.
    """
    found = dict(DEVICE_MODELS)
    for entry in entry_points(group=ENTRY_POINTS):
        where = f"entry point {entry.name} = {entry.value!r} in {ENTRY_POINTS}"
        if entry.name in found:
            raise DeviceRegistryError(f"{where}: a model of that type exists already")
        try:
            factory: Any = entry.load()
        except (ImportError, AttributeError) as error:
            raise DeviceRegistryError(f"{where}: {error}") from error
        if not callable(factory):
            raise DeviceRegistryError(f"{where}: it cannot be called")
        found[entry.name] = cast("ModelFactory", factory)
    return MappingProxyType(found)


def device_model(
    configuration: DeviceConfiguration,
    models: Mapping[str, ModelFactory] | None = None,
) -> DeviceModel[Any]:
    """Make a model of the configured type, from `models` or else `device_models()`.

    Raises:
        UnknownDeviceTypeError: There is no such type.
        ImageError: The device type does not take a volume of this geometry.
        UnknownControlUnitError: The disk cannot be behind the control unit named.
        DeviceRegistryError: See `device_models`.
    """
    known = device_models() if models is None else models
    factory = known.get(configuration.device_type)
    if factory is None:
        raise UnknownDeviceTypeError(configuration.device_type, tuple(sorted(known)))
    return factory(configuration)
