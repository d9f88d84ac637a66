"""Sense byte 0, whose bits have the same meaning for every device.

Source: PoP, "Basic Sense".
"""

from typing import Final

__all__ = ["Sense"]


class Sense:
    """The bits that the models set."""

    COMMAND_REJECT: Final = 0x80
    INTERVENTION_REQUIRED: Final = 0x40
    EQUIPMENT_CHECK: Final = 0x10
