"""`ccw-actors machines` and `stop`: lists running machines, and stops one."""

from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.table import Table

from ccw_actors.cli._completion import running_machines
from ccw_actors.cli._printing import (
    as_text,
    complain,
    paragraph,
    print_table,
    say,
    say_json,
)
from ccw_actors.cli._progress import waiting
from ccw_actors.control import (
    NAME_RULE,
    ControlClient,
    DescribeMachine,
    MachineDescription,
    StopMachine,
    is_name,
    machine_names,
)
from ccw_actors.errors import ControlError, NoSuchMachineError

__all__ = ["machines", "stop"]


def machines(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, an object per machine.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.01,
            help="Wait this long for each machine's answer.",
        ),
    ] = 2.0,
) -> None:
    """List your running machines, with their guests and devices.

    Prints a line per guest: machine, process, messages so far, guest, its state, and
    its devices, each with the guest's number for it, the host's number, and the type.

    Exit status: 0 all machines answered, or none is running; 1 a machine does not
    answer; 2 usage error.
    """
    found, is_one_silent = _described(timeout)
    if as_json:
        say_json([_plain(machine) for machine in found])
    elif found:
        print_table(_view(found))
    else:
        say("no machine answers" if is_one_silent else "no machine is running")
    if is_one_silent:
        raise typer.Exit(1)


def _described(timeout: float) -> tuple[list[MachineDescription], bool]:
    """Return the descriptions of machines, and whether one does not answer."""
    found: list[MachineDescription] = []
    is_one_silent = False
    for name in machine_names():
        try:
            with ControlClient(name, timeout=timeout) as client:
                found.append(client.ask(DescribeMachine()))
        except NoSuchMachineError:  # the socket of a process that was killed
            continue
        except ControlError as error:
            is_one_silent = True
            complain(error)
    return found, is_one_silent


def stop(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The machine's name, as 'ccw-actors machines' prints it.",
            autocompletion=running_machines,
            show_default=False,
        ),
    ],
    *,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.01, help="Wait this long for the machine's end."
        ),
    ] = 30.0,
) -> None:
    """Stop a machine as Ctrl-C does where it runs, and wait for its end.

    Prints nothing. The machine closes its guests, images and trace.

    Exit status: 0 the machine has ended; 1 no such machine is running, or it has not
    ended in time; 2 usage error, such as a name that no machine can have.
    """
    if not is_name(name):
        raise typer.BadParameter(
            f"expected {NAME_RULE}, got {name[:80]!r}", param_hint="NAME"
        )
    with (
        waiting(f"waiting for the end of {name}"),
        ControlClient(name, timeout=timeout) as client,
    ):
        client.ask(StopMachine())
        client.wait_for_end(timeout=timeout)


def _plain(machine: MachineDescription) -> dict[str, Any]:
    """Return a description with the names of its fields."""
    plain = msgspec.structs.asdict(machine)
    for field in ("guests", "devices"):
        plain[field] = [msgspec.structs.asdict(one) for one in plain[field]]
    return plain


def _view(found: list[MachineDescription]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("machine", no_wrap=True)
    for name in ("process", "messages"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("guest", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("devices (guest: host, type)", overflow="fold")
    for machine in found:
        first = (as_text(machine.name), str(machine.pid), f"{machine.messages:,}")
        for name, state in _rows(machine):
            table.add_row(
                *first, as_text(name), state, paragraph(_devices(machine, name))
            )
            first = (as_text(""), "", "")
    return table


def _rows(machine: MachineDescription) -> list[tuple[str, str]]:
    """Return each guest and its state, and an empty row for devices of no guest."""
    rows: list[tuple[str, str]] = [(one.name, one.state) for one in machine.guests]
    if not rows or any(device.guest is None for device in machine.devices):
        rows.append(("", ""))
    return rows


def _devices(machine: MachineDescription, guest: str) -> str:
    """Return the devices of a guest, those of none for ""."""
    return "\n".join(
        f"{device.guest_number or '-'}: {device.number}, {device.type}"
        for device in machine.devices
        if (device.guest or "") == guest
    )
