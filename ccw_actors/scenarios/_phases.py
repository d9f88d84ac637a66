"""Names for the phases of the layers, which the coverage of a scenario lists."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from ccw_actors.actors.emulator import GuestSubchannelState
from ccw_actors.actors.hardware import DeviceState, SubchannelState
from ccw_actors.actors.host import CioState, DriverState
from ccw_actors.channel import Actl, Fctl, Scsw
from ccw_actors.explore import World

__all__ = ["PHASES", "name_phases"]

_FUNCTIONS: Final = ((Fctl.START, "START"), (Fctl.HALT, "HALT"), (Fctl.CLEAR, "CLEAR"))
_ACTIVITY: Final = (
    (Actl.SUSPENDED, "suspended"),
    (Actl.SUBCHANNEL_ACTIVE, "active"),
    (Actl.START_PENDING, "pending"),
)


def _functions(scsw: Scsw) -> str:
    names = [name for bit, name in _FUNCTIONS if scsw.fctl & bit]
    return "+".join(names) or "idle"


def _status(scsw: Scsw) -> str:
    if not scsw.pending:
        return ""
    return ", intermediate status" if scsw.is_intermediate else ", status"


def _vfio_ccw(state: DriverState) -> str:
    program = state.program
    if program is None:
        phase = "untaken" if state.untaken else "idle"
    else:
        phase = "resuming" if program.resume else program.phase
    asked = (("halt", state.halt), ("clear", state.clear), ("cancel", state.cancel))
    return "+".join([phase, *(name for name, number in asked if number)])


def _cio(state: CioState) -> str:
    if not state.operational:
        return "not operational"
    return state.issued or "ready"


def _guest_subchannel(state: GuestSubchannelState) -> str:
    if not state.schib.pmcw.valid:
        return "not operational"
    if state.resetting:
        return "resetting"
    scsw = state.schib.scsw
    at_host = ", instruction at the host" if state.below is not None else ""
    return _functions(scsw) + _status(scsw) + at_host


def _subchannel(state: SubchannelState) -> str:
    if not state.schib.pmcw.valid:
        return "not operational"
    if not state.schib.pmcw.enabled:
        return "disabled"
    scsw = state.schib.scsw
    words = [_functions(scsw)]
    words += [name for bit, name in _ACTIVITY if scsw.actl & bit]
    if state.uses_storage:
        words.append("storage")
    elif state.work.awaited == "device":
        words.append("device")
    return " ".join(words) + _status(scsw)


def _device(state: DeviceState) -> str:
    if state.work is None:
        return "idle"
    return "reading" if state.work.outcome is None else "writing"


Phase: TypeAlias = Callable[[Any], str]

PHASES: Final[dict[str, tuple[type[Any], Phase]]] = {
    "guest-subchannel": (GuestSubchannelState, _guest_subchannel),
    "vfio-ccw": (DriverState, _vfio_ccw),
    "cio": (CioState, _cio),
    "subchannel": (SubchannelState, _subchannel),
    "device": (DeviceState, _device),
}
"""By path: the state of a layer, and the function that names its phase."""


def name_phases(world: World) -> None:
    """Name the phases of the layers that are there.

    An actor of another type at the path of a layer has no phase.
    """
    for path, (kind, phase) in PHASES.items():
        if world.system.is_alive(path):
            world.label(world.system.ref(path), partial(_named, kind, phase))


def _named(kind: type[Any], phase: Phase, state: object) -> str:
    return phase(state) if isinstance(state, kind) else ""
