"""What the condition codes of I/O instructions say.

Source: PoP, chapter "I/O Instructions"; QEMU hw/s390x/css.c.
"""

from typing import Final

__all__ = ["Cc"]


class Cc:
    """Condition codes 0 to 3.

    Those of TSCH differ: 0 says that status was pending, 1 that none was.
    """

    DONE: Final = 0
    STATUS_PENDING: Final = 1
    NOT_APPLICABLE: Final = 2
    """There is nothing to halt, resume or cancel; for SSCH and MSCH: busy."""
    NOT_OPERATIONAL: Final = 3
