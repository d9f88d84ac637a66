"""Small inputs that would become large: each has a bound, which the error names.

Memory is the most by which the process has grown, as the kernel counts it.
"""

import gzip
import json
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from ccw_actors.trace import TRACE_SIZE
from ccw_actors.transport import OBJECTS_MAX, SIZE_MAX
from tests.cli.in_process import Ended, ccw_actors
from tests.cli.test_run import COMMAND, ENVIRONMENT, write_machine
from tests.machine.contents import ALICE, contents
from tests.trace.play import recorded

MIB = 1 << 20
GUEST = '[[guest]]\nname = "a"\nstorage = "4 KiB"\nprogram = "{}"\n'
FINE = "ccw_actors.machine.programs:read_volume"


def check_refused(ended: Ended, said: str) -> None:
    """Check that the input was refused in one line that is not long."""
    assert ended.status == 2
    assert ended.line.startswith("ccw-actors: ")
    assert said in ended.line
    assert len(ended.line) < 600


def zeros(folder: Path, size: int) -> Path:
    """Write a gzipped file of zeros, with a thousandth of its unpacked size."""
    path = folder / "bomb.img.gz"
    path.write_bytes(gzip.compress(bytes(MIB)) * (size // MIB))
    return path


# -- images ---------------------------------------------------------------------------


def test_gzipped_image(tmp_path: Path) -> None:
    """An image that unpacks to more than its bound fails its guest, and is removed."""
    image = zeros(tmp_path, 20 * MIB)
    machine = write_machine(tmp_path, image=image)
    text = machine.read_text().replace(
        f'image = "{image}"', f'image = "{image}"\nunpacked_max = "16 MiB"'
    )
    machine.write_text(text)
    ended = ccw_actors("run", machine, "--json", "--no-trace")
    assert ended.status == 1
    assert f"unpacks to more than {16 * MIB} bytes; if it may, set unpacked_max" in (
        ended.line
    )
    bystander = json.loads(ended.out)["guests"]["bystander"]
    assert bystander["sha256"] == contents(ALICE)["sha256"]


@pytest.mark.slow
def test_gzipped_image_unless_it_is_said(tmp_path: Path) -> None:
    """A GiB is the most that an image unpacks to, unless its device says otherwise.

    The image unpacks to zeros here, which take no space on the disk.
    """
    image = zeros(tmp_path, 1025 * MIB)
    machine = write_machine(tmp_path, image=image)
    ended = ccw_actors("run", machine, "--json", "--no-trace")
    assert ended.status == 1
    assert f"unpacks to more than {1 << 30} bytes" in ended.line


def test_signal_while_an_image_is_unpacked(tmp_path: Path) -> None:
    """Signals work during unpacking, which leaves nothing behind."""
    (tmp_path / "scratch").mkdir()
    image = zeros(tmp_path, 1500 * MIB)
    machine = write_machine(tmp_path, image=image)
    machine.write_text(
        machine.read_text().replace(
            f'image = "{image}"', f'image = "{image}"\nunpacked_max = "100 GiB"'
        )
    )
    with subprocess.Popen(
        [*COMMAND, machine, "--no-trace"],
        cwd=tmp_path,
        env={
            **ENVIRONMENT,
            "TMPDIR": str(tmp_path / "scratch"),
            "XDG_RUNTIME_DIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not list((tmp_path / "scratch").glob("*/*.img")):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert errors == "ccw-actors: stopped by SIGTERM\n"
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    "size", ["0", "-1", '"1 MB"', "1.5", f'"{"9" * 5000} KiB"', "9" * 5000, '"x"']
)
def test_unpacked_sizes_that_are_none(tmp_path: Path, size: str) -> None:
    """A value that is not a size is refused with its key."""
    machine = write_machine(tmp_path)
    text = machine.read_text().replace(
        "[[guest]]", f"unpacked_max = {size}\n[[guest]]", 1
    )
    machine.write_text(text)
    ended = ccw_actors("run", machine)
    assert ended.status == 2
    assert ended.line.startswith(f"ccw-actors: {machine}: ")


@pytest.mark.parametrize("option", ["--blocks", "--cylinders"])
@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "65536000000"])
def test_disks_without_end(tmp_path: Path, option: str, number: str) -> None:
    """No disk is larger than its type can address."""
    kind = "3370" if option == "--blocks" else "3390"
    path = tmp_path / "disk.img"
    ended = ccw_actors(
        *("dasd", "init", path, "--type", kind, "--volser", "A", option, number)
    )
    assert ended.status == 2
    assert option in ended.line
    assert list(tmp_path.iterdir()) == []


# -- vectors --------------------------------------------------------------------------


def test_gzipped_vectors(tmp_path: Path) -> None:
    """Vectors that unpack to more than their bound are refused; it can be raised."""
    path = tmp_path / "vectors.json.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * (17 * MIB) + b"]"))
    check_refused(ccw_actors("conform", path), f"larger than {16 * MIB} bytes")
    assert ccw_actors("conform", path, "--size-max", "20 MiB").status == 0


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'[{"name": ' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"1" * 5000,
        b'[{"name": "a", "timeout_us": ' + b"9" * 5000 + b"}]",
        b"\x1f\x8b",
        b"\x1f\x8b" + bytes(1000),
        b"",
    ],
    ids=lambda one: f"{one[:12]!r} {len(one)}",
)
def test_vectors_that_are_none(tmp_path: Path, content: bytes) -> None:
    """Deep nesting, long numbers and bytes that are not text are refused."""
    path = tmp_path / "vectors.json"
    path.write_bytes(content)
    check_refused(ccw_actors("conform", path), "expected golden vectors: ")


# -- traces ---------------------------------------------------------------------------


def records() -> list[Any]:
    """Return the records of a trace up to the first message."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(recorded())
    found = list(unpacker)
    return found[: 1 + next(i for i, one in enumerate(found) if one[0] == "handled")]


def with_message(folder: Path, payload: bytes) -> Path:
    """Write a trace whose one message is these bytes of msgpack."""
    *before, event = map(msgpack.packb, records())
    whole = msgpack.unpackb(event)
    event = b"".join(map(msgpack.packb, whole[:-1]))
    path = folder / "trace"
    head = bytes([0x90 | len(whole)])
    path.write_bytes(b"".join(before) + head + event + payload)
    return path


def array(count: int, element: bytes) -> bytes:
    """Return an array that repeats one element."""
    return b"\xdd" + count.to_bytes(4) + element * count


BOMBS = {
    "nils": (b"\xc0", 1),
    "empty arrays": (b"\x90", 1),
    "empty maps": (b"\x80", 1),
    "maps of one": (b"\x81\x01\xc0", 3),
    "arrays of one": (b"\x91\x90", 2),
    "texts": (b"\xa1a", 1),
    "times": (b"\xd6\xff" + bytes(4), 1),
}


@pytest.fixture
def limited() -> Iterator[None]:
    """Limit this process to one GiB of memory more than it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("name", BOMBS)
def test_message_of_many_values(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """A message of a million values is shown or refused, in bounded memory."""
    element, _ = BOMBS[name]
    path = with_message(tmp_path, array((1 << 20) + 1, element))
    said = ccw_actors("trace", path, *options)
    assert said.status == 2
    assert "are not msgpack" in said.line


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("name", "options"),
    [("arrays of one", ()), ("texts", ()), *((name, ("--json",)) for name in BOMBS)],
)
def test_message_of_as_many_values_as_there_may_be(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """A message within the bounds is shown, also in bounded memory."""
    element, count = BOMBS[name]
    path = with_message(tmp_path, array((1 << 20) // (count + 1), element))
    assert ccw_actors("trace", path, *options).status == 0


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("fill", [b"\xc0", b"\x80", b"\x90"])
def test_large_message(tmp_path: Path, fill: bytes) -> None:
    """A message above the bound is refused; an option changes the bound."""
    path = with_message(tmp_path, array(60_000_000, fill))
    check_refused(ccw_actors("trace", path), f"larger than {16 * MIB} bytes")
    path = with_message(tmp_path, msgpack.packb(bytes(17 * MIB)))
    check_refused(ccw_actors("trace", path), f"larger than {16 * MIB} bytes")
    assert ccw_actors("trace", path, "--value-max", "20 MiB").status == 0


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("depth", [100, 300, 400, 505, 520, 900, 100_000])
@pytest.mark.parametrize("kind", [b"\x91", b"\x81\xa1a"])
def test_nested_message(
    tmp_path: Path, kind: bytes, depth: int, options: tuple[str, ...]
) -> None:
    """A deeply nested message is refused in one line, without a traceback."""
    path = with_message(tmp_path, kind * depth + b"\x01")
    ended = ccw_actors("trace", path, *options)
    if depth <= 100:
        assert ended.status == 0
    elif ended.status:
        check_refused(ended, "")


@pytest.mark.parametrize(
    "payload",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xd7\xff" + b"\xff" * 8,
        b"\x81\x80\x01",
        b"\xa2\xff\xfe",
        b"\xa3\xed\xb0\x80",
    ],
)
def test_message_that_is_none(tmp_path: Path, payload: bytes) -> None:
    """Invalid lengths, times, keys and texts are refused."""
    path = with_message(tmp_path, payload)
    for options in ((), ("--json",)):
        check_refused(ccw_actors("trace", path, *options), "")


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1e308])
def test_times_that_are_none(tmp_path: Path, time: float) -> None:
    """A time in a trace may be any number, and its JSON is valid."""
    *before, event = records()
    event[3] = event[4] = time
    path = tmp_path / "trace"
    path.write_bytes(b"".join(map(msgpack.packb, [*before, event])))
    assert ccw_actors("trace", path).status == 0
    found = json.loads(ccw_actors("trace", path, "--json").out, parse_constant=str)
    assert found["sent_at"] in (None, time)


def test_types_without_end(tmp_path: Path) -> None:
    """The types of a trace have a bound; a field with too many types has no names."""
    head, *_, event = records()
    kinds: list[Any] = [["type", n, "T", False, []] for n in range(1 << 16)]
    path = tmp_path / "trace"
    path.write_bytes(b"".join(map(msgpack.packb, [head, *kinds, event])))
    assert ccw_actors("trace", path).status == 0
    more: list[Any] = [["type", 1 << 16, "T", False, []]]
    path.write_bytes(b"".join(map(msgpack.packb, [head, *kinds, *more, event])))
    check_refused(ccw_actors("trace", path), "too many types")
    field = ["f", list(range(200_000)), True]
    event[-2:] = [7, [[[0]] * 100_000]]
    wide = ["type", 7, "T", False, [field]]
    path.write_bytes(b"".join(map(msgpack.packb, [head, wide, event])))
    assert ccw_actors("trace", path).status == 0


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
@pytest.mark.parametrize("command", ["trace", "replay", "conform", "run"])
def test_devices_as_files(command: str, path: str) -> None:
    """A file without an end, and one without a beginning, are refused."""
    assert ccw_actors(command, path).status == 2


# -- machine files --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 60_000 + "]" * 60_000,
        "a = " + "{ a = " * 10_000 + "1" + "}" * 10_000,
        "[" + ".".join("a" * 2_000) + "]",
        GUEST.format(FINE) + "arguments" + ".a" * 2_000 + " = 1",
        GUEST.format(FINE) + "[guest.arguments" + ".a" * 2_000 + "]",
        "a = " + "9" * 5000,
        "a = 0x" + "f" * 5000,
        "a = 1e" + "9" * 5000,
        GUEST.format(FINE).replace("4 KiB", "9" * 5000 + " KiB"),
        GUEST.format(FINE).replace('"4 KiB"', "0x" + "f" * 5000),
        GUEST.format("a." * 10_000 + "b"),
        GUEST.format("a" * 100_000),
        '"' + "k" * 100_000 + '" = 1',
        "devices_max = " + "0x" + "f" * 5000,
        "a = 9999-99-99",
        "# " + "x" * (1 << 24),
    ],
    ids=lambda text: f"{text[:20]} {len(text)}",
)
def test_machine_file_that_is_none(tmp_path: Path, text: str) -> None:
    """Deep nesting, long numbers and names are refused in one line."""
    path = tmp_path / "machine.toml"
    path.write_text(text)
    ended = ccw_actors("run", path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.startswith(f"ccw-actors: {path}: ")
    assert len(ended.line) < 1100


def test_machine_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused with their place."""
    path = tmp_path / "machine.toml"
    path.write_bytes(b'a = "\xff"')
    check_refused(ccw_actors("run", path), "byte 5: expected TOML")


def test_machine_of_many_devices(tmp_path: Path) -> None:
    """Devices and guests have a bound, which the file may raise."""
    image = tmp_path / "empty.img"
    image.touch()
    device = '[[device]]\nnumber = {}\ntype = "3390"\nimage = "empty.img"\n'
    text = "read_only = true\n".join(device.format(n) for n in range(10_000))
    path = tmp_path / "machine.toml"
    path.write_text(text + "read_only = true\n")
    said = "device: expected 2048 at most, got 10000; devices_max may say more"
    check_refused(ccw_actors("run", path), said)
    path.write_text("devices_max = 10_000\n" + path.read_text())
    check_refused(ccw_actors("run", path), "guest: missing")
    guests = "".join(
        GUEST.format(FINE).replace('"a"', f'"g{n}"') for n in range(10_000)
    )
    path.write_text(guests)
    said = "guest: expected 1024 at most, got 10000; guests_max may say more"
    check_refused(ccw_actors("run", path), said)


def test_bounds_are_documented() -> None:
    """Helps and SECURITY.md name the bounds, and say how to raise them."""
    page = (Path(__file__).parents[2] / "SECURITY.md").read_text()
    assert f"{OBJECTS_MAX:,} values" in page
    assert f"its newest {TRACE_SIZE >> 20} MiB" in page
    assert f"{SIZE_MAX >> 20} MiB, and" in page
    for command, option in (
        ("trace", "--value-max"),
        ("conform", "--size-max"),
        ("run", "--trace-size"),
    ):
        assert option in ccw_actors(command, "--help").out
