"""`ccw-actors dasd`: makes, lists, reads, checks, copies and recovers disk images."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ccw_actors.actors.hardware.image import (
    create_blocks,
    create_tracks,
    recover_image,
)
from ccw_actors.cli._completion import disk_types
from ccw_actors.cli._dasd_options import (
    Blocks,
    BlockType,
    Compress,
    Cylinders,
    Force,
    Image,
    Shadow,
    compression_of,
    opened,
    refuse_size,
)
from ccw_actors.cli._dasd_shadow import shadow_files
from ccw_actors.cli._dasd_volumes import convert, copy, grow
from ccw_actors.cli._datasets import (
    as_row,
    converter,
    records_of,
    show_datasets,
    show_members,
)
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say
from ccw_actors.cli._progress import progress_of, waiting
from ccw_actors.cli._usage import PlainCommand, PlainGroup
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.devices.fba_image import FBA_TYPES, fba_blocks
from ccw_actors.devices.volume_check import damages
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import VolumeLabel, volume_serial
from ccw_actors.devices.vtoc import datasets

__all__ = ["dasd"]

dasd = typer.Typer(
    cls=PlainGroup,
    help="Make, list, read, check, copy and recover disk images.\n\n"
    "Exit status: 0 the command succeeded; 1 an image is damaged; 2 usage error, or an"
    " image cannot be used.",
    no_args_is_help=True,
)


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
    cylinders: Cylinders = None,
    blocks: Blocks = None,
    compress: Compress = None,
    force: Force = False,
) -> None:
    """Make the image of an empty disk, with a label and an empty VTOC.

    Prints nothing. Hercules can use the image. A track that was never written takes one
    block on the host's disk.

    Exit status: 0 the image was made; 2 usage error, or FILE exists (see --force), is
    in use or cannot be written.
    """
    serial = volume_serial(volser)
    packing = compression_of(compress)
    if device_type[:4] in FBA_TYPES:
        refuse_size(cylinders, "--cylinders", device_type, "--blocks")
        kind, usual = fba_blocks(device_type)
        size = blocks or usual
        create_blocks(image, kind, size, serial, replace=force, compression=packing)
        return
    refuse_size(blocks, "--blocks", device_type, "--cylinders")
    disk, usual = ckd_type(device_type)
    volume = ckd_volume(disk, cylinders or usual)
    create = partial(create_tracks, replace=force, compression=packing)
    with progress_of("tracks", volume.tracks) as show:
        create(image, volume, serial, progress=show)


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
    shadow: Shadow = "",
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
    with opened(image, device_type, shadow) as file:
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
    shadow: Shadow = "",
) -> None:
    """Write the records of a dataset to standard output.

    Without --text the bytes are those of the disk, with nothing between records.

    Exit status: 0 they were written; 2 usage error, FILE cannot be used, or there is no
    such dataset or member.
    """
    with opened(image, "", shadow) as file:
        convert = converter(encoding) if text else bytes
        for record in records_of(file, dataset):
            sys.stdout.buffer.write(convert(record))
        sys.stdout.buffer.flush()


@dasd.command(cls=PlainCommand)
def verify(image: Image, *, device_type: BlockType = "", shadow: Shadow = "") -> None:
    """Check every track, the label and the VTOC of an image.

    In a compressed image, also the use of space and the list of free space.

    Prints a line for each damage, with its place, or that nothing is damaged. Changes
    nothing.

    Exit status: 0 nothing is damaged; 1 something is damaged; 2 usage error, or FILE
    cannot be used.
    """
    with opened(image, device_type, shadow) as file:
        with progress_of("tracks", file.geometry.tracks) as show:
            found = list(damages(file.geometry, file.read, show))
        found += file.damage()
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
    shadow: Shadow = "",
) -> None:
    """Undo a write that was cut short when the process that wrote it died.

    Lists the free space of a compressed image again if it was not closed. With shadow
    files, the topmost one is recovered.

    Prints what was undone, or that there is no journal. A machine that opens the image
    for writing does the same.

    Exit status: 0 the image is whole; 2 usage error, or the image or its journal cannot
    be used.
    """
    with reading(image, "a disk image"), waiting("reading the journal"):
        done = recover_image(
            image, device_type=device_type, copied=copied, shadow=shadow
        )
    say(f"{image}: {done}")


dasd.command(cls=PlainCommand)(copy)
dasd.command(cls=PlainCommand)(convert)
dasd.command(cls=PlainCommand)(grow)
dasd.add_typer(shadow_files, name="shadow")
