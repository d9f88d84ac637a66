"""`ccw-actors dasd copy`, `convert`, `grow`: volumes of another format or size."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from msgspec.structs import replace

from ccw_actors.actors.hardware.image import (
    ImageFile,
    copy_image,
    grow_image,
    open_image,
    write_into,
)
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
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say
from ccw_actors.cli._progress import progress_of
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["convert", "copy", "grow"]

_Target: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="TARGET", help="The other image.", show_default=False),
]
_Split: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Cut an image of tracks into files of N cylinders; the name of the first"
        " has a 1 before its first dot.",
        show_default=False,
    ),
]


def convert(
    image: Image,
    target: _Target,
    *,
    compress: Compress = None,
    split: _Split = None,
    device_type: BlockType = "",
    shadow: Shadow = "",
    force: Force = False,
) -> None:
    """Make a new image of the same volume in another format.

    Without --compress, TARGET is an uncompressed image. With --shadow, the volume is
    that of FILE and its shadow files, and TARGET is one file. Prints nothing.

    Exit status: 0 TARGET was made; 2 usage error, FILE cannot be read, or TARGET exists
    (see --force), is in use or cannot be written.
    """
    with opened(image, device_type, shadow) as file:
        volume = file.geometry
        cannot = compress is not None or isinstance(volume, BlockGeometry)
        if split is not None and cannot:
            raise typer.BadParameter(
                "only an uncompressed image of tracks can be in several files",
                param_hint="--split",
            )
        with progress_of("tracks", volume.tracks) as show:
            copy_image(
                file,
                target,
                volume,
                compression=compression_of(compress),
                split=split or 0,
                force=force,
                progress=show,
            )


def copy(
    image: Image,
    target: _Target,
    *,
    cylinders: Cylinders = None,
    blocks: Blocks = None,
    compress: Compress = None,
    into: Annotated[
        bool,
        typer.Option(
            "--into",
            help="TARGET is a volume that exists: write over its tracks, and leave it"
            " its format and size.",
        ),
    ] = False,
    device_type: BlockType = "",
    shadow: Shadow = "",
    force: Force = False,
) -> None:
    """Copy the tracks of a volume to another one, which may have another size.

    TARGET is a new volume of --cylinders or --blocks, by default those of FILE; or,
    with --into, one that exists. A larger target has empty tracks at its end, and a
    VTOC with its size. A smaller one must not lose data. Prints nothing.

    Exit status: 0 the tracks were copied; 2 usage error, FILE cannot be read, TARGET
    cannot be written, or is too small.
    """
    given = {"--cylinders": cylinders, "--blocks": blocks, "--compress": compress}
    if into:
        for option, value in {**given, "--force": force or None}.items():
            if value is not None:
                raise typer.BadParameter("does not go with --into", param_hint=option)
    with opened(image, device_type, shadow) as file:
        if into:
            _copy_into(file, target, device_type)
            return
        volume = _sized(file.geometry, cylinders, blocks)
        with progress_of("tracks", volume.tracks) as show:
            copy_image(
                file,
                target,
                volume,
                compression=compression_of(compress),
                force=force,
                progress=show,
            )


def _copy_into(file: ImageFile, target: Path, device_type: str) -> None:
    with reading(target, "a disk image to write to"):
        other = open_image(target, device_type=device_type, read_only=False)
    try:
        with progress_of("tracks", other.geometry.tracks) as show:
            write_into(file, other, show)
    except OSError as error:
        raise ImageError(f"{target}: {error.strerror}") from error
    finally:
        other.close()


def _sized(
    volume: Geometry | BlockGeometry, cylinders: int | None, blocks: int | None
) -> Geometry | BlockGeometry:
    """Return the shape of a volume with the size from the command line."""
    if isinstance(volume, Geometry):
        refuse_size(blocks, "--blocks", volume.device_type, "--cylinders")
        return replace(volume, cylinders=cylinders or volume.cylinders)
    refuse_size(cylinders, "--cylinders", volume.device_type, "--blocks")
    return replace(volume, blocks=blocks or volume.blocks)


def grow(
    image: Image,
    *,
    cylinders: Cylinders = None,
    blocks: Blocks = None,
    device_type: BlockType = "",
) -> None:
    """Make a volume larger: add empty cylinders, or blocks of zeros, at its end.

    A VTOC gets the new size. An image of tracks is written from scratch next to the
    old one, whose place it takes when it is complete. Merge shadow files before.

    Exit status: 0 the volume has the new size; 2 usage error, or FILE cannot be used or
    is not smaller.
    """
    size, option = (cylinders, "--cylinders") if cylinders else (blocks, "--blocks")
    if size is None or (cylinders and blocks):
        raise typer.BadParameter(
            "expected --cylinders N or --blocks N", param_hint="the new size"
        )
    with opened(image, device_type) as file:
        volume = file.geometry
        _sized(volume, cylinders, blocks)
    with (
        reading(image, "a disk image"),
        progress_of("tracks", volume.tracks) as show,
    ):
        grow_image(image, size, device_type=device_type, progress=show)
    say(f"{image}: {size} {option.removeprefix('--')}")
