"""`ccw-actors verdicts`: what it prints, and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ccw_actors.cli import app
from ccw_actors.errors import CcwActorsError

KEYS = {
    "design",
    "emulator",
    "scenario",
    "verdict",
    "steps",
    "classes",
    "violating",
    "why",
    "counterexample",
}
ONE = ("--design", "2026", "--scenario", "mail")


def run(*words: str | Path, code: int = 0) -> Result:
    """Run the command in this process; it has to end with this exit code."""
    result = CliRunner().invoke(app, [*map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def cells(*words: str | Path) -> list[dict[str, Any]]:
    """Return the cells that are printed as JSON."""
    printed = json.loads(run("verdicts", *words, "--json").stdout)
    assert set(printed) == {"cells"}
    found: list[dict[str, Any]] = printed["cells"]
    return found


def test_json_has_every_key() -> None:
    """Each cell has the same keys, and a refuted one a counterexample file."""
    found = cells()
    assert len(found) > 500
    for cell in found:
        assert set(cell) >= KEYS
        if cell["verdict"] == "refuted":
            assert Path(cell["counterexample"]).is_file()
            assert cell["steps"] > 0
            assert cell["why"]
        else:
            assert cell["counterexample"] is None


def test_options_narrow() -> None:
    """Options may be given several times; they are rows and columns of the table."""
    found = cells("--design", "2026", "--design", "ours", "--scenario", "seed")
    names = [(cell["design"], cell["emulator"], cell["scenario"]) for cell in found]
    assert names == [
        ("2026", "qemu", "seed"),
        ("2026", "ours", "seed"),
        ("ours", "qemu", "seed"),
        ("ours", "ours", "seed"),
    ]


def test_patches_are_shown_if_asked_for() -> None:
    """Rows with some patches of RFC v4 are shown with --patches, or by name."""
    seed = ("verdicts", "--emulator", "qemu", "--scenario", "seed")
    whole = run(*seed).stdout
    assert "rfc-v4 " in whole
    assert "rfc-v4-13" not in whole
    assert "rfc-v4-13 " in run(*seed, "--patches").stdout
    assert "rfc-v4-13 " in run(*seed, "--design", "rfc-v4-13").stdout
    assert "rfc-v4-13" in {cell["design"] for cell in cells(*seed[1:])}


def test_titles_are_shown() -> None:
    """Titles of designs are next to their names, those of scenarios below."""
    lines = run("verdicts", "--design", "2026", "--design", "ours").stdout.splitlines()
    assert any(one.split()[:3] == ["2026", "Linux", "2026"] for one in lines)
    assert any(one.split("  ")[0] == "mail" and "six steps" in one for one in lines)


def test_a_cell_is_shown_whole() -> None:
    """A single cell has the fault, the interleaving, and two commands."""
    text = run("verdicts", *ONE).stdout
    assert "the CLEAR's interrupt frees the START's program" in text
    for name in ("fsm_do_clear()", "fsm_irq()", "fsm_io_helper()", "cp_free()"):
        assert name in text
    again = next(line for line in text.splitlines() if line.startswith("explore: "))
    assert again.split()[1:] == ["ccw-actors", "verdicts", *ONE, "--again"]
    replay = next(line for line in text.splitlines() if line.startswith("replay: "))
    assert replay.split()[-2:] == ["--scenario", "verdicts/2026/mail"]
    shown = run(*replay.split()[2:], code=1).stdout
    assert shown.startswith("verdicts/2026/mail (")
    assert "REFUTED: I1: no memory of" in shown


def test_again_finds_the_same() -> None:
    """Exploring a cell gives the saved result."""
    assert cells(*ONE, "--again") == cells(*ONE)


def test_scenario_of_a_cell_can_be_explored() -> None:
    """`explore` accepts the name of a cell."""
    text = run("explore", "verdicts/2026/chains").stdout
    assert "verified" in text
    assert "no design 'nt'" in run("explore", "verdicts/nt/qemu/seed", code=2).output


def test_save(tmp_path: Path) -> None:
    """A table can be saved, with its counterexamples."""
    words = ("--design", "v5.12", "--scenario", "chains")
    run("verdicts", *words, "--again", "--save", tmp_path)
    table = json.loads((tmp_path / "table.json").read_text())
    assert [cell["scenario"] for cell in table["cells"]] == ["chains"]
    assert len(list((tmp_path / "counterexamples").iterdir())) == 1


def test_diagram() -> None:
    """Counterexamples as Mermaid text; a verified cell is named."""
    words = ("--design", "2026", "--diagram")
    text = run("verdicts", *words, "--scenario", "mail", "--scenario", "chains").stdout
    assert "sequenceDiagram" in text
    assert "CPU2->>M: fsm_io_helper() SSCH" in text
    assert "%% 2026/chains: verified" in text


def test_what_else_is_broken_can_be_shown() -> None:
    """A verified cell in which another invariant is broken has a command for that."""
    words = ("--design", "rfc-v2", "--scenario", "mail")
    text = run("verdicts", *words).stdout
    shown = next(line for line in text.splitlines() if line.startswith("shown by: "))
    assert "refuted" in run(*shown.split()[3:], code=1).stdout


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    """A file that is not a saved table is refused and not changed."""
    file = tmp_path / "table.json"
    file.write_text("{}}")
    with pytest.raises(CcwActorsError, match="not a saved verdict table"):
        run("verdicts", *ONE, "--save", tmp_path)
    assert file.read_text() == "{}}"


def test_check() -> None:
    """--check finds what was saved."""
    text = run("verdicts", *ONE, "--check").stdout
    assert text.splitlines()[-1] == (
        "cells explored: 0, counterexamples replayed: 1, problems: 0"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--design", "nt"), "--design: got 'nt'; expected one of v5.12"),
        (("--emulator", "bochs"), "got 'bochs'; expected one of qemu, ours"),
        (("--scenario", "sed"), "--scenario: got 'sed'; did you mean seed"),
        (("--design", "ours", "--scenario", "unmap"), "no message takes a page"),
        (("--emulator", "qemu", "--scenario", "mail"), "without an emulator: see"),
        (
            ("--design", "rfc-v4-1", "--scenario", "pci"),
            "there are only sequence, seed",
        ),
        (("--design", "ours-host-side", "--emulator", "ours"), "under qemu alone"),
        (("--check", "--json"), "--check takes --design"),
        (("--diagram", "--json"), "--diagram and --json exclude each other"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], text: str) -> None:
    """An unknown name is an error that lists the known ones."""
    output = " ".join(run("verdicts", *words, code=2).output.replace("│", " ").split())
    assert text in output
