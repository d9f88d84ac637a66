"""A guest that is a program in Python, above the vfio interface.

| path | actor |
|---|---|
| alice/css, /emulator, /cpu0 | the guest |
| alice/program | its program, if it blocks: a thread |
| alice/0.0.0190/subchannel | a device passed through to it |

What is below the interface is the host's part: see `_host_part`.
"""

from functools import partial
from typing import Any

from ccw_actors.actors import ProgramThread
from ccw_actors.channel import Pmcw
from ccw_actors.machine._build import guest_path, paths_of
from ccw_actors.machine._config import GuestConfiguration
from ccw_actors.machine._guest_program import Form
from ccw_actors.machine._host_part import BuildHostPart, GuestHost
from ccw_actors.machine._wiring import (
    OURS,
    GuestPaths,
    Layers,
    Program,
    add_guest,
    add_guest_subchannel,
)
from ccw_actors.runtime import ActorRef, System

__all__ = ["build_guest"]


async def build_guest(
    system: System, guest: GuestConfiguration, host: GuestHost, layers: Layers = OURS
) -> None:
    """Spawn a guest once `host` has its devices, and start its program.

    Raises:
        ImageError: The image of a device cannot be used; the guest does not start.
    """
    theirs = GuestPaths.below(guest_path(guest))
    css = system.ref(theirs.css)
    paths = [paths_of(guest, passed) for passed in guest.devices]
    emulated = tuple(system.ref(one.emulated) for one in paths)
    part = await host.build(BuildHostPart(guest.name, css, emulated))
    for index, driver in enumerate(part.drivers):
        add_guest_subchannel(
            system,
            paths[index],
            index,
            Pmcw.of_device(int(guest.devices[index].number)),
            sink=css,
            vfio_ccw=driver,
            layers=layers,
        )
    program = _program(system, guest, system.ref(f"{theirs.cpu}0"))
    add_guest(system, theirs, (program,), dict(enumerate(emulated)), part.storage)


def _program(system: System, guest: GuestConfiguration, cpu: ActorRef[Any]) -> Program:
    """Return what the CPU runs; a blocking program gets its own thread."""
    body: Any = guest.program.body
    program: Program = body
    if guest.program.form is not Form.DATA:
        program = partial(body, **guest.arguments)
    if guest.program.form is Form.BLOCKING:
        thread = ProgramThread(partial(body, **guest.arguments), cpu)
        program = system.spawn_thread(thread, f"{guest_path(guest)}/program")
    return program
