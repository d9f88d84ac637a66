"""The user's own device models, found by a dotted name."""

from pathlib import Path
from typing import Any, Final

from ccw_actors.devices import DeviceConfiguration, DeviceModel, device_model
from ccw_actors.errors import CcwActorsError, DeviceRegistryError
from ccw_actors.machine._guest_program import import_named

__all__ = ["OwnModel"]

_PARTS: Final = [name for name in vars(DeviceModel) if not name.startswith("_")]


class OwnModel:
    """A callable that makes device models, and its dotted name."""

    __slots__ = ("factory", "name")

    def __init__(self, factory: Any, name: str) -> None:
        self.factory = factory
        self.name = name

    @classmethod
    def find(cls, name: object, folder: Path) -> "OwnModel":
        """Import "module:callable", also of a module in `folder`.

        Raises:
            ValueError: Nothing has that name, or it cannot be called.
        """
        factory = import_named(name, folder)
        if not callable(factory):
            kind = type(factory).__name__
            text = f"expected a callable that makes a device model, got {kind}"
            raise ValueError(f"{name}: {text}")  # noqa: TRY004 - told to msgspec
        return cls(factory, str(name))

    def make(self, configuration: DeviceConfiguration) -> DeviceModel[Any]:
        """Make the model of a device.

        Raises:
            DeviceRegistryError: The callable raised, or its result is not a model.
        """
        models = {configuration.device_type: self.factory}
        try:
            model = device_model(configuration, models)
        except CcwActorsError:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise DeviceRegistryError(f"{self.name}: {text}") from error
        missing = [part for part in _PARTS if not hasattr(model, part)]
        if missing:
            text = f"expected a device model, but it has no {missing[0]}"
            raise DeviceRegistryError(f"{self.name}: {text}")
        return model
