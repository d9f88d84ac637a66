"""`ccw-actors qemu`: what it passes to a QEMU, and its errors."""

import json
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_blocks, create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from tests.cli.in_process import Ended, ccw_actors

PROGRAM = """#!/bin/sh
[ "$2" = vfio-ccw,help ] && echo "vfio-ccw options:" && exit
for word; do echo "$word" >>{words}; done
"""


@pytest.fixture(autouse=True)
def _sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Write a stand-in for a QEMU, which keeps its arguments and ends."""
    path = tmp_path / "qemu"
    path.write_text(PROGRAM.format(words=tmp_path / "words"))
    path.chmod(0o755)
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Make a 3390."""
    path = tmp_path / "disk.img"
    create_tracks(path, ckd_volume(ckd_type("3390")[0], 1), "DISK01")
    return path


def run(program: Path, *words: str | Path) -> Ended:
    """Run the command with that program."""
    console = program.parent / "console"
    return ccw_actors("qemu", "--qemu", program, "--console", console, *words)


def arguments(program: Path) -> list[str]:
    """Return the arguments of the program."""
    return (program.parent / "words").read_text().splitlines()


def test_what_a_qemu_is_given(program: Path, disk: Path) -> None:
    """QEMU gets storage, CPUs, devices, and last the user's words unchanged."""
    own = ("-kernel", "--no-such", "-append", "a --disk b", "--")
    options = ("--memory", "256 MiB", "--cpus", "2", "--boot", "0190")
    ended = run(program, "--disk", f"0190={disk}", *options, "--", *own)
    assert (ended.status, ended.err) == (0, "ccw-actors: 0 I/Os, 0 interrupts\n")
    given = arguments(program)
    assert given[-len(own) :] == list(own)
    assert given[given.index("-m") + 1] == "256M"
    assert given[given.index("-smp") + 1] == "2"
    (device,) = [word for word in given if word.startswith("vfio-ccw,")]
    assert "id=ccw-0190" in device
    assert "devno=fe.0.0190" in device
    assert device.endswith(",bootindex=0")


def test_result(program: Path, disk: Path) -> None:
    """With --json standard output has the result and nothing else."""
    ended = run(program, "--json", "--disk", f"0190={disk},read-only")
    found = json.loads(ended.out)["guests"]["qemu"]
    assert (found["status"], found["released"], found["error"]) == (0, True, None)


def test_blocks(program: Path, tmp_path: Path) -> None:
    """An image of blocks needs a type, and is used with one."""
    image = tmp_path / "blocks.img"
    create_blocks(image, "3370", 1000, "BLOCKS")
    ended = run(program, "--disk", f"0190={image}")
    assert ended.status == 2
    assert f"{image},type=3370" in ended.line
    assert run(program, "--disk", f"0190={image},type=3370").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--disk", "0190"), "expected DEVNO=IMAGE"),
        (("--disk", "x=DISK"), "expected a device number"),
        (("--disk", "0190=nothing.img"), "nothing.img: No such file"),
        (
            ("--disk", "0190=DISK", "--disk", "0190=DISK"),
            "two disks have the number 0.0.0190",
        ),
        (("--disk", "0190=DISK", "--boot", "0191"), "number of a --disk (0.0.0190)"),
        (("--boot", "0190"), "number of a --disk (none)"),
        (("--memory", "1048577"), "expected whole MiB"),
        (("--cpus", "0"), "--cpus"),
        (("-kernel", "vmlinuz"), "-kernel: QEMU's own arguments come after --"),
        (("--name", "a/b"), "at most 64 letters"),
        (("nothing",), "No such command 'nothing'"),
    ],
)
def test_wrong_words(
    program: Path, disk: Path, words: tuple[str, ...], said: str
) -> None:
    """A wrong option is one line that quotes it; nothing is started."""
    ended = run(program, *(word.replace("DISK", str(disk)) for word in words))
    assert ended.status in (1, 2)
    assert said in ended.line
    assert "type=3370" not in ended.line
    assert not (program.parent / "words").exists()


def test_no_machine(disk: Path) -> None:
    """Commands for a running machine say so if there is none."""
    for words in (("attach", "m", f"0190={disk}"), ("detach", "m", "0190")):
        ended = ccw_actors("qemu", *words)
        assert (ended.status, ended.line) == (
            1,
            "ccw-actors: no machine named m is running",
        )
    for word in ("pause", "resume"):
        assert ccw_actors("qemu", word, "m").status == 1
