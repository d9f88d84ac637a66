"""A machine from start to end: what guests find, and what happens to failures."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from ccw_actors.actors import Device
from ccw_actors.actors.protocol import ExecuteCommand, Operation
from ccw_actors.errors import MachineFileError
from ccw_actors.machine import (
    SHIPPED_MACHINE,
    DeviceNumber,
    GuestConfiguration,
    GuestProgram,
    GuestResult,
    HostDevice,
    Layers,
    Machine,
    PassedThrough,
    Progress,
    RunResult,
    StorageSize,
    load_machine,
    run_machine,
)
from ccw_actors.machine.programs import read_volume, read_volume_blocking
from ccw_actors.runtime import receive
from tests.machine import guest_programs as programs
from tests.machine.contents import ALICE, BOB, contents, tracks, unpack

Program = Callable[..., Any] | Sequence[Operation]

HOST = DeviceNumber(0x150)
OTHER_HOST = DeviceNumber(0x151)
GUEST = DeviceNumber(0x190)
MEBIBYTE = 1 << 20
HEADS = 15
HEADER_SIZE = 512
TRACK_SIZE = 56832


def guest(
    name: str,
    program: Program,
    host: DeviceNumber = HOST,
    *,
    storage: int = MEBIBYTE,
    **arguments: Any,
) -> GuestConfiguration:
    """Configure a guest with one device, 0.0.0190."""
    return GuestConfiguration(
        name,
        StorageSize(storage),
        GuestProgram(program),
        arguments,
        (PassedThrough(GUEST, host),),
    )


def machine(
    subject: GuestConfiguration,
    image: Path = ALICE,
    other: Path = ALICE,
    *,
    read_only: bool = False,
) -> Machine:
    """Return a machine with a guest and a bystander, which reads the other volume."""
    return Machine(
        (
            HostDevice(HOST, "3390", image, read_only),
            HostDevice(OTHER_HOST, "3390", other),
        ),
        (subject, guest("bystander", read_volume, OTHER_HOST)),
    )


def run(what: Machine, **options: Any) -> RunResult:
    """Run a machine on its own event loop."""
    return asyncio.run(run_machine(what, **options))


def found(result: GuestResult) -> dict[str, object]:
    """Return what a guest has read."""
    fields = ("volser", "records", "bytes", "sha256")
    return {field: getattr(result, field) for field in fields}


def failure(subject: GuestConfiguration, image: Path = ALICE, **options: Any) -> str:
    """Run a guest that fails while another goes on; return its error."""
    result = run(machine(subject, image), **options)
    assert not result.finished
    assert result.guests["bystander"].error is None
    assert found(result.guests["bystander"]) == contents(ALICE)
    error = result.guests[subject.name].error
    assert error is not None
    assert "\n" not in error
    return error


def test_shipped_guests_read_their_volumes() -> None:
    """Both guests of the shipped machine find what their images hold."""
    result = run(load_machine(SHIPPED_MACHINE))
    assert result.finished
    assert list(result.guests) == ["alice", "bob"]
    for name, image in (("alice", ALICE), ("bob", BOB)):
        report = result.guests[name]
        assert found(report) == contents(image)
        assert report.interrupts == report.ios > contents(image)["records"]
        assert set(report.cc) == {"0", "3"}


def test_system_counts_messages() -> None:
    """Messages are counted by type; every start of a guest is one to its host."""
    result = run(machine(guest("subject", read_volume)))
    ios = sum(report.ios for report in result.guests.values())
    assert result.system.messages["Start"] == ios
    assert result.system.seconds > 0
    assert result.trace is None


@pytest.mark.parametrize("program", [programs.as_coroutine, programs.as_function])
def test_programs_of_one_s_own(program: Program) -> None:
    """A return value is the guest's result, for both forms of functions."""
    report = run(machine(guest("subject", program))).guests["subject"]
    assert report.error is None
    assert isinstance(report.result, bytes)
    assert report.result[4:6] == bytes.fromhex("3390")
    assert (report.ios, report.interrupts) == (1, 1)
    assert report.cc == {"0": 4}


def test_program_as_data() -> None:
    """A sequence of operations has the list of their outcomes as its result."""
    subject = guest("subject", programs.AS_DATA)
    report = run(machine(subject)).guests["subject"]
    assert report.error is None
    outcomes = cast("list[Any]", report.result)
    assert len(outcomes) == len(programs.AS_DATA)
    assert (report.ios, report.interrupts, report.cc) == (1, 1, {"0": 4})
    assert bytes.fromhex("3390") in outcomes[-1][2][0]


@pytest.mark.parametrize("program", [read_volume, read_volume_blocking])
def test_device_named_by_argument(program: Program) -> None:
    """A guest with two disks reads the one that its argument names."""
    first = guest("subject", program, device="0191")
    second = PassedThrough(DeviceNumber(0x191), OTHER_HOST)
    both = GuestConfiguration(
        first.name,
        first.storage,
        first.program,
        first.arguments,
        (*first.devices, second),
    )
    disks = machine(first, other=BOB).devices
    result = run(Machine(disks, (both,)))
    assert found(result.guests["subject"]) == contents(BOB)


def test_guest_without_the_disk_wanted() -> None:
    """A program that looks for another disk reports those that exist."""
    error = failure(guest("subject", read_volume, device=0x191))
    assert error == "expected a 3390 at 0.0.0191; devices of this guest: 0.0.0190"


def test_several_guests_at_once() -> None:
    """Guests share no storage, numbers or results."""
    names = [f"guest-{number}" for number in range(4)]
    hosts = [DeviceNumber(0x150 + number) for number in range(4)]
    images = [ALICE, BOB] * 2
    result = run(
        Machine(
            tuple(
                HostDevice(number, "3390", image)
                for number, image in zip(hosts, images, strict=True)
            ),
            tuple(
                guest(name, read_volume, host)
                for name, host in zip(names, hosts, strict=True)
            ),
        )
    )
    assert result.finished
    for name, image in zip(names, images, strict=True):
        assert found(result.guests[name]) == contents(image)


# -- images ---------------------------------------------------------------------------


def test_image_is_written_in_place(tmp_path: Path) -> None:
    """A guest's write is in the image afterwards, in that record and no other."""
    image = unpack(ALICE, tmp_path)
    before = tracks(image.read_bytes())
    subject = guest("subject", programs.write_record, data="written by a guest")
    result = run(machine(subject, image))
    assert result.finished
    after = tracks(image.read_bytes())
    changed = [index for index in range(len(after)) if after[index] != before[index]]
    assert changed == [HEADS]
    record, old = after[HEADS].records[1], before[HEADS].records[1]
    assert record.data == b"written by a guest".ljust(len(old.data), b"\0")


def test_gzipped_image_is_never_written(tmp_path: Path) -> None:
    """A guest's writes to an unpacked copy are lost."""
    image = tmp_path / "volume.img.gz"
    image.write_bytes(ALICE.read_bytes())
    subject = guest("subject", programs.write_record, data="written by a guest")
    assert run(machine(subject, image)).finished
    assert image.read_bytes() == ALICE.read_bytes()


def test_read_only_image_is_not_written(tmp_path: Path) -> None:
    """A write to a read-only device is refused, and the image is as it was."""
    image = unpack(ALICE, tmp_path)
    image.chmod(0o444)
    before = image.read_bytes()
    subject = guest("subject", programs.write_record, data="written by a guest")
    error = run(machine(subject, image, read_only=True)).guests["subject"].error
    assert error is not None
    assert error.startswith("0.0.0190: write: device status ")
    assert "write-inhibited" in error
    assert image.read_bytes() == before


def shortened(raw: bytes) -> bytes:
    """Cut off the last track and a half."""
    return raw[: -TRACK_SIZE * 3 // 2]


DAMAGE: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("short.img", shortened, f"a multiple of {HEADS * TRACK_SIZE}"),
    ("foreign.img", lambda _: b"no disk".ljust(4096), "not a CKD image"),
    ("empty.img", lambda _: b"", "but the file has only 0"),
    ("3380.img", lambda raw: raw[:16] + b"\x80" + raw[17:], "for a 3380"),
    (
        "cckd.img",
        lambda raw: b"CKD_C370" + raw[8:],
        "entries of a level 2 table",
    ),
    ("plain.img.gz", lambda raw: raw, "expected a gzipped image: Not a gzipped"),
    ("cut.img.gz", lambda raw: gzip.compress(raw)[:-99], "expected a gzipped"),
    ("short.img.gz", lambda raw: gzip.compress(shortened(raw)), "multiple of"),
]


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGE)
def test_image_that_cannot_be_used(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes], said: str
) -> None:
    """The guest of a truncated or foreign image does not start; the others do."""
    image = tmp_path / name
    image.write_bytes(damage(gzip.decompress(ALICE.read_bytes())))
    error = failure(guest("subject", read_volume), image)
    assert error.startswith(f"device 0.0.0190: {image}: ")
    assert said in error


def test_image_cut_short_while_in_use(tmp_path: Path) -> None:
    """A track that has disappeared is an equipment check for the guest."""
    image = unpack(ALICE, tmp_path)
    lost = 20
    size = HEADER_SIZE + lost * TRACK_SIZE + 1000
    subject = guest(
        "subject", programs.read_volume_cut_short, image=str(image), size=size
    )
    error = failure(subject, image)
    cylinder, head = divmod(lost, HEADS)
    place = f"cylinder {cylinder}, head {head}, record 1"
    assert error.startswith(f"0.0.0190: read {place}: ")
    assert "equipment-check" in error


# -- programs that fail ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (programs.fail, "RuntimeError: first line second line"),
        (programs.fail_in_thread, "RuntimeError: first line second line"),
        (programs.leave, "SystemExit: 3"),
        (programs.return_nonsense, "the result of the program: "),
        (programs.await_something_else, "awaits the methods of its cpu only"),
    ],
)
def test_program_that_fails(program: Program, said: str) -> None:
    """An exception of a program ends its guest with one line."""
    assert said in failure(guest("subject", program))


@pytest.mark.parametrize("program", [read_volume, read_volume_blocking])
def test_storage_too_small_for_the_program(program: Program) -> None:
    """The program says at which address the guest's storage ends."""
    size = 64 << 10
    error = failure(guest("subject", program, storage=size))
    assert f"the guest's storage ends at {size:#x}" in error


def test_volume_without_a_label(tmp_path: Path) -> None:
    """A disk without a volume label is an error."""
    image = unpack(ALICE, tmp_path)
    raw = image.read_bytes()
    label = "VOL1ORC390".encode("cp037")
    image.write_bytes(raw.replace(label, label[::-1], 1))
    error = failure(guest("subject", read_volume), image)
    assert "expected a volume label in record 3 of cylinder 0, head 0" in error


# -- the run itself -------------------------------------------------------------------


def test_progress_is_shown_while_guests_run() -> None:
    """Progress comes at the start and at the end, and counts up."""
    seen: list[Progress] = []
    result = run(machine(guest("subject", read_volume)), on_progress=seen.append)
    assert {one.state for one in seen[0].guests.values()} == {"starting"}
    assert {one.state for one in seen[-1].guests.values()} == {"finished"}
    assert [one.messages for one in seen] == sorted(one.messages for one in seen)
    assert seen[-1].seconds <= result.system.seconds


@pytest.mark.parametrize(
    "program", [programs.wait_for_ever, programs.wait_for_ever_in_thread]
)
def test_cancelled_run_stops_its_guests(program: Program) -> None:
    """A cancelled run leaves no thread behind."""
    waiting = machine(guest("subject", program))
    before = threading.active_count()

    async def cancelled() -> int:
        task: asyncio.Task[RunResult] | None = None

        def cancel(progress: Progress) -> None:
            assert task is not None
            if progress.guests["bystander"].state == "finished":
                task.cancel()

        task = asyncio.create_task(run_machine(waiting, on_progress=cancel))
        with pytest.raises(asyncio.CancelledError):
            await task
        return threading.active_count()

    workers = asyncio.run(cancelled())
    assert threading.active_count() <= workers
    assert threading.active_count() == before


class BrokenDevice(Device):
    """A device that has a defect if it is the subject's."""

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Fail."""
        if str(HOST) in self.ref.path:
            raise AssertionError(f"a defect\nmet by {message.run}")
        super().execute(message)


def test_actor_that_fails() -> None:
    """A defect in an actor ends the guest that it works for, in one line."""
    broken = Layers(device=BrokenDevice)
    error = failure(guest("subject", read_volume), layers=broken)
    assert "/device failed on ExecuteCommand: AssertionError: a defect met by" in error


def test_machine_that_does_not_go_together() -> None:
    """A machine put together in Python is checked before it runs."""
    wrong = machine(guest("subject", read_volume, OTHER_HOST))
    with pytest.raises(MachineFileError, match=r"^machine: guest\[1\]\.device\[0\]"):
        run(wrong)
