"""Disks that come and go while a guest runs, with the commands a user would type."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from examples.linux.software import Software
from tests.linux.harness import (
    COMMAND,
    Disk,
    Guest,
    Running,
    assert_released,
    running_machine,
)

pytestmark = pytest.mark.linux

MakeDisk = Callable[..., Disk]

# The guest waits for the disk, uses it, says so, and waits for it to go.
SCRIPT = """
there() { [ -e /sys/bus/ccw/devices/0.0.0195 ]; }
tries=300; until there || [ $tries = 0 ]; do usleep 100000; tries=$((tries - 1)); done
online 0195
try mount mount -t ext4 -o ro "/dev/${disk}1" /mnt
try sum md5sum /mnt/random
try umount umount /mnt
offline 0195
tell ready
tries=300; while there && [ $tries != 0 ]; do usleep 100000; tries=$((tries - 1)); done
there; tell gone "rc=$((1 - $?))"
"""

# Linux queues the I/O of a DASD without a path, in case a path comes back. It may then
# not power off: so the guest stays, and the test stops the machine.
IN_USE = """
online 0190
(while dd if=/dev/$disk of=/dev/null bs=48k iflag=direct; do :; done) 2>/dev/null &
tell ready
tries=300
until dmesg | grep -q "No operational channel path is left" || [ $tries = 0 ]; do
    usleep 100000
    tries=$((tries - 1))
done
[ $tries != 0 ]; tell gone "rc=$?"
while :; do sleep 1; done
"""


@pytest.fixture(autouse=True)
def _runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def ask(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command of `ccw-actors qemu`."""
    command: Sequence[str] = [*COMMAND, "qemu", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stop() -> "subprocess.CompletedProcess[bytes]":
    """Stop the machine."""
    return subprocess.run([*COMMAND, "stop", "machine"], check=False)


def wait_for(running: Running, text: str) -> None:
    """Wait until the guest has told a result by that name."""
    while text not in running.console("guest"):
        assert running.process.poll() is None, running.console("guest")[-2000:]


def test_attach_and_detach(
    software: Software, formatted: MakeDisk, new_disk: MakeDisk
) -> None:
    """A disk is plugged in, used, unplugged, and its image is free again."""
    image = formatted().image
    guest = Guest(software, {"0190": new_disk()}, SCRIPT)
    with running_machine(guest) as running:
        wait_for(running, "@ up")
        done = ask("attach", "machine", f"0195={image}")
        assert (done.returncode, done.stderr) == (0, "")
        wait_for(running, "@ ready")
        done = ask("detach", "machine", "0195")
        assert (done.returncode, done.stderr) == (0, "")
        assert not image.with_name(f"{image.name}.journal").exists()
        run = running.finish()["guest"]
    run.succeeded("mount", "sum", "umount", "gone")
    assert_released(run)


def test_what_cannot_be_attached(
    software: Software, formatted: MakeDisk, tmp_path: Path
) -> None:
    """A bad disk, or one without a place, is refused in one line; the guest goes on."""
    disk, other = formatted(), formatted("other.img")
    wrong = tmp_path / "wrong.img"
    wrong.write_bytes(bytes(1000))
    guest = Guest(software, {"0190": disk}, 'tell ready\nread word\ntell "$word"\n')
    refused = {
        f"0190={other.image}": "each device of a guest to have its own",
        f"0195={disk.image}": "in use",
        f"0195={disk.image},type=3390": "one device for each image",
        f"0195={wrong}": "type=",
        f"0195={wrong},type=3390": "wrong.img",
    }
    with running_machine(guest) as running:
        wait_for(running, "@ ready")
        for words, why in refused.items():
            done = ask("attach", "machine", words)
            assert done.returncode in (1, 2)
            (line,) = done.stderr.splitlines()
            assert why in line
        done = ask("detach", "machine", "0195")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        done = ask("attach", "machine", f"0195={other.image}", "--guest", "nobody")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert ask("attach", "machine", f"0195={other.image}").returncode == 0
        assert stop().returncode == 0
        running.finish()
    for image in (disk.image, other.image):
        assert not image.with_name(f"{image.name}.journal").exists()


def test_detach_during_io(software: Software, formatted: MakeDisk) -> None:
    """A disk is unplugged during a read; the guest ends the I/O and goes on."""
    disk = formatted()
    guest = Guest(software, {"0190": disk}, IN_USE)
    with running_machine(guest) as running:
        wait_for(running, "@ ready")
        assert ask("detach", "machine", "0190").returncode == 0
        wait_for(running, "@ gone rc=0")
        assert stop().returncode == 0
        running.finish()
    assert not disk.image.with_name(f"{disk.image.name}.journal").exists()


def test_pause(software: Software, new_disk: MakeDisk) -> None:
    """A guest whose CPUs are paused prints nothing, and goes on afterwards."""
    script = "while :; do tell tick $((n += 1)); usleep 1000; done\n"
    guest = Guest(software, {"0190": new_disk()}, script)
    with running_machine(guest) as running:
        wait_for(running, "@ tick 5")
        assert ask("pause", "machine").returncode == 0
        paused = running.console("guest")
        assert ask("pause", "machine").returncode == 0
        assert running.console("guest").count("tick") <= paused.count("tick") + 1
        assert ask("resume", "machine").returncode == 0
        wait_for(running, f"@ tick {paused.count('tick') + 5}")
        assert stop().returncode == 0
        running.finish()
