"""Fetches Debian's packages of another architecture, as an ordinary user.

Apt does the work, with its sources, indexes and archives in a separate folder. It reads
the machine's sources to learn which mirror to use, and never changes them. Apt checks
every index against Debian's keyring and every package against its index.
"""

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ccw_actors.errors import CcwActorsError

__all__ = ["Apt", "SoftwareError", "run_tool"]

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)
_WITHOUT_UPDATES = ("sid", "unstable")
"""Suites without others for updates and security."""

_COMPLETE = "complete"
"""A file that exists once every index of the sources has been fetched."""

# The machine's apt has hooks that work on its folders as root: they are cleared.
_CONFIGURATION = """\
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/debian.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{folder}/state";
Dir::State::Lists "{folder}/lists";
Dir::State::status "{folder}/status";
#clear APT::Architectures;
APT::Architectures "{architecture}";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


class SoftwareError(CcwActorsError):
    """Software that is needed is not available; the message says which."""


class _Archive(NamedTuple):
    """A package as the index has it: the name of its file, and the file's hash."""

    name: str
    sha256: str


def run_tool(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a program and return what it printed to stdout.

    Raises:
        SoftwareError: The program does not exist or failed; the message says why.
    """
    try:
        done = subprocess.run(  # noqa: S603 - apt, dpkg or tar
            words,
            cwd=cwd,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
    except FileNotFoundError:
        raise SoftwareError(
            f"there is no program {words[0]}; expected a Debian with apt and dpkg"
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        why = next((line for line in lines if line.startswith("E: ")), lines[-1])
        raise SoftwareError(f"{words[0]}: {why.removeprefix('E: ')}")
    return done.stdout


class Apt:
    """Apt for one architecture, which keeps everything in `folder`.

    Without a `mirror` it uses the one that this machine's apt has for Debian. `suite`
    is the code name of a Debian release, by default the machine's. Its suites for
    updates and security, if the machine's apt has them, are sources as well. `also` are
    suffixes of further suites of that release on the mirror, such as "-backports".

    Raises:
        SoftwareError: Debian's keyring or a source is missing, or an index cannot be
            fetched.
    """

    def __init__(
        self,
        folder: Path,
        architecture: str,
        *,
        mirror: str | None = None,
        suite: str | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        self._folder = folder.resolve()
        self._debs = self._folder / "debs"
        for name in ("cache/archives/partial", "state", "lists/partial", "debs"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        settings = _CONFIGURATION.format(architecture=architecture, folder=self._folder)
        (self._folder / "apt.conf").write_text(settings)
        sources = _sources(mirror, suite, also)
        listed = self._folder / "debian.list"
        if not listed.exists() or listed.read_text() != sources:
            listed.write_text(sources)
            (self._folder / _COMPLETE).unlink(missing_ok=True)
        if not (self._folder / _COMPLETE).exists():
            self.update()

    def update(self) -> None:
        """Fetch the newest indexes.

        Raises:
            SoftwareError: An index cannot be fetched.
        """
        self._apt("apt-get", "-q", "update")
        (self._folder / _COMPLETE).touch()

    def knows(self, package: str) -> bool:
        """Return whether the indexes have a package of that name."""
        return package in self.names(package)

    def names(self, beginning: str) -> list[str]:
        """Return the names of the packages that begin so."""
        return sorted(self._apt("apt-cache", "pkgnames", beginning).split())

    def depends(self, package: str) -> list[str]:
        """Return the names of a package's direct dependencies."""
        said = self._apt("apt-cache", "depends", "--important", package)
        return re.findall(r"^\s*(?:Pre)?Depends: ([a-z0-9][^\s:]*)", said, re.MULTILINE)

    def libraries(self, packages: Iterable[str]) -> list[str]:
        """Return the library packages that packages need, directly or indirectly."""
        first = {one for name in packages for one in self.depends(name)}
        roots = sorted(one for one in first if one.startswith(("lib", "zlib")))
        wanted = ("apt-cache", "depends", "--important", "--recurse")
        named = re.findall(r"^(z?lib\S+)$", self._apt(*wanted, *roots), re.MULTILINE)
        return sorted({one.partition(":")[0] for one in named})

    def fetch(self, packages: Iterable[str]) -> list[Path]:
        """Return the packages' files; the hash of each is checked, also of old ones.

        Raises:
            SoftwareError: A package is not available, or its hash is not the index's.
        """
        names = list(packages)
        wanted = self._archives(names)
        if all(self._is_whole(one) for one in wanted):
            return [self._debs / one.name for one in wanted]
        try:
            self._download(names)
        except SoftwareError:  # the index names a version that has been superseded
            self.update()
            wanted = self._archives(names)
            self._download(names)
        for one in wanted:
            if not self._is_whole(one):
                raise SoftwareError(
                    f"{self._debs / one.name}: expected the hash in Debian's index"
                )
        return [self._debs / one.name for one in wanted]

    def _archives(self, packages: list[str]) -> list[_Archive]:
        # apt-get leaves out files that exist in its working directory.
        said = self._apt(
            "apt-get", "--print-uris", "download", *packages, cwd=self._folder / "state"
        )
        found = re.findall(
            r"^'[^']+' (\S+) \d+ SHA256:([0-9a-f]{64})$", said, re.MULTILINE
        )
        if len(found) != len(packages):
            raise SoftwareError(f"apt-get download named {len(found)} files")
        return [_Archive(*one) for one in found]

    def _is_whole(self, archive: _Archive) -> bool:
        path = self._debs / archive.name
        if not path.exists():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == archive.sha256

    def _download(self, packages: list[str]) -> None:
        self._apt("apt-get", "-q", "download", *packages)

    def _apt(self, program: str, *words: str, cwd: Path | None = None) -> str:
        configuration = self._folder / "apt.conf"
        return run_tool(program, "-c", configuration, *words, cwd=cwd or self._debs)


def _sources(mirror: str | None, suite: str | None, also: tuple[str, ...]) -> str:
    """Return the lines of a source list: the mirror's, or this machine's for Debian."""
    keyring = next((path for path in _KEYRINGS if path.exists()), None)
    if keyring is None:
        raise SoftwareError(
            "there is no Debian keyring: apt-get install debian-archive-keyring"
        )
    if mirror is not None:
        if suite is None:
            raise SoftwareError("--mirror needs a suite, as in --suite trixie")
        places = [(mirror, f"{suite}{part}") for part in ("", *also)]
    else:
        places = _machine_places(suite, also)
    return "".join(
        f"deb [signed-by={keyring}] {site} {release} main\n" for site, release in places
    )


def _machine_places(suite: str | None, also: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the addresses and releases that this machine's apt has for Debian."""
    system = platform.freedesktop_os_release()
    own = system.get("VERSION_CODENAME", "")
    if system["ID"] != "debian" or not own:
        raise SoftwareError(
            f"this is {system['PRETTY_NAME']}; expected Debian, or --mirror and --suite"
        )
    said = run_tool(
        "apt-get",
        "indextargets",
        "--format",
        "$(SITE) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    )
    releases = {f"{own}{part}": part for part in ("", "-updates", "-security")}
    places: dict[tuple[str, str], None] = {}
    for line in said.splitlines():
        site, release, component = line.rsplit(" ", 2)
        if component != "main":
            continue
        if release == own or (release in releases and suite not in _WITHOUT_UPDATES):
            places[site, f"{suite or own}{releases[release]}"] = None
        if release == own:
            places |= {(site, f"{suite or own}{part}"): None for part in also}
    if not places:
        raise SoftwareError(
            f"apt has no source for Debian {own}; use --mirror and --suite"
        )
    return list(places)
