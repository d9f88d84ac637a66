"""The glossary has every term, and each page links to it where it first uses one."""

import re
from pathlib import Path

import pytest

from ccw_actors.scenarios import SCENARIOS
from ccw_actors.verdicts import VERDICT_SCENARIOS
from tools.glossary import (
    GLOSSARY,
    NOT_LINKED,
    PAGES,
    linked,
    linked_page,
    running_text,
    terms,
    words_of,
)

ROOT = GLOSSARY.parent.parent
TEXT = GLOSSARY.read_text()

LISTED = """
ORB, CCW, SCSW, IRB, PMCW, SCHIB, FC, AC, SC, fctl, actl, stctl, SSCH, HSCH, CSCH,
RSCH, XSCH, TSCH, MSCH, STSCH, cc, unit check, unit exception, attention, unsolicited
status, intermediate status, primary status, secondary status, residual count, IDAW,
MIDAW, PCI, CRW, ISC, channel path, CHPID, DASD, CKD, ECKD, VTOC, IPL, DPS, vfio-ccw,
cio, region, eventfd, io_mutex, CP_PENDING, CP_PROCESSING, composite subchannel,
actor, mailbox, tell, ask, reply, supervision, incarnation, stash, virtual clock,
stepping, delivery, schedule, class, fair, vacuous, incomplete, verified, refuted,
counterexample, point of no return, invariant, noop, engine, fingerprint, census
"""

KNOWN_TO_ALL = """
ASCII CHANGELOG CITATION CONTRIBUTING CPU CRC CSS FILE FUSE HTML HTTP IBM ID JSON KB KVM
MB PYTHON QEMU RFC SECURITY SVG TCG TCP TLS TOML URL UTC UTF VM W3C
DEBUG ERROR INFO WARNING PATH NAME EMULATOR SIGHUP SIGKILL SIGTERM
EACCES EAGAIN EBUSY EINVAL ENODEV ENOSPC
"""
"""What every reader knows: files of this repository, QEMU, formats, logs, errors."""

IN_PLACE = """
ABD CAF EWD LMDB SDL TLA TLC D800 FB PO PS TAKE VB
ADDRESS CHANNEL DEFINE EXTENDED EXTENT LIMIT LOCATE MONITOR PREFIX RECORD SET STATUS
TEST CLOSE IDLE LOOK OPEN RESET STANDBY UNMAP
"""
"""Names of works and libraries, and commands and states that a page itself explains."""

_ABBREVIATION = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]+(?=s?(?![\w]))")


def name(page: Path) -> str:
    """Return what a test of a page is named by."""
    return f"{page.parent.name}-{page.stem}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_abbreviations_are_in_the_glossary(page: Path) -> None:
    """Each word in capitals is a term, part of one, or known to all."""
    named = {word for term in terms(TEXT) for word in term.split()}
    found = set(_ABBREVIATION.findall(words_of(page.read_text())))
    assert found <= named | {*KNOWN_TO_ALL.split(), *IN_PLACE.split()}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_first_use_is_linked(page: Path) -> None:
    """`python -m tools.glossary --write` would change nothing."""
    assert linked_page(page) == page.read_text()


def test_listed_terms_are_there() -> None:
    """So are the numbered invariants and windows."""
    names = terms(TEXT)
    for term in LISTED.replace("\n", " ").split(", "):
        assert term.strip() in names
    assert {f"I{number}" for number in range(1, 16)} <= set(names)
    assert {f"W{number}" for number in range(1, 18)} <= set(names)


def test_terms_are_in_order_and_explained() -> None:
    """Headings are in alphabetical order, numbers by size; each has a text."""
    _, *entries = TEXT.split("\n### ")
    heads = [entry.partition("\n")[0] for entry in entries]
    assert heads == sorted(heads, key=by_number)
    assert len(set(terms(TEXT).values())) == len(heads)
    assert {head for head in heads if head in NOT_LINKED} == NOT_LINKED
    for entry in entries:
        assert entry.rstrip().endswith(".")
        assert len(entry.split()) > 8


def by_number(head: str) -> list[tuple[int, int, str]]:
    """Return what orders I2 before I10, and both before IDAW."""
    first = head.partition(", ")[0].casefold()
    parts = [part for part in re.split(r"(\d+)", first) if part]
    return [(0, int(one), "") if one.isdigit() else (1, 0, one) for one in parts]


def test_what_the_glossary_names_is_there() -> None:
    """Scenarios, the table's scenarios, our files and linked pages exist."""
    text = TEXT.replace("\n", " ")
    for named in re.findall(r"Explored by ([^.]*)\.", text):
        assert set(re.findall(r"`([^`]+)`", named)) <= set(SCENARIOS)
    shown = re.findall(r"`([a-z-]+)`\s+of the \[verdict table\]", text)
    assert len(shown) >= 4
    assert set(shown) <= set(VERDICT_SCENARIOS)
    for file in re.findall(r"`(ccw_actors/[^`]+)`", text):
        assert (ROOT / file).is_file(), file
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (GLOSSARY.parent / link).is_file(), link


PAGE = """\
# CCW

<!-- A CCW. -->
<!-- tool: begin -->
A CCW.
<!-- tool: end -->

`CCW` and ``CCW` `` and [a CCW](page.md) and <a title="CCW">.

    CCW

```text
CCW
```

| CCW |
|---|

Two CCWs (CCWs), a unit
check: and the ORB(s), unit checks.
"""

LINKED = """\
Two [CCWs] (CCWs), a [unit
check][]: and the [ORB][](s), unit checks.

<!-- Links to the glossary, by `python -m tools.glossary --write`. -->

[CCWs]: ../glossary.md#ccw
[ORB]: ../glossary.md#orb
[unit check]: ../glossary.md#unit-check
"""

NAMES = {"CCW": "ccw", "ORB": "orb", "unit check": "unit-check"}


def test_links_are_put_into_running_text_alone() -> None:
    """Not into headings, comments, code, links, tags and tables."""
    found = linked(PAGE, NAMES, "../glossary.md")
    assert found == PAGE[: PAGE.index("Two")] + LINKED
    assert "CCW" not in running_text(PAGE[: PAGE.index("Two")])


def test_links_are_made_from_scratch() -> None:
    """Doing it again changes nothing; a term that is gone leaves nothing behind."""
    found = linked(PAGE, NAMES, "../glossary.md")
    assert linked(found, NAMES, "../glossary.md") == found
    assert linked(found, {}, "../glossary.md") == PAGE
    earlier = found.replace("\nTwo", "\nSome CCWs. Two")
    assert "Some [CCWs]. Two CCWs (" in linked(earlier, NAMES, "../glossary.md")


def test_links_in_place_add_no_lines() -> None:
    """They are made from scratch as well, and links of others stay."""
    text = "See [all](g.md) for CCWs, CCW and\nan ORB.\n"
    found = linked(text, NAMES, "g.md", in_place=True)
    assert (
        found == "See [all](g.md) for [CCWs](g.md#ccw), CCW and\nan [ORB](g.md#orb).\n"
    )
    assert linked(found, NAMES, "g.md", in_place=True) == found
    assert linked(found, {}, "g.md", in_place=True) == text


def test_words_are_not_found_in_others() -> None:
    """A name is a whole word, in its own capitals."""
    names = {"cc": "cc", "PCI": "pci", "cio": "cio", "invariant": "invariant"}
    text = "Accept ncc, PCIe, vfio-cio, Invariants/x, CC and cios.md."
    assert linked(text, names, "g.md") == text
    assert linked("Invariants: cc 2\n", names, "g.md").startswith(
        "[Invariants][]: [cc] 2\n"
    )
