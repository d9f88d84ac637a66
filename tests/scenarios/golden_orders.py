"""A golden vector as a scenario: its program runs in every schedule.

The real system was given time wherever its program waits; here the program waits for
the interruption. So a vector is taken only if each instruction that begins something is
followed by a wait, and there is status then: no order may make a difference.
"""

import gzip
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ccw_actors.actors import (
    Cpu,
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
)
from ccw_actors.actors.guest import instructions as execute
from ccw_actors.actors.hardware.image import open_image
from ccw_actors.actors.protocol import Piece, WriteStorage
from ccw_actors.channel import Pmcw, SubchannelId
from ccw_actors.conformance import HERCULES, devices_of
from ccw_actors.devices import DeviceConfiguration, Geometry, device_model
from ccw_actors.errors import ProgramInterruptionError
from ccw_actors.explore import Scenario, View, World
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    Layers,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.scenarios._life_cycle import hold_invariants
from tests.channel.golden_host import Case

__all__ = ["expected", "golden", "waits_for_status"]

IMAGES: Final = Path(__file__).parents[1] / "data" / "images"
_SCSW_DIGITS: Final = 24
_PRIVATE: Final = 0x3E000
_PATH: Final = 0x80
_TRACKS: Final = 30
_BEGINS: Final = {"SSCH", "HSCH", "CSCH", "RSCH"}
_WAITS: Final = {"TSCHPOLL", "WAITIO", "DELAY"}
_KNOWN: Final = {
    "CSCH",
    "DELAY",
    "HSCH",
    "MOVE",
    "MSCH",
    "RSCH",
    "SSCH",
    "SSKE",
    "STSCH",
    "TSCH",
    "TSCHPOLL",
    "XSCH",
}


def waits_for_status(case: Case) -> bool:
    """Whether the program waits once for each status, and does nothing else then."""
    begun = False
    pairs = list(zip(case["instructions"], case["observed"], strict=True))
    for number, (one, observed) in enumerate(pairs):
        op = one["op"]
        if op not in _KNOWN or (begun and op not in _WAITS):
            return False
        if op in _BEGINS and observed.get("cc") == 0:
            begun = True
        elif op in _WAITS and begun:
            begun = False
            shows = observed if op == "TSCHPOLL" else next(iter(pairs[number + 1 :]))[1]
            if not _shows_status(shows):
                return False
    return not begun


def _shows_status(observed: dict[str, Any]) -> bool:
    """Whether status was pending when the value was observed."""
    if observed["op"] == "STSCH":
        return bool(int(observed["schib"][62:64], 16) & 1)
    return observed.get("cc") == (0 if observed["op"].startswith("TSCH") else 1)


def expected(case: Case) -> list[list[str]]:
    """Return what the real system observed, as `golden` shows it."""
    return [
        _shown(
            entry["op"],
            entry.get("program_interruption", entry.get("cc")),
            entry.get("irb"),
            entry.get("schib"),
        )
        for entry in case["observed"]
    ]


def golden(case: Case, kind: type[Subchannel] = Subchannel) -> Scenario:
    """Return a case as a scenario; at its end the program has observed the same.

    `kind` is the class of the subchannel.
    """
    (configured,) = devices_of(case["setup"])
    geometry, tracks = _volume(configured.image)
    wanted = expected(case)

    def scenario(world: World) -> None:
        system = world.system
        ref, spawn = system.ref, system.spawn
        storage = spawn(Storage(HERCULES.storage), "storage")
        for address, content in case["storage"].items():
            piece = Piece(int(address, 16), bytes.fromhex(content))
            storage.ask(WriteStorage(0, (piece,)), block=True)
        spawn(MemoryVolume(geometry, tracks), "volume")
        configuration = DeviceConfiguration(
            configured.device_type, geometry, devno=configured.devno
        )
        model = device_model(configuration)
        paths = DevicePaths()
        add_device(system, paths, model, ref("volume"))
        add_subchannel(
            system,
            paths,
            SubchannelId(0, 0),
            Pmcw.of_device(configured.devno),
            (Region(0, HERCULES.storage, storage),),
            sink=ref("css"),
            model=HERCULES.model,
            layers=Layers(subchannel=kind),
        )
        subchannels = {0: ref("subchannel")}
        program = (_program(case),)
        add_guest(
            system,
            GuestPaths(),
            program,
            subchannels,
            storage,
            cpus=2,
            resets=False,
            remember=True,
        )
        hold_invariants(world)
        world.final("what is observed is golden", lambda view: _is(view, wanted))

    return scenario


def _is(view: View, wanted: list[list[str]]) -> bool:
    cpu = view["cpu0"]
    return bool(cpu.ended and cpu.result == wanted)


def _program(case: Case) -> Callable[[Cpu], Any]:
    async def program(cpu: Cpu) -> list[list[str]]:
        seen: list[list[str]] = []
        begun = False
        for one in case["instructions"]:
            op = one["op"]
            if op in _WAITS and begun:
                await cpu.wait()
                begun = False
            try:
                shown = await _observe(cpu, one)
            except ProgramInterruptionError as error:
                shown = _shown(op, f"{error.code:04x}", None, None)
            begun = begun or (op in _BEGINS and shown[1] == "0")
            seen.append(shown)
        return seen

    return program


async def _observe(cpu: Cpu, one: dict[str, Any]) -> list[str]:
    op, gr1 = one["op"], int(one.get("gr1", "0"), 16)
    address = int(one.get("addr") or f"{_PRIVATE:x}", 16)
    cc: int | None = None
    match op:
        case "SSCH" | "MSCH" | "STSCH":
            cc = await _WITH_OPERAND[op](cpu, gr1, address)
        case "TSCH" | "TSCHPOLL":
            cc = await execute.test_subchannel(cpu, gr1, address)
        case "HSCH" | "CSCH" | "RSCH" | "XSCH":
            cc = await _WITHOUT_OPERAND[op](cpu, gr1)
        case "MOVE":
            source = int(one["src"], 16)
            data = await cpu.storage[source : source + one["len"]]
            await cpu.storage.write(address, data)
        case "SSKE":
            await cpu.storage.set_key(address, gr1 & 0xFE)
        case _:
            pass
    irb = schib = None
    if op in {"TSCH", "TSCHPOLL"} and cc != 3:
        irb = (await cpu.storage[address : address + 12]).hex()
    if op == "STSCH":
        schib = (await cpu.storage[address : address + 52]).hex()
    return _shown(op, cc, irb, schib)


def _shown(op: str, cc: Any, irb: str | None, schib: str | None) -> list[str]:
    """Return the values to compare: the condition code and the SCSW."""
    # A poll that never got status has condition code 1 at its end.
    code = "1" if cc == "timeout" else "" if cc is None else str(cc)
    scsw = (irb or "")[:_SCSW_DIGITS]
    if code == "3":
        scsw = ""
    if op == "STSCH":
        scsw = (schib or "")[56 : 56 + _SCSW_DIGITS]
    return [op, code, scsw]


@cache
def _volume(name: str) -> tuple[Geometry, dict[int, bytes]]:
    """Return the geometry and the first tracks of an image."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(gzip.decompress((IMAGES / f"{name}.gz").read_bytes()))
        image = open_image(path, read_only=True)
        try:
            geometry = image.geometry
            assert isinstance(geometry, Geometry), "the cases have a 3390"
            count = min(_TRACKS, geometry.tracks)
            return geometry, {n: image.read(n) for n in range(count)}
        finally:
            image.close()


Handler = Callable[[Cpu, int, int], Awaitable[int]]
_WITH_OPERAND: Final[dict[str, Handler]] = {
    "SSCH": execute.start_subchannel,
    "MSCH": execute.modify_subchannel,
    "STSCH": execute.store_subchannel,
}
_WITHOUT_OPERAND: Final[dict[str, Callable[[Cpu, int], Awaitable[int]]]] = {
    "HSCH": execute.halt_subchannel,
    "CSCH": execute.clear_subchannel,
    "RSCH": execute.resume_subchannel,
    "XSCH": execute.cancel_subchannel,
}
