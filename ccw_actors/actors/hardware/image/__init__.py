"""Image files of volumes: opened, created, and recovered by their journals."""

from ccw_actors.actors.hardware.image._create import create_blocks as create_blocks
from ccw_actors.actors.hardware.image._create import create_image as create_image
from ccw_actors.actors.hardware.image._create import create_tracks as create_tracks
from ccw_actors.actors.hardware.image._file import ImageFile as ImageFile
from ccw_actors.actors.hardware.image._file import open_image as open_image
from ccw_actors.actors.hardware.image._file import recover_image as recover_image
from ccw_actors.actors.hardware.image._resize import copy_image as copy_image
from ccw_actors.actors.hardware.image._resize import grow_image as grow_image
from ccw_actors.actors.hardware.image._resize import write_into as write_into
from ccw_actors.actors.hardware.image._shadow import ChainFile as ChainFile
from ccw_actors.actors.hardware.image._shadow import add_shadow as add_shadow
from ccw_actors.actors.hardware.image._shadow import merge_shadow as merge_shadow
from ccw_actors.actors.hardware.image._shadow import remove_shadow as remove_shadow
from ccw_actors.actors.hardware.image._shadow import shadow_chain as shadow_chain
from ccw_actors.actors.hardware.image._write_journal import (
    journal_path as journal_path,
)

__all__ = [
    "ChainFile",
    "ImageFile",
    "add_shadow",
    "copy_image",
    "create_blocks",
    "create_image",
    "create_tracks",
    "grow_image",
    "journal_path",
    "merge_shadow",
    "open_image",
    "recover_image",
    "remove_shadow",
    "shadow_chain",
    "write_into",
]
