"""The value of the fixture `probe`."""

from typing import Any

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime import System
from ccw_actors.testkit._probe import Probe

__all__ = ["ProbeFactory"]


class ProbeFactory:
    """Makes probes: `probe(Note, Notes)`, in its System or one given in the call."""

    def __init__(self, system: System | None) -> None:
        self._system = system

    def __call__(
        self, *accepts: Any, path: str | None = None, system: System | None = None
    ) -> Probe:
        """Return a new `Probe`. Raises `CcwActorsError` without a System."""
        where = self._system if system is None else system
        if where is None:
            raise CcwActorsError(
                "a probe needs a System: use one of the fixtures actor_system,"
                " virtual_system and stepping_system, or pass system=..."
            )
        return Probe(where, *accepts, path=path)
