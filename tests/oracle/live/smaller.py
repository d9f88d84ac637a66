"""The smallest chain that still shows a difference."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tests.oracle.live.chains import CD, SLI, TIC, Chain, Step
from tests.oracle.live.comparison import Bench, Found

__all__ = ["signature", "smallest"]

_ROUNDS = 40
_SENSE = "0x7d100"
_TELLING = ("SCSW dstat", "SCSW cstat", "SCSW stctl")


def signature(found: Found) -> str:
    """Return what is alike in differences of one kind."""
    words: list[str] = []
    for one in found.differences:
        if one.field == "irb":
            words += [
                f"{name} {a} / {b}" if name in _TELLING else name
                for name, a, b in one.parts
            ]
        elif one.where == _SENSE:
            a, b = (bytes.fromhex(text) for text in (one.expected, one.found))
            words.append(f"sense {_telling(a)} / {_telling(b)}")
        elif one.where[:5] == _SENSE[:5]:
            continue
        elif one.field not in words:
            words.append(one.field)
    return "; ".join(words)


def _telling(sense: bytes) -> str:
    return f"{sense[:2].hex()} {sense[7:8].hex()}"


def smallest(bench: Bench, found: Sequence[Found]) -> list[Found]:
    """Make each chain smaller as long as it shows the same kind of difference."""
    best = list(found)
    for _ in range(_ROUNDS):
        tried = [list(_simpler(one.chain)) for one in best]
        results = iter(bench.compare([chain for some in tried for chain in some]))
        smaller: list[Found] = []
        for one, some in zip(best, tried, strict=True):
            wanted = signature(one)
            fits = [
                result
                for result, _ in zip(results, some, strict=False)
                if not result.is_explained and signature(result) == wanted
            ]
            smaller.append(fits[0] if fits else one)
        if smaller == best:
            return best
        best = smaller
    return best


def _simpler(chain: Chain) -> Iterator[Chain]:
    steps = chain.steps
    for at, step in enumerate(steps):
        if step.flags & CD or (at and steps[at - 1].flags & CD):
            continue
        loop = at + 1 < len(steps) and steps[at + 1].code == TIC
        kept = steps[:at] + steps[at + 1 + loop :]
        if kept:
            yield replace(chain, steps=kept)
    for at, step in enumerate(steps):
        for other in _simpler_steps(step):
            yield replace(chain, steps=(*steps[:at], other, *steps[at + 1 :]))


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.flags & ~CD != SLI and step.code != TIC:
        yield replace(step, flags=step.flags & CD | SLI)
    if step.data and step.count != len(step.data):
        yield replace(step, count=len(step.data))
    if len(step.data) in (16, 20):
        for at, byte in enumerate(step.data):
            if byte and step.code != 0x63:
                yield replace(step, data=step.data[:at] + b"\0" + step.data[at + 1 :])
    if step.code == 0x63 and step.data[0] not in (0, 0xC0):
        yield replace(step, data=b"\xc0" + step.data[1:])
