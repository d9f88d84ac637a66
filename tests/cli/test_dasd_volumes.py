"""`ccw-actors dasd copy`, `convert`, `grow` and `shadow`: what they refuse and keep."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.cli import app
from ccw_actors.errors import CcwActorsError
from tests.actors.images import filled, new_image, write_track

NAME = "disk_*.img"


def run(*words: str | Path, code: int = 0) -> Result:
    """Run the command; it has to end with this exit code."""
    result = CliRunner().invoke(app, ["dasd", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def complaint(*words: str | Path) -> str:
    """Return the error with which the command ends."""
    with pytest.raises(CcwActorsError) as caught:
        run(*words)
    return str(caught.value)


def tracks(path: Path, *, shadow: str = "", kind: str = "") -> list[bytes]:
    """Read all tracks of an image."""
    file = open_image(path, read_only=True, shadow=shadow, device_type=kind)
    try:
        return [file.read(number) for number in range(file.geometry.tracks)]
    finally:
        file.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Make a raw image with some data on its last track."""
    path = new_image(tmp_path)
    write_track(path, 39, filled(39, 0x55))
    return path


@pytest.mark.parametrize("compression", ["zlib", "bzip2", "none"])
def test_formats_have_the_same_tracks(image: Path, compression: str) -> None:
    """To a compressed image and back, in one file and in several."""
    packed = image.with_name("packed.img")
    run("convert", image, packed, "--compress", compression)
    assert packed.stat().st_size < image.stat().st_size
    run("convert", packed, image.with_name("part_1.img"), "--split", "3")
    assert image.with_name("part_2.img").exists()
    run("convert", image.with_name("part_1.img"), image.with_name("back.img"))
    assert image.with_name("back.img").read_bytes() == image.read_bytes()


def test_shadow_files_become_one(image: Path) -> None:
    """Converting a chain gives the volume as it is."""
    base = image.with_name("base.img")
    run("convert", image, base, "--compress", "zlib")
    run("shadow", "add", base, NAME)
    file = open_image(base, read_only=False, shadow=NAME)
    file.write(20, filled(20, 7))
    file.close()
    run("convert", base, image.with_name("one.img"), "--shadow", NAME)
    assert tracks(image.with_name("one.img")) == tracks(base, shadow=NAME)
    listed = json.loads(run("shadow", "ls", base, NAME, "--json").stdout)["files"]
    assert [one["tracks"] for one in listed] == [40, 1]
    assert "nothing is damaged" in run("verify", base, "--shadow", NAME).stdout
    assert run("ls", base, "--shadow", NAME).stdout == run("ls", image).stdout


def test_copy_has_another_size(image: Path) -> None:
    """More cylinders are empty; fewer must not lose data."""
    larger = image.with_name("larger.img")
    run("copy", image, larger, "--cylinders", "9")
    assert tracks(larger)[39] == filled(39, 0x55)
    assert "9 cylinders" in run("ls", larger).stdout
    said = complaint("copy", larger, image.with_name("less.img"), "--cylinders", "3")
    assert "track 39 has data, and would be cut off" in said
    assert not image.with_name("less.img").exists()
    run("copy", larger, image.with_name("less.img"), "--cylinders", "4")
    assert tracks(image.with_name("less.img"))[1:] == tracks(image)[1:]


def test_copy_into_a_volume(image: Path) -> None:
    """It keeps its format and size; another type, or one too small, is refused."""
    words = ("--volser", "TARGET", "--compress", "zlib")
    target, small, other = (image.with_name(f"{n}.img") for n in ("t", "s", "o"))
    run("init", target, "--type", "2311", "--cylinders", "8", *words)
    run("init", small, "--type", "2311", "--cylinders", "3", *words)
    run("init", other, "--type", "2314", "--cylinders", "8", *words)
    run("copy", image, target, "--into")
    assert len(tracks(target)) == 80
    assert tracks(target)[39] == filled(39, 0x55)
    assert "would be cut off" in complaint("copy", image, small, "--into")
    assert "expected the same device type" in complaint("copy", image, other, "--into")
    assert "exists, expected a new file" in complaint("copy", image, target)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("copy", "--into", "--force"), "does not go with --into"),
        (("copy", "--blocks", "9"), "expected --cylinders"),
        (("convert", "--split", "1", "--compress", "zlib"), "only an uncompressed"),
        (("convert", "--split", "1"), "a 1 before its first dot"),
    ],
)
def test_options_that_are_refused(
    image: Path, words: tuple[str, ...], said: str
) -> None:
    """Options that contradict each other, or the image, change nothing."""
    command, *options = words
    before = list(image.parent.iterdir())
    target = image.with_name("target.img")
    result = CliRunner().invoke(
        app, ["dasd", command, str(image), str(target), *options]
    )
    assert result.exit_code
    assert said in " ".join(f"{result.stderr} {result.exception}".split())
    assert list(image.parent.iterdir()) == before


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_volumes_grow(image: Path, compression: str | None) -> None:
    """The old tracks stay, and those at the end are empty."""
    path = image
    if compression:
        path = image.with_name("packed.img")
        run("convert", image, path, "--compress", compression)
    old = tracks(path)
    assert run("grow", path, "--cylinders", "30").stdout == f"{path}: 30 cylinders\n"
    new = tracks(path)
    assert len(new) == 300
    assert [at for at in range(40) if new[at] != old[at]] == [1]  # the VTOC
    assert "nothing is damaged" in run("verify", path).stdout
    assert "cannot grow to 5" in complaint("grow", path, "--cylinders", "5")
    run("grow", path, code=2)


def test_damaged_space_is_found(image: Path) -> None:
    """`verify` names the number in the header that is wrong."""
    packed = image.with_name("packed.img")
    run("convert", image, packed, "--compress", "zlib")
    raw = bytearray(packed.read_bytes())
    raw[512 + 16] ^= 1
    packed.write_bytes(raw)
    said = run("verify", packed, code=1).stdout
    assert "space: the second header counts" in said
    assert "as the bytes in use" in said
