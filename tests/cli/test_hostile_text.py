"""Hostile text in every command: it is shown, and neither obeyed nor read as markup.

Every command gets control characters, line ends, bidirectional marks, halves of
characters and the markup of the table library where its input has text.
"""

import gzip
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
import typer

from ccw_actors.actors.hardware.image import open_image
from ccw_actors.cli import app
from ccw_actors.cli._printing import visible
from ccw_actors.explore import Counterexample, explore
from ccw_actors.verdicts import CellName, cell_scenario
from tests.cli.in_process import Ended, ccw_actors, is_harmless
from tests.control.cast import NAME
from tests.control.test_client import WELCOME, answering, machine
from tests.devices.volumes import DiskOfDatasets
from tests.machine.contents import ALICE, unpack
from tests.trace.play import recorded

HOSTILE = "\x1b[2J\x1b]0;owned\x07[/b] [red]\r\nforged: line\u202e\x9b31m\x7f\u2028"
importlib.import_module("ebcdic")  # which has cp1047
LABELS = ["[/b]  ", "[bold]", "\x1b[31mX", "\x9b31mXY", "a\r\nb\rc", "\x7f\x00\x08"]
VECTORS = Path(__file__).parents[1] / "data" / "qemu-public.json.gz"
MACHINE = """\
[[device]]
number = "0150"
type = "3390"
image = "{image}"
read_only = true

[[guest]]
name = "reader"
storage = "128 KiB"
program = "ccw_actors.machine.programs:read_volume"

[[guest.device]]
number = "0190"
host = "0150"
"""
GUESTS = """\
HOSTILE = {hostile!r}


async def returns(cpu):
    return {{HOSTILE: HOSTILE, "volser": "[/b]"}}


async def is_a_volume(cpu):
    return {{"volser": HOSTILE, "records": 1, "bytes": 2, "sha256": HOSTILE}}


async def raises(cpu):
    raise ValueError(HOSTILE)


def raises_in_thread(cpu):
    raise ValueError(HOSTILE)
"""
SCENARIO = """\
from ccw_actors.explore import TransitionSystem

HOSTILE = {hostile!r}
hostile = TransitionSystem(
    [0], lambda n: [HOSTILE] if n < 2 else [], lambda n, one: n + 1,
    invariants={{HOSTILE: lambda n: n < 2}},
)
"""


def check(ended: Ended, *statuses: int) -> Ended:
    """Check that a command ended so, and that what it printed can do no harm."""
    assert ended.status in statuses, ended
    assert is_harmless(ended.out), ended.out
    assert is_harmless(ended.err), ended.err
    assert "\nforged" not in ended.out + ended.err
    return ended


def test_what_is_made_visible() -> None:
    """Printable text stays as it is; the rest is escaped as in Python."""
    assert visible("Käse [/b] ✔ 日本") == "Käse [/b] ✔ 日本"
    assert visible("\x1b[2J\n\x9b\u202e\udc80\U000e0001") == (
        r"\x1b[2J\n\x9b\u202e\udc80\U000e0001"
    )


def test_no_command_is_left_out() -> None:
    """Every command has a test here."""
    command: Any = typer.main.get_command(app)
    tested = {"run", "trace", "explore", "replay", "conform", "verdicts", "dasd"}
    tested |= {"qemu", "machines", "stop", "dump", "kernel"}
    tested |= {"show"}  # tests/show/test_browser.py
    tested |= {"fault"}  # tests/cli/test_fault.py
    assert set(command.list_commands(None)) == tested


@pytest.mark.parametrize(
    "words", [("kernel", "test"), ("kernel", "build"), ("trace", "check")]
)
def test_names_of_kernels(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A kernel's name is shown, whatever is in it."""
    more = ("--model", "2026") if words == ("trace", "check") else ()
    ended = check(ccw_actors(*words, f"{tmp_path}/{HOSTILE}", *more), 2, 125)
    assert ended.err


@pytest.mark.parametrize("label", LABELS)
def test_labels(tmp_path: Path, label: str) -> None:
    """`run` and `dasd` show a volume's label, whatever is in it."""
    image = unpack(ALICE, tmp_path)
    serial = label.encode("cp037").ljust(6, b"\x40")
    old = "VOL1ORC390".encode("cp037")
    image.write_bytes(image.read_bytes().replace(old, old[:4] + serial, 1))
    machine = tmp_path / "machine.toml"
    machine.write_text(MACHINE.format(image=image))
    shown = check(ccw_actors("run", machine, "--no-trace"), 0)
    assert visible(label.rstrip()) in shown.out
    found = json.loads(check(ccw_actors("run", machine, "--no-trace", "--json"), 0).out)
    assert found["guests"]["reader"]["volser"] == label.rstrip()
    check(ccw_actors("dasd", "ls", image), 0, 2)
    check(ccw_actors("dasd", "ls", image, "--json"), 0, 2)
    check(ccw_actors("dasd", "verify", image), 0, 1)


def test_datasets(tmp_path: Path) -> None:
    """Names of datasets and members are shown, and so are their contents."""
    image = tmp_path / "disk.img"
    ccw_actors(
        *("dasd", "init", image, "--type", "3350", "--volser", "A", "--cylinders", "4")
    )
    disk = DiskOfDatasets()
    disk.add("\x1b]0;[/b]\x07", ((1, 0), (1, 1)))
    disk.add("LINES", ((1, 2), (1, 2)))
    disk.put(32, HOSTILE[:30].ljust(80).encode("cp1047", "replace"), b"")
    disk.add("LIBRARY", ((2, 0), (2, 9)), organisation=0x0200)
    entries = "\x1b[31m\r\nX".encode("cp037") + bytes((0, 1, 1, 0)) + b"\xff" * 8
    block = (6 + len(entries)).to_bytes(2) + entries + bytes(4)
    disk.put(60, (b"\xff" * 8, block.ljust(256, b"\0")), b"")
    file = open_image(image, read_only=False)
    for number, raw in disk.tracks.items():
        file.write(number, raw)
    file.close()
    listed = check(ccw_actors("dasd", "ls", image), 0)
    assert r"\x1b]0;[/b]\x07" in listed.out
    check(ccw_actors("dasd", "ls", image, "--json"), 0)
    assert r"\x1b[31m" in check(ccw_actors("dasd", "ls", image, "LIBRARY"), 0).out
    check(ccw_actors("dasd", "ls", image, "LIBRARY", "--json"), 0)
    assert r"\x1b]0;[/b]" in check(ccw_actors("dasd", "cat", image, "NONE"), 2).line
    lines = check(ccw_actors("dasd", "cat", image, "LINES", "--text"), 0).out
    assert len(lines.splitlines()) == 1
    check(ccw_actors("dasd", "ls", tmp_path / HOSTILE.replace("/", "")), 2)


@pytest.mark.parametrize(
    ("program", "status"),
    [("returns", 0), ("is_a_volume", 0), ("raises", 1), ("raises_in_thread", 1)],
)
def test_guests(tmp_path: Path, program: str, status: int) -> None:
    """What a guest returns or raises is shown in its own line."""
    module = f"hostile_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(GUESTS.format(hostile=HOSTILE))
    machine = tmp_path / "machine.toml"
    machine.write_text(
        f'[[guest]]\nname = "a"\nstorage = "4 KiB"\nprogram = "{module}:{program}"\n'
    )
    ended = check(ccw_actors("run", machine, "--no-trace"), status)
    assert r"\x1b[2J" in (ended.line if status else ended.out)
    json.loads(check(ccw_actors("run", machine, "--no-trace", "--json"), status).out)


def test_machine_file(tmp_path: Path) -> None:
    """Keys, values and the file's own name are quoted in the one line of an error."""
    machine = tmp_path / f"{HOSTILE.replace('/', '')}.toml"
    escaped = json.dumps(HOSTILE)
    for text in (
        f"{escaped} = 1",
        f"[[guest]]\nname = {escaped}",
        f'[[guest]]\nname = "a"\nstorage = "4 KiB"\nprogram = {escaped}',
        f'[[device]]\nnumber = "0150"\ntype = "3390"\nimage = {escaped}',
        "\x1b[2J",
    ):
        machine.write_text(text)
        assert check(ccw_actors("run", machine), 2).line.startswith("ccw-actors: ")


def test_trace(tmp_path: Path) -> None:
    """Actors, types, fields and reasons in a trace do not break its lines."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(recorded())
    records = [_hostile(record) for record in unpacker]
    file = tmp_path / "hostile.trace"
    file.write_bytes(b"".join(map(msgpack.packb, records)))
    events = [record for record in records if record[0] not in ("trace", "type")]
    lines = check(ccw_actors("trace", file), 0).out.splitlines()
    assert len(lines) == len(events)
    assert r"\x1b[2J" in lines[0]
    for line in check(ccw_actors("trace", file, "--json"), 0).out.splitlines():
        json.loads(line)
    check(ccw_actors("trace", file, "--actor", HOSTILE, "--type", HOSTILE), 0)
    file.write_bytes(msgpack.packb(["trace", HOSTILE, 1]))
    check(ccw_actors("trace", file), 2)


def _hostile(record: list[Any]) -> list[Any]:
    """Put hostile text wherever a record may have any text."""
    kind = record[0]
    if kind == "trace":
        return record
    if kind == "type":
        fields = [[HOSTILE, *rest] for _, *rest in record[4]]
        return [kind, record[1], HOSTILE, False, fields]
    return [kind, *(HOSTILE if isinstance(one, str) else one for one in record[1:])]


def test_replay(tmp_path: Path) -> None:
    """The violation of a counterexample, and the names of its steps, are shown."""
    name = "verdicts/v5.12/qemu/attention"
    file = tmp_path / "c.json"
    Counterexample.of(name, explore(cell_scenario(*CellName.parse(name)))).save(file)
    good = json.loads(file.read_text())

    def replayed(**changes: object) -> Callable[..., Ended]:
        file.write_text(json.dumps(good | changes))
        return lambda *words: ccw_actors("replay", file, *words)

    ended = check(replayed(violation=HOSTILE, shown=[HOSTILE])(), 1)
    said = f"The file says: {visible(HOSTILE)}"
    assert said.replace(" ", "") in "".join(ended.out.split())
    check(replayed(violation=HOSTILE)("--json"), 1)
    check(replayed(steps=[HOSTILE])(), 3)
    check(replayed(steps=[HOSTILE])("--json"), 3)
    check(replayed(scenario=HOSTILE)(), 2)
    check(replayed(**{HOSTILE: 1})(), 2)
    check(replayed(engine=HOSTILE)(), 2)


def test_explore(tmp_path: Path) -> None:
    """Names of actions and invariants are shown; an unknown name is quoted."""
    own = tmp_path / "own.py"
    own.write_text(SCENARIO.format(hostile=HOSTILE))
    ended = ccw_actors("explore", f"{own}:hostile", "--save", tmp_path)
    assert ended.status == 1
    assert all(char == "\n" or char.isprintable() for char in ended.out + ended.err)
    check(ccw_actors("explore", f"{own}:hostile", "--json"), 1)
    check(ccw_actors("explore", HOSTILE), 2)
    (kept,) = tmp_path.glob("*.json")
    name = f"{own}:hostile"
    check(ccw_actors("replay", kept, "--scenario", name), 1)
    check(ccw_actors("replay", kept, "--scenario", name, "--json"), 1)


def test_conform(tmp_path: Path) -> None:
    """Names of cases, categories, devices and observations are shown."""
    cases = json.loads(gzip.decompress(VECTORS.read_bytes()))[:2]
    first, second = cases
    file = tmp_path / "vectors.json"
    first |= {"name": HOSTILE, "category": HOSTILE}
    first["observed"][-1]["irb"] = HOSTILE
    second["setup"] = {"devices": [{"devno": "0150", "type": HOSTILE}]}
    file.write_text(json.dumps(cases))
    check(ccw_actors("conform", file), 0, 1, 2)
    check(ccw_actors("conform", file, "--json"), 0, 1, 2)
    check(ccw_actors("conform", file, "--case", second["name"]), 0, 1, 2)
    check(ccw_actors("conform", file, "--category", HOSTILE), 0, 1, 2)
    check(ccw_actors("conform", file, "--case", HOSTILE + "x"), 2)
    check(ccw_actors("conform", file, "--category", HOSTILE + "x"), 2)


def test_verdicts() -> None:
    """An unknown name is quoted in one line."""
    for option in ("--design", "--emulator", "--scenario", HOSTILE):
        assert check(ccw_actors("verdicts", option, HOSTILE), 2).line


def test_qemu(tmp_path: Path) -> None:
    """The messages of a QEMU, and errors about it or a disk, are shown."""
    program = tmp_path / "qemu"
    message = HOSTILE.replace("'", "").splitlines()[0]
    program.write_text(
        "#!/bin/sh\n"
        '[ "$2" = vfio-ccw,help ] && echo "vfio-ccw options:" && exit\n'
        f"printf '%s\\n' '{message}' >&2; exit 1\n"
    )
    program.chmod(0o755)
    words = ("qemu", "--qemu", program, "--console", tmp_path / "console")
    assert visible(message) in check(ccw_actors(*words), 1).err
    assert visible(message) in check(ccw_actors(*words, "--json"), 1).err
    name = tmp_path / f"{LABELS[2]}.img"
    name.write_bytes(HOSTILE.encode(errors="surrogatepass"))
    check(ccw_actors(*words, "--disk", f"0190={name}"), 2)
    check(ccw_actors(*words, "--disk", HOSTILE), 2)
    check(ccw_actors("qemu", "attach", HOSTILE, f"0190={name}"), 2)
    check(ccw_actors("qemu", "detach", HOSTILE, HOSTILE), 2)


@pytest.fixture
def _sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.usefixtures("_sockets")
def test_machines() -> None:
    """The description of a machine is shown."""
    guests, devices = [[HOSTILE, "running"]], [[HOSTILE, HOSTILE, HOSTILE, HOSTILE]]
    said = ["MachineDescription", HOSTILE, 1, 0.5, 7, guests, devices]
    for option in ((), ("--json",)):
        with machine(answering(WELCOME, msgpack.packb(said))):
            shown = check(ccw_actors("machines", *option), 0)
        assert visible(HOSTILE)[:20] in shown.out or "owned" in shown.out


@pytest.mark.usefixtures("_sockets")
def test_stop() -> None:
    """Answers of a machine are shown; invalid names are not listed."""
    check(ccw_actors("stop", HOSTILE), 2)
    check(ccw_actors("dump", HOSTILE), 2)
    failed = msgpack.packb(["RequestFailed", HOSTILE, HOSTILE])
    with machine(answering(WELCOME, failed)):
        assert "owned" in check(ccw_actors("stop", NAME), 1).err
