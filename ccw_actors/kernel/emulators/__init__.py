"""QEMU's own faults, tried on a real QEMU by a guest without an operating system.

The guest, guest.c, executes one I/O instruction at a time, as we ask over its storage.
Behind the subchannel are this package's layers with gates, so the order of everything
is ours. The same scenario runs on a bare subchannel of this package, and one check
judges what both guests see.
"""

from ccw_actors.kernel.emulators._errors import EmulatorTestError as EmulatorTestError
from ccw_actors.kernel.emulators._laboratory import Laboratory as Laboratory
from ccw_actors.kernel.emulators._laboratory import open_laboratory as open_laboratory
from ccw_actors.kernel.emulators._reports import junit_of as junit_of
from ccw_actors.kernel.emulators._reports import save_record as save_record
from ccw_actors.kernel.emulators._scenarios import (
    EMULATOR_SCENARIOS as EMULATOR_SCENARIOS,
)
from ccw_actors.kernel.emulators._scenarios import EmulatorScenario as EmulatorScenario

__all__ = [
    "EMULATOR_SCENARIOS",
    "EmulatorScenario",
    "EmulatorTestError",
    "Laboratory",
    "junit_of",
    "open_laboratory",
    "save_record",
]
