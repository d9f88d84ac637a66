"""The machine file: its values as our types, and errors for mistakes in it."""

from pathlib import Path

import pytest

from ccw_actors.actors.protocol import AwaitStatus
from ccw_actors.devices import DEVICE_MODELS
from ccw_actors.errors import MachineFileError
from ccw_actors.machine import (
    GuestConfiguration,
    HostDevice,
    Machine,
    PassedThrough,
    load_machine,
)
from ccw_actors.machine._guest_program import Form

MACHINE = """\
[[device]]
number = "0.0.0150"
type = "3390"
image = "one.img"

[[device]]
number = "0151"
type = "3390"
image = "two.img"
read_only = true

[[guest]]
name = "alice"
storage = "1 MiB"
program = "{module}:patient"
arguments = {{ times = 2 }}

[[guest.device]]
number = 0x190
host = "0.0.0150"

[[guest.device]]
number = 0x191
host = "0.0.0151"

[[guest]]
name = "bob"
storage = 8192
program = "{module}.STEPS"
"""
PROGRAMS = """\
from ccw_actors.actors.protocol import AwaitStatus

STEPS = (AwaitStatus(), AwaitStatus(1.0))
NOTHING = None
WORDS = ("wait", "wait")


async def patient(cpu, times, pause=0.0):
    pass


def hasty(cpu, times=1):
    pass


class Program:
    pass
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    """Return the name of a module of programs next to the machine file."""
    name = f"programs_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(PROGRAMS)
    return name


@pytest.fixture
def file(tmp_path: Path, module: str) -> Path:
    """Write a machine file with two disks and two guests."""
    for image in ("one.img", "two.img"):
        (tmp_path / image).touch()
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE.format(module=module))
    return path


def programs(machine: Machine) -> list[GuestConfiguration]:
    """Return the guests of a machine that are programs."""
    return [one for one in machine.guests if isinstance(one, GuestConfiguration)]


def mistake(file: Path) -> str:
    """Load a wrong machine file; return the error."""
    with pytest.raises(MachineFileError) as caught:
        load_machine(file)
    text = str(caught.value)
    assert "\n" not in text
    return text


def edit(file: Path, old: str, new: str) -> None:
    """Replace the first of some text in a file; `~` in it is the module's name."""
    module = next(file.parent.glob("*.py")).stem
    text = file.read_text()
    old, new = old.replace("~", module), new.replace("~", module)
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_machine_file_becomes_a_machine(file: Path) -> None:
    """Numbers, sizes, paths and programs of the file are values of our types."""
    machine = load_machine(file)
    alice, bob = programs(machine)
    first, second = machine.devices
    assert [device.number for device in machine.devices] == [0x150, 0x151]
    assert str(first.number) == "0.0.0150"
    assert first.device_type == "3390"
    assert first.image == file.parent / "one.img"
    assert (first.read_only, second.read_only) == (False, True)
    assert (alice.name, alice.storage, alice.arguments) == (
        "alice",
        1024 * 1024,
        {"times": 2},
    )
    assert [(one.number, one.host) for one in alice.devices] == [
        (0x190, 0x150),
        (0x191, 0x151),
    ]
    assert alice.program.form is Form.ASYNC
    assert bob.program.form is Form.DATA
    assert bob.program.body == (AwaitStatus(), AwaitStatus(1.0))


def test_plain_function_is_a_blocking_program(file: Path) -> None:
    """A function that is no coroutine function runs in the blocking form."""
    edit(file, "~:patient", "~:hasty")
    assert programs(load_machine(file))[0].program.form is Form.BLOCKING


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('"1 MiB"', 1 << 20),
        ('"64KiB"', 64 << 10),
        ('"2 GiB"', 2 << 30),
        ('"4096"', 4096),
        ("12288", 12288),
    ],
)
def test_storage_sizes(file: Path, text: str, size: int) -> None:
    """Storage is given in bytes or with a binary unit."""
    edit(file, '"1 MiB"', text)
    assert load_machine(file).guests[0].storage == size


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ("read_only", "read_onyl", "device[1].read_onyl", "did you mean read_only?"),
        ("storage", '"a\\nb"', "guest[0].a b", "unknown key"),
        ("storage", "memory", "guest[0].memory", "expected name, storage, program"),
        ("host =", "hots =", "guest[0].device[0].hots", "did you mean host?"),
        ("[[device]]", "[[devices]]", "devices", "did you mean device?"),
        ('type = "3390"\n', "", "device[0].type", "missing; expected a device type"),
        ('name = "bob"\n', "", "guest[1].name", "missing; expected a name"),
        ('host = "0.0.0151"', "", "guest[0].device[1].host", "missing; expected the"),
        ("0.0.0150", "0.1.0150", "device[0].number", "expected a device number"),
        ("0.0.0150", "0.0.150", "device[0].number", "got '0.0.150'"),
        ("= 0x190", "= 65536", "guest[0].device[0].number", "got 65536"),
        ("= 0x190", "= true", "guest[0].device[0].number", "got True"),
        ('"3390"', "3390", "device[0].type", "expected a device type, one of"),
        ('"3390"', '"3391"', "device[0].type", ", ".join(sorted(DEVICE_MODELS))),
        ('"one.img"', '"none.img"', "device[0].image", "there is no file"),
        ('"one.img"', "1", "device[0].image", "expected the path of an image"),
        ("true", '"yes"', "device[1].read_only", "expected true or false, got 'yes'"),
        ('"alice"', '"al/ice"', "guest[0].name", "expected a name of letters"),
        ('"alice"', '"host"', "guest[0].name", 'other than "host"'),
        ('"1 MiB"', '"1 MB"', "guest[0].storage", "such as \"1 MiB\", got '1 MB'"),
        ('"1 MiB"', "1.5", "guest[0].storage", "expected bytes as an integer"),
        ('"1 MiB"', "4095", "guest[0].storage", "at least one"),
        ('"1 MiB"', '"16385 GiB"', "guest[0].storage", f"at most {1 << 44} bytes"),
        ('"1 MiB"', '"5000"', "guest[0].storage", "whole pages of 4096 bytes"),
        ('"~:patient"', "7", "guest[0].program", "expected a dotted name such as"),
        ("~:patient", "patient", "guest[0].program", "expected a dotted name such as"),
        ("~:patient", "~:patent", "guest[0].program", "did you mean patient?"),
        ("~:patient", "nowhere:run", "guest[0].program", "there is no module nowhere"),
        ("~:patient", "~:NOTHING", "guest[0].program", "expected a coroutine function"),
        ("~:patient", "~:Program", "guest[0].program", "got the class Program"),
        ("~:patient", "~:WORDS", "guest[0].program", "a sequence of operations"),
        ("times = 2", "tims = 2", "guest[0].arguments", "expected what"),
        ("{ times = 2 }", "2", "guest[0].arguments", "expected a table"),
        ("~.STEPS", '~.STEPS"\narguments = { a = 1 } #', "guest[1].arguments", "none"),
        ('"bob"', '"alice"', "guest[1].name", "alice is also guest[0].name"),
        ('"0151"', '"0150"', "device[1].number", "0.0.0150 is also device[0].number"),
        (
            "= 0x191",
            "= 0x190",
            "guest[0].device[1].number",
            "0.0.0190 is also guest[0].device",
        ),
        (
            '"0.0.0151"',
            '"0.0.0150"',
            "guest[0].device[1].host",
            "0.0.0150 is also guest[0].device[0].host",
        ),
        (
            '"0.0.0151"',
            '"0.0.0152"',
            "guest[0].device[1].host",
            "expected the number of a [[device]] (0.0.0150, 0.0.0151), got 0.0.0152",
        ),
        ('"two.img"', '"one.img"', "device[1].image", "unless all are read_only"),
        ('"0.0.0150"', "", "line 2, column 10", "expected TOML: Invalid value"),
    ],
)
def test_mistakes(file: Path, old: str, new: str, key: str, expected: str) -> None:
    """A mistake is one line with the file, the key and what was expected."""
    edit(file, old, new)
    said = mistake(file)
    assert said.startswith(f"{file}: {key}: ")
    assert expected in said


def test_host_device_is_passed_to_one_guest(file: Path) -> None:
    """Two guests cannot have one device."""
    passed = '\n[[guest.device]]\nnumber = "0190"\nhost = "0150"\n'
    file.write_text(file.read_text() + passed)
    said = mistake(file)
    assert said.startswith(f"{file}: guest[1].device[0].host: 0.0.0150")
    assert "guest[0].device[0].host" in said


def test_read_only_devices_may_share_an_image(file: Path) -> None:
    """An image that nobody writes can be the volume of several devices."""
    edit(file, '"two.img"', '"one.img"')
    edit(file, 'image = "one.img"\n', 'image = "one.img"\nread_only = true\n')
    assert len({device.image for device in load_machine(file).devices}) == 1


def test_machine_needs_a_guest(file: Path) -> None:
    """A file without guests is refused."""
    file.write_text("")
    assert mistake(file).startswith(f"{file}: guest: missing; expected")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("raise ValueError('first\\nsecond')", "ValueError: first second"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import not_there_at_all", "No module named 'not_there_at_all'"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_program_whose_module_raises(
    file: Path, module: str, content: str, expected: str
) -> None:
    """An exception during the import of a module is one line."""
    (file.parent / f"{module}.py").write_text(content)
    said = mistake(file)
    assert said.startswith(f"{file}: guest[0].program: importing {module} failed: ")
    assert expected in said


def test_module_of_another_machine_file(file: Path, tmp_path: Path) -> None:
    """A second module of the same name is refused rather than mistaken."""
    load_machine(file)
    other = tmp_path / "other"
    other.mkdir()
    for path in [*tmp_path.glob("*.py"), *tmp_path.glob("*.img"), file]:
        (other / path.name).write_bytes(path.read_bytes())
    said = mistake(other / file.name)
    assert said.startswith(
        f"{other / file.name}: guest[0].program: expected the module"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"\xff", "byte 0: expected TOML, which is UTF-8"), (None, "No such file")],
)
def test_file_that_cannot_be_read(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """A missing file, and one that is not text, are one line as well."""
    file = tmp_path / "machine.toml"
    if content is not None:
        file.write_bytes(content)
    said = mistake(file)
    assert said.startswith(f"{file}: ")
    assert expected in said


def test_machine_written_in_python_is_a_value(file: Path) -> None:
    """A machine can be made without a file, from the same parts."""
    loaded = load_machine(file)
    alice = programs(loaded)[0]
    built = Machine(
        tuple(
            HostDevice(one.number, one.device_type, one.image, one.read_only)
            for one in loaded.devices
        ),
        (
            GuestConfiguration(
                "alice",
                alice.storage,
                alice.program,
                {"times": 2},
                tuple(PassedThrough(one.number, one.host) for one in alice.devices),
            ),
            loaded.guests[1],
        ),
    )
    assert built == loaded
