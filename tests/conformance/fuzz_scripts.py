"""Feed scripts that atheris makes to a whole host: see `test_hostile_scripts`."""

import importlib
import sys
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports():
    from tests.conformance.hostile_scripts import run, seeds


def one_input(raw: bytes) -> None:
    """Run the script made of the input."""
    run(raw)


if __name__ == "__main__":
    for number, seed in enumerate(seeds()):
        (Path(sys.argv[1]) / f"{number}").write_bytes(seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
