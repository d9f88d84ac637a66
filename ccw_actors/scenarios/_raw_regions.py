"""VfioCcwRegions, with threads that read and write its regions and refuse nothing.

| scenario | threads | what they do that an emulator would not |
|---|---|---|
| raw-regions | START three times; HALT; a reader | start while busy, or unread |
| raw-regions-clear | START twice; CLEAR, START; a reader | the same, with a CLEAR |
| raw-regions-reset | START, SCHIB; RESET, START; a reader | reset during a START |
| raw-regions-close | START; HALT, CLOSE; a reader | close during a START |
| raw-regions-unmap | START twice; UNMAP; a reader | unmap what the channel uses |
| raw-regions-unmaps | START; UNMAP; RESET; a reader | unmap during a RESET |
| raw-regions-attention | HALT; RESET; a reader | the device has attention |
| raw-regions-lost | START; UNMAP; a reader | the device is lost |
| raw-regions-crash | START; RESET; a reader | VfioCcwRegions or Cio crashes |
| raw-regions-crash-unmap | START; UNMAP; a reader | VfioCcwRegions crashes |

`_region_promises` has the properties.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.actors.protocol import (
    Attend,
    CloseDevice,
    DetachDevice,
    ReadSchib,
    ResetDevice,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import Cstat, Fctl
from ccw_actors.designs import RawReader, RawWriter, RegionRequest
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import OURS, Layers
from ccw_actors.runtime import Restart, System
from ccw_actors.scenarios._guest_scenario import Condition, Maker, expect, spelled
from ccw_actors.scenarios._machine import BUFFER, PATHS, HostMachine, read_orb
from ccw_actors.scenarios._raw import another_runs
from ccw_actors.scenarios._region_promises import KERNEL, keeps_region_promises

__all__ = ["RAW_REGIONS"]

_CUT: Final = Cstat.INTERFACE_CONTROL_CHECK

_START: Final = WriteIo(read_orb(1), Fctl.START)
_UNMAP: Final = UnmapDma(BUFFER, PAGE_SIZE)
_HALT: Final = WriteAsync("HSCH")
_CLEAR: Final = WriteAsync("CSCH")


class _RawRegions(Struct, frozen=True):
    """The maker of a scenario of threads, and of one more that reads.

    With `attention` or `lost`, the device has attention or is lost at any time. One of
    the layers in `crashes` crashes at any message. Some schedule has to reach each of
    the `conditions`.
    """

    summary: str
    threads: tuple[Sequence[RegionRequest], ...]
    attention: bool
    lost: bool
    crashes: Sequence[str]
    conditions: Mapping[str, Condition]

    def __call__(self, layers: Layers | None = None) -> Scenario:
        """Make the scenario."""
        behind = layers or replace(OURS, vfio_ccw=VfioCcwRegions)

        def scenario(world: World) -> None:
            self._spawn(world.system, behind)
            self._happen(world)
            keeps_region_promises(world)
            expect(world, self.conditions)

        scenario.__doc__ = self.summary
        return scenario

    def _spawn(self, system: System, layers: Layers) -> None:
        kernel = system.ref(KERNEL)
        HostMachine(system, layers=layers)
        reader = RawReader(kernel)
        system.spawn(reader, PATHS.emulated, supervision=Restart())
        for number, requests in enumerate(self.threads):
            writer = RawWriter(kernel, tuple(requests))
            system.spawn(writer, f"writer{number}")

    def _happen(self, world: World) -> None:
        ref = world.system.ref
        if self.attention:
            ref("device").tell(Attend())
        if self.lost:
            ref("subchannel").tell(DetachDevice())
        if self.crashes:
            world.may_crash(*map(ref, self.crashes))


def _regions(
    summary: str,
    *threads: Sequence[RegionRequest],
    attention: bool = False,
    lost: bool = False,
    crashes: Sequence[str] = (),
    **conditions: Condition,
) -> Maker:
    """Return the maker of a scenario; `conditions` have underscores for spaces."""
    return _RawRegions(
        summary,
        threads,
        attention,
        lost,
        crashes,
        spelled(conditions),
    )


def _is_refused(view: View) -> bool:
    return errno.EBUSY in view["writer0"].returned


def _is_amidst(view: View) -> bool:
    runs = view["subchannel"].execution is not None
    return runs and bool(view[KERNEL].quiescing.clearing)


def _is_cut(view: View) -> bool:
    events = view[KERNEL].unread.events
    return any(one.irb.scsw.cstat & _CUT for one in events)


def _is_attention(view: View) -> bool:
    events = view[KERNEL].unread.events
    return any(not event.answers for event in events)


def _is_lost(view: View) -> bool:
    return errno.ENODEV in view["writer0"].returned


def _is_well(view: View) -> bool:
    return all(view[writer].returned == (0,) for writer in ("writer0", "writer1"))


RAW_REGIONS: Final[dict[str, Maker]] = {
    "raw-regions": _regions(
        "Threads that refuse none write STARTs and a HALT into the regions.",
        (_START, _START, _START),
        (_HALT,),
        another_program_runs_at_the_host=another_runs,
        a_START_is_refused=_is_refused,
    ),
    "raw-regions-clear": _regions(
        "Threads that refuse none write STARTs and a CLEAR into the regions.",
        (_START, _START),
        (_CLEAR, _START),
        another_program_runs_at_the_host=another_runs,
        a_START_is_refused=_is_refused,
    ),
    "raw-regions-reset": _regions(
        "START and SCHIB through regions, and a RESET followed by a START.",
        (_START, ReadSchib()),
        (ResetDevice(), _START),
        another_program_runs_at_the_host=another_runs,
        it_is_reset_while_a_program_runs=_is_amidst,
    ),
    "raw-regions-close": _regions(
        "START through regions, HALT, and CLOSE.",
        (_START,),
        (_HALT, CloseDevice()),
        it_is_closed_while_a_program_runs=_is_amidst,
    ),
    "raw-regions-unmap": _regions(
        "STARTs through regions, and an UNMAP of the page that they use.",
        (_START, _START),
        (_UNMAP,),
        it_is_unmapped_while_a_program_runs=_is_amidst,
        a_program_is_cut_short=_is_cut,
    ),
    "raw-regions-unmaps": _regions(
        "START through regions, an UNMAP and a RESET.",
        (_START,),
        (_UNMAP,),
        (ResetDevice(),),
        a_program_is_cut_short=_is_cut,
    ),
    "raw-regions-attention": _regions(
        "HALT and RESET through regions of a device that has attention.",
        (_HALT,),
        (ResetDevice(),),
        attention=True,
        attention_is_not_read=_is_attention,
    ),
    "raw-regions-lost": _regions(
        "START and UNMAP through regions of a device that is lost at any time.",
        (_START,),
        (_UNMAP,),
        lost=True,
        a_request_is_refused=_is_lost,
    ),
    "raw-regions-crash": _regions(
        "START and RESET through regions, while a layer crashes.",
        (_START,),
        (ResetDevice(),),
        crashes=(KERNEL, "cio"),
        all_goes_well=_is_well,
        a_request_is_refused=_is_lost,
    ),
    "raw-regions-crash-unmap": _regions(
        "START and UNMAP through regions, while VfioCcwRegions crashes.",
        (_START,),
        (_UNMAP,),
        crashes=(KERNEL,),
        a_request_is_refused=_is_lost,
    ),
}
"""The maker of each scenario, by name."""
