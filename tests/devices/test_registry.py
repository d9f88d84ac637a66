"""Device types and their models."""

import pytest

from ccw_actors.devices import (
    DEVICE_MODELS,
    DeviceConfiguration,
    Geometry,
    device_model,
)
from ccw_actors.errors import (
    CcwActorsError,
    ImageError,
    UnknownDeviceTypeError,
)


@pytest.mark.parametrize("device_type", DEVICE_MODELS)
def test_known_types_have_a_model(device_type: str) -> None:
    """The state of each model is of the type that the model says."""
    geometry = Geometry(device_type, cylinders=1, heads=15, track_size=1)
    model = device_model(DeviceConfiguration(device_type, geometry))
    assert isinstance(model.initial(), model.state_type)


def test_unknown_type_lists_the_known_ones() -> None:
    """The error says which types there are."""
    with pytest.raises(UnknownDeviceTypeError, match="'2305', expected one of") as info:
        device_model(DeviceConfiguration("2305"))
    assert isinstance(info.value, CcwActorsError)
    assert info.value.device_type == "2305"
    assert info.value.known == tuple(sorted(DEVICE_MODELS))


def test_models_can_be_given() -> None:
    """A caller's own mapping is used instead."""
    with pytest.raises(UnknownDeviceTypeError, match=r"expected one of 3380$"):
        device_model(
            DeviceConfiguration("3390"), models={"3380": DEVICE_MODELS["3380"]}
        )


def test_disk_needs_its_volume() -> None:
    """A disk without a volume, or with one of another type, is not made."""
    with pytest.raises(ImageError, match="a 3390 needs a volume"):
        device_model(DeviceConfiguration("3390"))
    volume = Geometry("3380", cylinders=1, heads=15, track_size=47616)
    with pytest.raises(ImageError, match="that of a 3380, expected a 3390"):
        device_model(DeviceConfiguration("3390", volume))
