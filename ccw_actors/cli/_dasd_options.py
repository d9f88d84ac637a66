"""The options that commands of `ccw-actors dasd` share, and how they open an image."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccw_actors.actors.hardware.image import ImageFile, open_image
from ccw_actors.cli._completion import block_types
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import complain
from ccw_actors.devices.cckd_track import COMPRESSIONS
from ccw_actors.devices.ckd_types import CYLINDERS_MAX
from ccw_actors.devices.fba_image import BLOCKS_MAX
from ccw_actors.errors import ImageError

__all__ = [
    "BlockType",
    "Blocks",
    "Compress",
    "CompressOption",
    "Cylinders",
    "Force",
    "Image",
    "Shadow",
    "compression_of",
    "opened",
    "refuse_size",
]


class CompressOption(StrEnum):
    """How the tracks of a compressed image are packed."""

    ZLIB = "zlib"
    BZIP2 = "bzip2"
    NONE = "none"


def compression_of(option: CompressOption | None) -> int | None:
    """Return the number of a compression; None for an image that has none."""
    return None if option is None else COMPRESSIONS[option.value]


Image: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The image.", show_default=False)
]
BlockType: TypeAlias = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="The device type of an image of blocks, as in 3370. Images of other kinds"
        " say their type.",
        autocompletion=block_types,
        show_default=False,
    ),
]
Shadow: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="The name of its shadow files, as in 'disk_*.img': the character before"
        " the last dot is their number.",
        show_default=False,
    ),
]
Compress: TypeAlias = Annotated[
    CompressOption | None,
    typer.Option(
        help="Make a compressed image (CCKD, CFBA), with tracks packed so.",
        show_default=False,
    ),
]
Force: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Replace a file that exists.")
]
Cylinders: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=CYLINDERS_MAX,
        help="The number of cylinders.",
        show_default=False,
    ),
]
Blocks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        max=BLOCKS_MAX,
        help="The number of blocks.",
        show_default=False,
    ),
]


def refuse_size(value: int | None, option: str, device_type: str, better: str) -> None:
    """Refuse the size of another kind of disk.

    Raises:
        typer.BadParameter: There is a value.
    """
    if value is not None:
        raise typer.BadParameter(
            f"does not apply to a {device_type}; expected {better}", param_hint=option
        )


@contextmanager
def opened(image: Path, device_type: str, shadow: str = "") -> Generator[ImageFile]:
    """Open an image for reading, print its notice, and have errors name it."""
    with reading(image, "a disk image"):
        file = open_image(image, device_type=device_type, read_only=True, shadow=shadow)
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
