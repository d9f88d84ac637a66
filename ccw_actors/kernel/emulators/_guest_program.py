"""Compiles the guest's program, guest.c, with a cross compiler for s390x."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from ccw_actors.kernel.boot import COMPILER
from ccw_actors.kernel.emulators._errors import EmulatorTestError

__all__ = ["compile_guest", "compiler_version"]


_SOURCE: Final = Path(__file__).parent / "guest.c"
_OPTIONS: Final = (
    *("-O1", "-march=z900", "-m64", "-ffreestanding", "-fno-pic", "-no-pie"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wall", "-Werror"),
    # Not at 0x10000, where QEMU would write a command line into the program.
    *("-nostdlib", "-static", "-Wl,-Ttext=0x20000,--build-id=none"),
)


def compile_guest(target: Path, compiler: str = COMPILER) -> None:
    """Compile the guest's program to an executable file at `target`.

    Raises:
        EmulatorTestError: There is no compiler, or it refuses the program.
    """
    done = _run(_found(compiler), *_OPTIONS, "-o", str(target), str(_SOURCE))
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise EmulatorTestError(f"{compiler} refuses {_SOURCE.name}: {said[0]}")


def compiler_version(compiler: str = COMPILER) -> str:
    """Return the first line that the compiler says about itself.

    Raises:
        EmulatorTestError: There is no compiler, or it says nothing.
    """
    said = _run(_found(compiler), "--version").stdout.splitlines()
    if not said:
        raise EmulatorTestError(f"{compiler} --version says nothing")
    return said[0]


def _found(compiler: str) -> str:
    found = shutil.which(compiler)
    if found is None:
        raise EmulatorTestError(
            f"there is no {compiler} on PATH (Debian: apt install gcc-s390x-linux-gnu)"
        )
    return found


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the compiler of this computer
            command, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise EmulatorTestError(f"{command[0]}: {error.strerror}") from error
