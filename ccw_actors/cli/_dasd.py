"""`ccw-actors dasd`: makes images of disks, looks into them, and checks them."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.progress import Progress

from ccw_actors.actors.hardware.image import (
    ImageFile,
    create_blocks,
    create_tracks,
    open_image,
    recover_image,
)
from ccw_actors.cli._datasets import (
    as_row,
    converter,
    records_of,
    show_datasets,
    show_members,
)
from ccw_actors.cli._printing import complain, new_console, say
from ccw_actors.devices.ckd_types import CYLINDERS_MAX, ckd_type, ckd_volume
from ccw_actors.devices.fba_image import FBA_TYPES, fba_blocks
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import VolumeLabel, volume_serial
from ccw_actors.devices.vtoc import datasets

__all__ = ["dasd"]

dasd = typer.Typer(
    help="Images of disks: make them, look into them, check them.",
    no_args_is_help=True,
)

_BLOCKS_MAX = (1 << 32) - 1  # what four bytes in a locate command can say

Image = Annotated[
    Path, typer.Argument(metavar="FILE", help="An image.", show_default=False)
]
BlockType = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="What a raw image of blocks is of, as in 3370: it does not say itself.",
        show_default=False,
    ),
]


_Cylinders: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=CYLINDERS_MAX,
        help="Cylinders, if not those of the model.",
    ),
]
_Blocks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=2, max=_BLOCKS_MAX, help="Blocks, if not those of the model."
    ),
]


@dasd.command()
def init(
    image: Annotated[
        Path, typer.Argument(metavar="FILE", help="The new image.", show_default=False)
    ],
    device_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Disk type and model, as in 3390-3, 3380-K or 3370-A2.",
        ),
    ],
    volser: Annotated[str, typer.Option(metavar="SERIAL", help="The volume serial.")],
    *,
    cylinders: _Cylinders = None,
    blocks: _Blocks = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that exists.")
    ] = False,
) -> None:
    """Make the image of an empty disk, with a label and an empty VTOC.

    Hercules can use it, and its dasdls shows it. Of a track never written to
    the host's disk keeps one block.
    """
    serial = volume_serial(volser)
    if device_type[:4] in FBA_TYPES:
        _refuse(cylinders, "--cylinders", device_type, "--blocks")
        kind, usual = fba_blocks(device_type)
        create_blocks(image, kind, blocks or usual, serial, replace=force)
        return
    _refuse(blocks, "--blocks", device_type, "--cylinders")
    disk, model_cylinders = ckd_type(device_type)
    volume = ckd_volume(disk, cylinders or model_cylinders)
    with _progress("tracks", volume.tracks) as show:
        create_tracks(image, volume, serial, replace=force, progress=show)


def _refuse(value: int | None, option: str, device_type: str, better: str) -> None:
    if value is not None:
        raise typer.BadParameter(
            f"a {device_type} has none, expected {better}", param_hint=option
        )


@dasd.command()
def ls(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="[DATASET]",
            help="A partitioned dataset, to list its members.",
            show_default=False,
        ),
    ] = "",
    *,
    device_type: BlockType = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, nothing else.")
    ] = False,
) -> None:
    """List the datasets of a volume, or the members of one.

    The columns are name, organisation, record format, record and block length, tracks,
    creation date (year.day) and extents (cylinder.head).
    """
    with _open(image, device_type) as file:
        volume = file.geometry
        if not isinstance(volume, Geometry):
            label = VolumeLabel.in_blocks(file.read(0))
            size = f"{volume.blocks} blocks"
            show_datasets(label, volume.device_type, size, [], as_json=as_json)
        elif dataset:
            show_members(volume, file, dataset.upper(), as_json=as_json)
        else:
            label = VolumeLabel.on_track(file.read(0))
            rows = [as_row(volume, found) for found in datasets(volume, file.read)]
            size = f"{volume.cylinders} cylinders"
            show_datasets(label, volume.device_type, size, rows, as_json=as_json)


@dasd.command()
def cat(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET", help="A dataset, A.B.C, or a member of one, A.B(C)."
        ),
    ],
    *,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Convert from EBCDIC, and put each record on a line."
        ),
    ] = False,
    encoding: Annotated[
        str, typer.Option(metavar="CODEC", help="The EBCDIC code page for --text.")
    ] = "cp1047",
) -> None:
    """Write the records of a dataset to standard output.

    Without --text they come as they are, one after another.
    """
    with _open(image, "") as file:
        convert = converter(encoding) if text else bytes
        for record in records_of(file, dataset):
            sys.stdout.buffer.write(convert(record))
        sys.stdout.buffer.flush()


@dasd.command()
def verify(image: Image, *, device_type: BlockType = "") -> None:
    """Check every track, the label and the VTOC; say what is damaged, and where.

    The exit code is 1 if anything is. Nothing is changed.
    """
    with _open(image, device_type) as file:
        with _progress("tracks", file.geometry.tracks) as show:
            found = list(damages(file.geometry, file.read, show))
        for damage in found:
            say(f"{image}: {damage}")
        if found:
            raise typer.Exit(1)
        say(f"{image}: {file.geometry.tracks} tracks, nothing is damaged")


@dasd.command()
def recover(
    image: Image,
    *,
    device_type: BlockType = "",
    copied: Annotated[
        bool,
        typer.Option(
            "--copied",
            help="Image and journal are copies: believe the journal, which names the"
            " original.",
        ),
    ] = False,
) -> None:
    """Undo a write that was cut short when the process that wrote it died.

    Opening an image to write it does the same.
    """
    done = recover_image(image, device_type=device_type, copied=copied)
    say(f"{image}: {done}")


@contextmanager
def _open(image: Path, device_type: str) -> Generator[ImageFile]:
    file = open_image(image, device_type=device_type, read_only=True)
    try:
        if file.notice:
            complain(f"{image}: {file.notice}")
        yield file
    finally:
        file.close()


@contextmanager
def _progress(what: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a bar on a terminal while this lasts; give what moves it."""
    console = new_console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(what, total=total)

        def show(done: int) -> None:
            bar.update(task, completed=done)

        yield show
