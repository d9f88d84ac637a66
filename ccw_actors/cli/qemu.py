"""`ccw-actors qemu`: starts a QEMU with disks of ours passed through to it."""

import contextlib
import re
from pathlib import Path
from typing import Annotated

import typer

from ccw_actors.actors.image_file import open_image
from ccw_actors.cli.printing import complain, say_json
from ccw_actors.cli.run_view import ending
from ccw_actors.cli.running import begin_a_trace, claim_name, run_shown
from ccw_actors.cli.sizes import size_option
from ccw_actors.devices import DEVICE_MODELS
from ccw_actors.errors import ImageError
from ccw_actors.machine import (
    Binary,
    ConsoleTarget,
    DeviceNumber,
    HostDevice,
    Machine,
    PassedThrough,
    QemuGuest,
    StorageSize,
)
from ccw_actors.machine.machine_file import check_machine
from ccw_actors.trace import TRACE_SIZE

__all__ = ["qemu"]

_NAME = "qemu"
_DISK = re.compile(
    r"(?P<number>[^=,]+)=(?P<image>.+?)"
    r"(?P<options>(?:,(?:(?:type|control-unit)=[^,=]*|read-only))*)"
)


def qemu(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- QEMU-ARGUMENTS...]",
            help="QEMU's own: -kernel, -initrd, -append and whatever else it takes.",
            show_default=False,
        ),
    ] = None,
    *,
    disks: Annotated[
        list[str] | None,
        typer.Option(
            "--disk",
            metavar="DEVNO=IMAGE[,OPTION...]",
            help="Pass a disk through; may be given several times. Options are"
            " type=TYPE, which an image of a 3390 or 3380 says itself and raw blocks"
            " need, as in 3370; control-unit=UNIT, as in 2107; and read-only.",
            show_default=False,
        ),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--qemu",
            metavar="PROGRAM",
            help="A qemu-system-s390x, or the folder where one was built (default: the"
            " one on PATH).",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="Main storage, in whole MiB.")
    ] = "512 MiB",
    cpus: Annotated[int, typer.Option(metavar="N", min=1, max=248, help="CPUs.")] = 1,
    boot: Annotated[
        str | None,
        typer.Option(metavar="DEVNO", help="IPL from this disk.", show_default=False),
    ] = None,
    console: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Where the guest's console is: 'terminal', or a file.",
        ),
    ] = "terminal",
    line_mode: Annotated[
        bool,
        typer.Option(
            "--line-mode",
            help="For a kernel that knows the SCLP's line-mode console only.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, nothing else.")
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace", metavar="FILE", help="Write a trace there.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The name by which other commands know the machine (default: qemu,"
            " and a number if that is taken).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a QEMU with disks passed through to it, its console on this terminal.

    The guest drives them with its own drivers, through QEMU's vfio-ccw. Ctrl-C shuts
    the guest down in order; a second one ends it at once. At a terminal Ctrl-A c types
    a Ctrl-C, Ctrl-A x ends the guest as Ctrl-C does.

    Exit status: 0 if QEMU ended with 0 and nothing of the disks was left at work, 1 if
    not, 2 for usage, 130 after Ctrl-C.
    """
    devices = [_disk(text) for text in disks or ()]
    storage = size_option(memory, "--memory", least=1 << 20)
    guest = QemuGuest(
        _NAME,
        StorageSize(storage),
        binary=None if program is None else Binary.read(program, Path()),
        cpus=cpus,
        arguments=tuple(arguments or ()),
        console=ConsoleTarget.read(console, Path()),
        line_mode=line_mode,
        boot=None if boot is None else _number(boot, "--boot"),
        devices=tuple(PassedThrough(one.number, one.number) for one in devices),
    )
    machine = Machine(tuple(devices), (guest,))
    check_machine(machine, "ccw-actors qemu")
    with contextlib.ExitStack() as stack:
        control = claim_name(name, _NAME)
        if control is not None:
            stack.callback(control.close)
        target = None
        if trace is not None:
            target = begin_a_trace(machine, trace, [], TRACE_SIZE)
        end = run_shown(machine, target, control, as_json=as_json)
    if as_json:
        say_json(end.result)
    result = end.result.guests[_NAME]
    complain(ending(result) if result.error is None else result.error)
    if end.status:
        raise typer.Exit(end.status)


def _disk(text: str) -> HostDevice:
    match = _DISK.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"expected DEVNO=IMAGE, as in 0190=disk.img, got {text!r}",
            param_hint="--disk",
        )
    image = Path(match["image"])
    options = dict(one.partition("=")[::2] for one in match["options"].split(",")[1:])
    return HostDevice(
        _number(match["number"], "--disk"),
        options.get("type") or _kind(image),
        image,
        read_only="read-only" in options,
        control_unit=options.get("control-unit", ""),
    )


def _number(text: str, option: str) -> DeviceNumber:
    try:
        return DeviceNumber.read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _kind(image: Path) -> str:
    """Find out what an image is of.

    Raises:
        typer.BadParameter: It does not say, or cannot be read.
    """
    try:
        file = open_image(image, read_only=True)
    except ImageError as error:
        known = ", ".join(sorted(DEVICE_MODELS))
        text = f"{error}; for raw blocks say of what they are: {image},type=TYPE"
        raise typer.BadParameter(f"{text} (of {known})", param_hint="--disk") from error
    try:
        return file.geometry.device_type
    finally:
        file.close()
