"""Names of packages, and what is said of those that do not exist."""

import platform
from pathlib import Path

import pytest

from ccw_actors.debian import SoftwareError
from ccw_actors.kernel.build import KernelSourceError, find_source
from tests.debian.fake_apt import install_apt

NAMES = {
    "bookworm": ["linux-source", "linux-source-6.1", "linux-source-6.12"],
    "trixie": ["linux-source-6.12"],
    "sid": ["linux-source-7.2", "linux-source-7.10", "linux-source-7.2-rt"],
}
pytestmark = pytest.mark.skipif(
    not any(Path("/usr/share/keyrings").glob("debian-archive-keyring.*")),
    reason="there is no keyring of Debian",
)


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_apt(tmp_path / "bin", monkeypatch, NAMES)


@pytest.mark.parametrize(
    ("wanted", "package", "suite"),
    [
        ("6.1", "linux-source-6.1", "bookworm"),
        ("linux-source-6.1", "linux-source-6.1", "bookworm"),
        ("6.12", "linux-source-6.12", "trixie"),
        ("7.2", "linux-source-7.2", "sid"),
        ("linux-source-7.10", "linux-source-7.10", "sid"),
        ("sid", "linux-source-7.10", "sid"),
    ],
)
def test_packages(tmp_path: Path, wanted: str, package: str, suite: str) -> None:
    """Each comes from its release, whose indexes have a folder of their own."""
    steps: list[str] = []
    with pytest.raises(SoftwareError, match="there is no network"):
        find_source(wanted, tmp_path, tell=steps.append)
    assert steps[-1] == f"fetching {package}"
    assert [path.name for path in tmp_path.glob("apt-*")] == [f"apt-{suite}"]


def test_a_package_that_does_not_exist(tmp_path: Path) -> None:
    """The error lists those of each release."""
    with pytest.raises(KernelSourceError) as error:
        find_source("6.13", tmp_path)
    assert str(error.value) == (
        "no index has linux-source-6.13: Debian sid has linux-source-7.2,"
        " linux-source-7.10; Debian 13 has linux-source-6.12; Debian 12 has"
        " linux-source-6.1, linux-source-6.12"
    )


def test_newer_packages(tmp_path: Path) -> None:
    """With `refresh` the index is fetched again."""
    for _ in range(2):
        with pytest.raises(SoftwareError):
            find_source("7.2", tmp_path, refresh=True)
    assert (tmp_path / "apt-sid/updates").read_text() == "one\n" * 3


def test_another_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Debian's packages, a tree is expected."""
    system = {"ID": "fedora", "PRETTY_NAME": "Fedora 40"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    with pytest.raises(KernelSourceError, match=r"this is Fedora 40, which .* folder"):
        find_source("6.12", tmp_path)
