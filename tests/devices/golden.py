"""Golden images and channel programs of real Hercules, as the tests see them."""

import functools
import gzip
import json
from pathlib import Path
from typing import Any

from ccw_actors.devices import (
    HEADER_SIZE,
    CkdHeader,
    Geometry,
    geometry,
    track_offset,
)

DATA = Path(__file__).parents[1] / "data"
CATEGORIES = {"basic", "chaining", "ckd-legacy", "eckd"}
IMAGES = ("ckd3390", "ckd3380", "ckd3390raw", "lnx3390")


@functools.cache
def image(name: str) -> bytes:
    """Return a whole golden image."""
    return gzip.decompress((DATA / "images" / f"{name}.img.gz").read_bytes())


def volume(name: str) -> Geometry:
    """Return the geometry of a golden image."""
    raw = image(name)
    return geometry(CkdHeader.from_bytes(raw[:HEADER_SIZE]), len(raw))


@functools.cache
def tracks(name: str) -> dict[int, bytes]:
    """Return the track images of a golden image by number."""
    shape, raw = volume(name), image(name)
    offsets = {number: track_offset(shape, number) for number in range(shape.tracks)}
    return {n: raw[at : at + shape.track_size] for n, at in offsets.items()}


@functools.cache
def vectors() -> list[dict[str, Any]]:
    """Return the channel programs that Hercules ran on disks."""
    raw = gzip.decompress((DATA / "hercules-public.json.gz").read_bytes())
    found: list[dict[str, Any]] = json.loads(raw)
    return [
        vector
        for vector in found
        if vector["category"] in CATEGORIES
        and vector["setup"]["devices"][0]["type"] in {"3390", "3380"}
    ]
