"""Chains on Hercules and on this package's disks, compared."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from ccw_actors.conformance import Difference, Script, compare, play
from ccw_actors.conformance.rules import HERCULES_RULES, Rule
from ccw_actors.devices import CkdHeader
from ccw_actors.devices.ckd_image import HEADER_SIZE
from ccw_actors.devices.track import END_MARK, slots
from tests.oracle.live.chains import Chain, script_of
from tests.oracle.live.machine import HerculesFailedError, Ran, build, run_on_hercules
from tests.oracle.live.volumes import create_volumes

__all__ = ["Bench", "Found", "create_bench"]

BATCH: Final = 60
CKD_IMAGE: Final = b"CKD_P370"


class Found(Struct, frozen=True):
    """The differences that a chain shows, expected Hercules', found this package's.

    With `is_explained`, rules tell where Hercules departs from the architecture, and
    predict every value.
    """

    chain: Chain
    differences: tuple[Difference, ...] = ()
    is_explained: bool = False

    def texts(self) -> list[str]:
        """Return the differences as text, one a line."""
        return [
            f"{one.where} {part}: Hercules {theirs}, here {ours}"
            for one in self.differences
            for part, theirs, ours in one.parts
            or ((one.field, one.expected, one.found),)
        ]


class Bench(Struct, frozen=True):
    """Where chains are compared: images, the program of Hercules, a scratch folder."""

    images: Path
    program: Path
    scratch: Path
    rules: tuple[type[Rule], ...] = HERCULES_RULES

    def compare(self, chains: Sequence[Chain]) -> list[Found]:
        """Return for each chain its differences, those that rules explain as none."""
        found: list[Found] = []
        for at in range(0, len(chains), BATCH):
            found += self._batch(chains[at : at + BATCH])
        return found

    def _batch(self, chains: Sequence[Chain]) -> list[Found]:
        scripts = [script_of(chain, slot) for slot, chain in enumerate(chains)]
        with TemporaryDirectory(dir=self.scratch) as folder:
            try:
                run = run_on_hercules(scripts, self.images, Path(folder), self.program)
            except HerculesFailedError as error:
                if len(chains) == 1:
                    failed = Difference("Hercules", "failed", str(error), "")
                    return [Found(chains[0], (failed,))]
            else:
                return [
                    self._again(chain)
                    if len(chains) > 1 and is_late(ran)
                    else self._judged(chain, script, ran)
                    for chain, script, ran in zip(chains, scripts, run, strict=True)
                ]
        half = len(chains) // 2
        return self._batch(chains[:half]) + self._batch(chains[half:])

    def _again(self, chain: Chain) -> Found:
        """Compare a chain for which Hercules had no time: a host may be busy."""
        return self._batch([chain])[0]

    def _judged(self, chain: Chain, script: Script, theirs: Ran) -> Found:
        differences = self._differences(script, theirs, ())
        if not differences:
            return Found(chain)
        if not self.rules:
            return Found(chain, differences)
        rules = [kind() for kind in self.rules]
        explained = not self._differences(script, theirs, rules)
        return Found(chain, differences, explained)

    def _differences(
        self, script: Script, theirs: Ran, rules: Sequence[Rule]
    ) -> tuple[Difference, ...]:
        with TemporaryDirectory(dir=self.scratch) as own:
            ours = play(script, self.images, Path(own), rules)
            image = Path(own) / f"0-{script.setup['devices'][0]['image']}"
            same = _contents(image) == _contents(theirs.image)
        differences = compare(theirs.observation, ours)
        if same:
            return differences
        return (*differences, Difference("image", "content", "", ""))


def is_late(ran: Ran) -> bool:
    """Return whether the program has waited for a status that did not come."""
    return any(one.cc == "timeout" for one in ran.observation.entries)


def _contents(path: Path) -> list[bytes] | bytes:
    """Return what an image says: of a track, nothing behind its end mark."""
    raw = path.read_bytes()
    if not raw.startswith(CKD_IMAGE):
        return raw
    header = CkdHeader.from_bytes(raw)
    size = header.track_size
    tracks = [raw[at : at + size] for at in range(HEADER_SIZE, len(raw), size)]
    return [track[: slots(track)[-1].end + len(END_MARK)] for track in tracks]


def create_bench(folder: Path) -> Bench:
    """Make the images and the program of Hercules, in an empty folder."""
    images, scratch = folder / "images", folder / "scratch"
    images.mkdir()
    scratch.mkdir()
    create_volumes(images)
    return Bench(images, build(folder), scratch)
