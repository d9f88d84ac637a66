"""Which sources an `Apt` uses, and what it says where something is missing."""

import platform
from pathlib import Path

import pytest

from ccw_actors.debian import Apt, SoftwareError, run_tool
from tests.debian.fake_apt import install_apt

MIRROR, SECURITY = "http://mirror.example/debian", "http://security.example/debian"
pytestmark = pytest.mark.skipif(
    not any(Path("/usr/share/keyrings").glob("debian-archive-keyring.*")),
    reason="there is no keyring of Debian",
)


@pytest.fixture
def apt_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for an `Apt`, of a machine with Debian 12."""
    names = {"bookworm": ["busybox", "busybox-static"], "sid": ["linux-source-7.2"]}
    install_apt(tmp_path / "bin", monkeypatch, names)
    return tmp_path / "apt"


def sources(folder: Path) -> list[str]:
    """Return the address and suite of each source that apt was given."""
    lines = (folder / "debian.list").read_text().splitlines()
    return [" ".join(line.split("] ")[1].split()[:2]) for line in lines]


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (
            None,
            [
                f"{MIRROR} bookworm",
                f"{MIRROR} bookworm-updates",
                f"{SECURITY} bookworm-security",
            ],
        ),
        (
            "trixie",
            [
                f"{MIRROR} trixie",
                f"{MIRROR} trixie-updates",
                f"{SECURITY} trixie-security",
            ],
        ),
        ("sid", [f"{MIRROR} sid"]),
    ],
)
def test_sources(apt_folder: Path, suite: str | None, expected: list[str]) -> None:
    """They are the machine's, for the release that is asked for; sid has one suite."""
    Apt(apt_folder, "s390x", suite=suite)
    assert sources(apt_folder) == expected


def test_further_suites(apt_folder: Path) -> None:
    """They are on the machine's mirror."""
    Apt(apt_folder, "amd64", also=("-backports",))
    assert f"{MIRROR} bookworm-backports" in sources(apt_folder)


def test_a_mirror(apt_folder: Path) -> None:
    """A mirror takes the place of the machine's sources, and needs a suite."""
    Apt(apt_folder, "s390x", mirror="http://own.example", suite="trixie")
    assert sources(apt_folder) == ["http://own.example trixie"]
    with pytest.raises(SoftwareError, match="--mirror needs a suite"):
        Apt(apt_folder, "s390x", mirror="http://own.example")


def test_indexes_are_fetched_once(apt_folder: Path) -> None:
    """They are fetched for new sources, and when that is asked for."""
    for suite in (None, None, "sid"):
        apt = Apt(apt_folder, "s390x", suite=suite)
    assert (apt_folder / "updates").read_text() == "one\n" * 2
    apt.update()
    assert (apt_folder / "updates").read_text() == "one\n" * 3


def test_names(apt_folder: Path) -> None:
    """An index knows whole names, and lists those that begin alike."""
    apt = Apt(apt_folder, "s390x")
    assert apt.names("busybox") == ["busybox", "busybox-static"]
    assert apt.knows("busybox")
    assert not apt.knows("busy")


def test_what_apt_says(apt_folder: Path, tmp_path: Path) -> None:
    """An error has apt's reason, or the program that is missing."""
    apt = Apt(apt_folder, "s390x")
    with pytest.raises(SoftwareError, match="apt-get: there is no network"):
        apt.fetch(["busybox"])
    with pytest.raises(SoftwareError, match="there is no program "):
        run_tool(tmp_path / "nowhere")


def test_another_system(apt_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that is not Debian needs a mirror."""
    system = {"ID": "fedora", "PRETTY_NAME": "Fedora 40"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    with pytest.raises(SoftwareError, match="this is Fedora 40; expected Debian"):
        Apt(apt_folder, "s390x")
