"""`ccw-actors dasd shadow`: the shadow files of an image."""

from typing import Annotated, TypeAlias

import typer

from ccw_actors.actors.hardware.image import (
    add_shadow,
    merge_shadow,
    open_image,
    remove_shadow,
    shadow_chain,
)
from ccw_actors.cli._dasd_options import BlockType, Image
from ccw_actors.cli._inputs import reading
from ccw_actors.cli._printing import say, say_json
from ccw_actors.cli._progress import progress_of
from ccw_actors.cli._usage import PlainCommand, PlainGroup

__all__ = ["shadow_files"]

shadow_files = typer.Typer(
    cls=PlainGroup,
    help="List, add, merge and remove the shadow files of an image.\n\n"
    "A shadow file has what has changed since it was made; up to eight lie on each"
    " other. NAME is as in 'disk_*.img': the character before the last dot is the"
    " number of the file, 1 to 8. A name without a folder is in that of FILE.",
    no_args_is_help=True,
)

_Name: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="As in 'disk_*.img': see above.", show_default=False
    ),
]


@shadow_files.command(cls=PlainCommand)
def ls(
    image: Image,
    name: _Name,
    *,
    device_type: BlockType = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """List the files of a volume, from the base image to the topmost shadow file.

    Prints a line for each: number, bytes, the number of tracks that it has, and path.

    Exit status: 0 they were listed; 2 usage error, or a file cannot be used.
    """
    with reading(image, "a disk image"):
        chain = shadow_chain(image, name, device_type=device_type)
    if as_json:
        rows = [
            {"file": str(one.path), "size": one.size, "tracks": one.tracks}
            for one in chain
        ]
        say_json({"files": rows})
        return
    for number, one in enumerate(chain):
        say(f"{number}  {one.size:>12} bytes  {one.tracks:>8} tracks  {one.path}")


@shadow_files.command(cls=PlainCommand)
def add(image: Image, name: _Name, *, device_type: BlockType = "") -> None:
    """Put a new, empty shadow file on top; what is written then goes there.

    Prints its path.

    Exit status: 0 it was made; 2 usage error, there are eight, or a file cannot be
    used.
    """
    with reading(image, "a disk image"):
        path = add_shadow(image, name, device_type=device_type)
    say(f"{path}")


@shadow_files.command(cls=PlainCommand)
def merge(image: Image, name: _Name, *, device_type: BlockType = "") -> None:
    """Write what the topmost shadow file has to the file below, and remove it.

    Prints both names and the number of tracks. If it is killed, merge again.

    Exit status: 0 they are one; 2 usage error, there is no shadow file, or a file
    cannot be used.
    """
    with reading(image, "a disk image"):
        file = open_image(image, device_type=device_type, read_only=True, shadow=name)
        tracks = file.geometry.tracks
        file.close()
        with progress_of("tracks", tracks) as show:
            top, below, count = merge_shadow(
                image, name, device_type=device_type, progress=show
            )
    say(f"{top}: {count} tracks merged into {below}")


@shadow_files.command(cls=PlainCommand)
def remove(image: Image, name: _Name, *, device_type: BlockType = "") -> None:
    """Remove the topmost shadow file: the volume is again as before it was made.

    What was written since is lost. Prints its path.

    Exit status: 0 it was removed; 2 usage error, there is none, or it is in use.
    """
    with reading(image, "a disk image"):
        path = remove_shadow(image, name, device_type=device_type)
    say(f"{path}")
