"""Which device types there are, and what makes a model of each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ccw_actors.devices.eckd import Eckd
from ccw_actors.devices.model import DeviceConfiguration, DeviceModel
from ccw_actors.errors import UnknownDeviceTypeError

__all__ = ["DEVICE_MODELS", "ModelFactory", "device_model"]

ModelFactory = Callable[[DeviceConfiguration], DeviceModel[Any]]

DEVICE_MODELS: Mapping[str, ModelFactory] = MappingProxyType(
    {"3380": Eckd, "3390": Eckd}
)


def device_model(
    configuration: DeviceConfiguration,
    models: Mapping[str, ModelFactory] = DEVICE_MODELS,
) -> DeviceModel[Any]:
    """Make a model of the configured type.

    Raises:
        UnknownDeviceTypeError: `models` has no such type.
        ImageError: The volume is not one for this type of device.
    """
    factory = models.get(configuration.device_type)
    if factory is None:
        raise UnknownDeviceTypeError(configuration.device_type, tuple(sorted(models)))
    return factory(configuration)
