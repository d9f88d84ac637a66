"""Minimal models of the devices that QEMU's channel subsystem emulates itself."""

from ccw_actors.devices.virtual._terminal import COMMANDS as TERMINAL_COMMANDS
from ccw_actors.devices.virtual._terminal import Terminal as Terminal
from ccw_actors.devices.virtual._virtio import COMMANDS as VIRTIO_COMMANDS
from ccw_actors.devices.virtual._virtio import Virtio as Virtio
from ccw_actors.devices.virtual._virtio_kinds import KINDS as KINDS

__all__ = ["KINDS", "TERMINAL_COMMANDS", "VIRTIO_COMMANDS", "Terminal", "Virtio"]
