"""Guests of QEMU in a machine file, and errors for mistakes in them."""

from pathlib import Path

import pytest

from ccw_actors.errors import MachineFileError
from ccw_actors.machine import QemuGuest, load_machine

MACHINE = """
[[device]]
number = "0150"
type = "3390"
image = "one.img"

[[guest]]
name = "linux"
emulator = "qemu"
storage = "512 MiB"
binary = "build/qemu"
cpus = 2
kernel = "vmlinuz"
initrd = "initrd"
append = "quiet"
arguments = ["-no-reboot"]
console = "terminal"
boot = "0.0.0190"

[[guest.device]]
number = "0190"
host = "0150"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a machine file with a guest of QEMU."""
    for name in ("one.img", "vmlinuz", "initrd"):
        (tmp_path / name).touch()
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE)
    return path


def guest_of(file: Path) -> QemuGuest:
    """Load it; return the guest."""
    guest = load_machine(file).guests[0]
    assert isinstance(guest, QemuGuest)
    return guest


def test_every_key(file: Path) -> None:
    """Every key arrives; paths are relative to the machine file."""
    guest = guest_of(file)
    folder = file.parent
    assert (guest.name, guest.storage, guest.cpus) == ("linux", 512 << 20, 2)
    assert (guest.kernel, guest.initrd) == (folder / "vmlinuz", folder / "initrd")
    assert (guest.append, guest.arguments) == ("quiet", ("-no-reboot",))
    assert guest.binary == str(folder / "build/qemu")
    assert guest.boot == 0x190
    assert guest.console is not None
    assert guest.console.file is None


def test_console_in_a_file_and_binary_on_path(file: Path) -> None:
    """A console may be a file; a binary without a slash is a name on PATH."""
    text = MACHINE.replace('"terminal"', '"log/console"').replace("build/", "")
    file.write_text(text)
    guest = guest_of(file)
    assert guest.console is not None
    assert guest.console.file == file.parent / "log/console"
    assert guest.binary == "qemu"


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ('"qemu"', '"bochs"', "guest[0].emulator", '"python" (a guest program)'),
        ('"qemu"', "1", "guest[0].emulator", '"python" (a guest program)'),
        ('"512 MiB"', '"513 KiB"', "guest[0].storage", "page"),
        ('"512 MiB"', '"516 KiB"', "guest[0].storage", "whole MiB"),
        ("cpus = 2", "cpus = 0", "guest[0].cpus", "1 to 248"),
        ('"vmlinuz"', '"nothing"', "guest[0].kernel", "no file"),
        ('"vmlinuz"', "7", "guest[0].kernel", "the path of a kernel"),
        ('"initrd"', '"nothing"', "guest[0].initrd", "no file"),
        ('"0.0.0190"', '"0.0.0191"', "guest[0].boot", "(0.0.0190)"),
        ('["-no-reboot"]', '"-S"', "guest[0].arguments", "list of QEMU"),
        ('"terminal"', "true", "guest[0].console", '"terminal" or a file'),
        ("cpus = 2", "cpu = 2", "guest[0].cpu", "did you mean cpus?"),
        ("cpus = 2", 'program = "a:b"', "guest[0].program", "unknown key"),
        ('emulator = "qemu"', "", "guest[0]", "unknown key"),
    ],
)
def test_mistakes(file: Path, old: str, new: str, key: str, expected: str) -> None:
    """A mistake is one line with the file, the key and what was expected."""
    assert old in MACHINE
    file.write_text(MACHINE.replace(old, new, 1))
    with pytest.raises(MachineFileError) as caught:
        load_machine(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: {key}")
    assert expected in said


def test_one_guest_at_the_terminal(file: Path) -> None:
    """Two guests cannot have the terminal."""
    second = """
[[guest]]
name = "other"
emulator = "qemu"
storage = "64 MiB"
console = "terminal"
"""
    file.write_text(MACHINE + second)
    with pytest.raises(MachineFileError, match=r"guest\[1\].console: .*one guest"):
        load_machine(file)
