"""The meaning of the condition codes of I/O instructions.

Source: PoP, chapter "I/O Instructions"; QEMU hw/s390x/css.c.
"""

from typing import Final

__all__ = ["Cc"]


class Cc:
    """Condition codes 0 to 3.

    Those of TSCH differ: 0 means that status was pending, 1 that it was not.
    """

    DONE: Final = 0
    STATUS_PENDING: Final = 1
    NOT_APPLICABLE: Final = 2
    """RSCH, XSCH: the function does not apply; SSCH, HSCH, MSCH, RCHP: busy."""
    NOT_OPERATIONAL: Final = 3
