"""Image files of volumes: opened, created, and recovered by their journals."""

from ccw_actors.actors.hardware.image._create import create_blocks as create_blocks
from ccw_actors.actors.hardware.image._create import create_tracks as create_tracks
from ccw_actors.actors.hardware.image._file import ImageFile as ImageFile
from ccw_actors.actors.hardware.image._file import open_image as open_image
from ccw_actors.actors.hardware.image._file import recover_image as recover_image
from ccw_actors.actors.hardware.image._write_journal import (
    journal_path as journal_path,
)

__all__ = [
    "ImageFile",
    "create_blocks",
    "create_tracks",
    "journal_path",
    "open_image",
    "recover_image",
]
