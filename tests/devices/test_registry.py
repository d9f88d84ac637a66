"""Device types and their models."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from ccw_actors.devices import (
    DEVICE_MODELS,
    ENTRY_POINTS,
    BlockGeometry,
    DeviceConfiguration,
    Geometry,
    device_model,
    device_models,
)
from ccw_actors.devices.ckd_types import CKD_TYPES, ckd_volume
from ccw_actors.errors import (
    CcwActorsError,
    DeviceRegistryError,
    ImageError,
    UnknownDeviceTypeError,
)


@pytest.mark.parametrize("device_type", DEVICE_MODELS)
def test_known_types_have_a_model(device_type: str) -> None:
    """The state of each model has the type `state_type`."""
    tracks = {kind.name: ckd_volume(kind, 1) for kind in CKD_TYPES}
    shape = tracks.get(device_type) or BlockGeometry(device_type, 8)
    model = device_model(DeviceConfiguration(device_type, shape))
    assert isinstance(model.initial(), model.state_type)


def test_unknown_type_lists_the_known_ones() -> None:
    """The error lists the known types."""
    with pytest.raises(UnknownDeviceTypeError, match="'2321', expected one of") as info:
        device_model(DeviceConfiguration("2321"))
    assert isinstance(info.value, CcwActorsError)
    assert info.value.device_type == "2321"
    assert info.value.known == tuple(sorted(DEVICE_MODELS))


def test_models_can_be_given() -> None:
    """A caller's own mapping is used instead."""
    with pytest.raises(UnknownDeviceTypeError, match=r"expected one of 3380$"):
        device_model(
            DeviceConfiguration("3390"), models={"3380": DEVICE_MODELS["3380"]}
        )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that installs a package with one model."""

    def install(name: str, value: str) -> None:
        entry = EntryPoint(name, value, ENTRY_POINTS)

        def found(*, group: str) -> list[EntryPoint]:
            return [entry] if group == ENTRY_POINTS else []

        monkeypatch.setattr("ccw_actors.devices._registry.entry_points", found)
        device_models.cache_clear()
        monkeypatch.setattr(
            "ccw_actors.devices._registry.device_models", device_models.__wrapped__
        )

    return install


def model_of_tests(configuration: DeviceConfiguration) -> Any:
    """Take the place of a model."""
    return configuration


def test_installed_package_adds_a_model(installed: Callable[[str, str], None]) -> None:
    """A package names its model in an entry point, by the device type."""
    installed("4711", f"{__name__}:model_of_tests")
    configuration = DeviceConfiguration("4711")
    assert device_model(configuration) is configuration  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("4711", "no.such.module:model", "No module named"),
        ("4711", f"{__name__}:no_such_model", "no attribute"),
        ("4711", f"{__name__}:__name__", "cannot be called"),
        ("3390", f"{__name__}:model_of_tests", "a model of that type exists already"),
    ],
)
def test_installed_package_that_is_wrong(
    installed: Callable[[str, str], None], name: str, value: str, why: str
) -> None:
    """The error names the entry point, and what is wrong with it."""
    installed(name, value)
    with pytest.raises(DeviceRegistryError, match=why):
        device_model(DeviceConfiguration("4711"))


def test_disk_needs_its_volume() -> None:
    """A disk without a volume, or with one of another type, is not made."""
    with pytest.raises(ImageError, match="a 3390 needs a volume"):
        device_model(DeviceConfiguration("3390"))
    volume = Geometry("3380", cylinders=1, heads=15, track_size=47616)
    with pytest.raises(ImageError, match="that of a 3380, expected a 3390"):
        device_model(DeviceConfiguration("3390", volume))
