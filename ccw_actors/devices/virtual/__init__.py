"""Devices that are part of a channel subsystem itself, as QEMU has them: thin ones."""

from ccw_actors.devices.virtual._terminal import Terminal as Terminal
from ccw_actors.devices.virtual._virtio import Virtio as Virtio

__all__ = ["Terminal", "Virtio"]
