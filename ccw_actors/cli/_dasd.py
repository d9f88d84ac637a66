"""`ccw-actors dasd`: makes, lists, reads, checks and recovers disk images."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.actors.hardware.image import (
    ImageFile,
    create_blocks,
    create_tracks,
    open_image,
    recover_image,
)
from ccw_actors.cli._completion import block_types, disk_types
from ccw_actors.cli._datasets import (
    as_row,
    converter,
    records_of,
    show_datasets,
    show_members,
)
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import complain, say
from ccw_actors.cli._progress import progress_of, waiting
from ccw_actors.cli._usage import PlainCommand, PlainGroup
from ccw_actors.devices.ckd_types import CYLINDERS_MAX, ckd_type, ckd_volume
from ccw_actors.devices.fba_image import FBA_TYPES, fba_blocks
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import VolumeLabel, volume_serial
from ccw_actors.devices.vtoc import datasets
from ccw_actors.errors import ImageError

__all__ = ["dasd"]

dasd = typer.Typer(
    cls=PlainGroup,
    help="Make, list, read, check and recover disk images.\n\n"
    "Exit status: 0 the command succeeded; 1 an image is damaged; 2 usage error, or an"
    " image cannot be used.",
    no_args_is_help=True,
)

_BLOCKS_MAX = (1 << 32) - 1  # a locate command has four bytes for it

Image = Annotated[
    Path, typer.Argument(metavar="FILE", help="The image.", show_default=False)
]
BlockType = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="The device type of a raw image of blocks, as in 3370. Images of other"
        " kinds say their type.",
        autocompletion=block_types,
        show_default=False,
    ),
]


_Cylinders: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=CYLINDERS_MAX,
        help="The number of cylinders, if not that of the model.",
    ),
]
_Blocks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        max=_BLOCKS_MAX,
        help="The number of blocks, if not that of the model.",
    ),
]


@dasd.command(cls=PlainCommand)
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
            autocompletion=disk_types,
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

    Prints nothing. Hercules can use the image. A track that was never written takes one
    block on the host's disk.

    Exit status: 0 the image was made; 2 usage error, or FILE exists (see --force), is
    in use or cannot be written.
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
    with progress_of("tracks", volume.tracks) as show:
        create_tracks(image, volume, serial, replace=force, progress=show)


def _refuse(value: int | None, option: str, device_type: str, better: str) -> None:
    if value is not None:
        raise typer.BadParameter(
            f"does not apply to a {device_type}; expected {better}", param_hint=option
        )


@dasd.command(cls=PlainCommand)
def ls(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A partitioned dataset: list its members instead.",
            show_default=False,
        ),
    ] = "",
    *,
    device_type: BlockType = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """List the datasets of a volume, or the members of one dataset.

    Prints the volume, then a line per dataset: name, organisation, record format,
    record length, block length, number of tracks, date of creation (year.day), and
    extents (cylinder.head).

    Exit status: 0 they were listed; 2 usage error, FILE cannot be used, or there is no
    such dataset.
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


@dasd.command(cls=PlainCommand)
def cat(
    image: Image,
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A dataset, A.B.C, or a member of one, A.B(C).",
            show_default=False,
        ),
    ],
    *,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Convert from EBCDIC, and print each record as a line."
        ),
    ] = False,
    encoding: Annotated[
        str, typer.Option(metavar="CODE-PAGE", help="The EBCDIC code page for --text.")
    ] = "cp1047",
) -> None:
    """Write the records of a dataset to standard output.

    Without --text the bytes are those of the disk, with nothing between records.

    Exit status: 0 they were written; 2 usage error, FILE cannot be used, or there is no
    such dataset or member.
    """
    with _open(image, "") as file:
        convert = converter(encoding) if text else bytes
        for record in records_of(file, dataset):
            sys.stdout.buffer.write(convert(record))
        sys.stdout.buffer.flush()


@dasd.command(cls=PlainCommand)
def verify(image: Image, *, device_type: BlockType = "") -> None:
    """Check every track, the label and the VTOC of an image.

    Prints a line for each damage, with its place, or that nothing is damaged. Changes
    nothing.

    Exit status: 0 nothing is damaged; 1 something is damaged; 2 usage error, or FILE
    cannot be used.
    """
    with _open(image, device_type) as file:
        with progress_of("tracks", file.geometry.tracks) as show:
            found = list(damages(file.geometry, file.read, show))
        for damage in found:
            say(f"{image}: {damage}")
        if found:
            raise typer.Exit(1)
        say(f"{image}: {file.geometry.tracks} tracks, nothing is damaged")


@dasd.command(cls=PlainCommand)
def recover(
    image: Image,
    *,
    device_type: BlockType = "",
    copied: Annotated[
        bool,
        typer.Option(
            "--copied",
            help="Image and journal are copies: accept a journal that names the"
            " original.",
        ),
    ] = False,
) -> None:
    """Undo a write that was cut short when the process that wrote it died.

    Prints what was undone, or that there is no journal. A machine that opens the image
    for writing does the same.

    Exit status: 0 the image is whole; 2 usage error, or the image or its journal cannot
    be used.
    """
    with reading(image, "a disk image"), waiting("reading the journal"):
        done = recover_image(image, device_type=device_type, copied=copied)
    say(f"{image}: {done}")


@contextmanager
def _open(image: Path, device_type: str) -> Generator[ImageFile]:
    """Open an image for reading, print its notice, and have errors name it."""
    with reading(image, "a disk image"):
        file = open_image(image, device_type=device_type, read_only=True)
    try:
        if file.notice:
            complain(f"{image}: {file.notice}")
        yield file
    except ImageError as error:
        if str(image) in str(error):
            raise
        raise ImageError(f"{image}: {error}") from error
    finally:
        file.close()
