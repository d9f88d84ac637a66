"""The page of the claims about the originals, with what the table says to each."""

from collections.abc import Sequence
from typing import Final

from ccw_actors.verdicts import VerdictCell
from tools.markdown import GENERATED, table
from tools.verdict_claims import CLAIMS, Claim, verdict_of

__all__ = ["as_markdown"]

_HEAD: Final = f"""\
{GENERATED}
# Claims about the originals, and what the table says

Each claim says what can go wrong in Linux or QEMU. H1 to H12 come from reading the
sources of Linux, [W3](../../glossary.md#w3), [W4](../../glossary.md#w4) and
[W13](../../glossary.md#w13) from those of QEMU; the models showed the others. A
claim is confirmed if a schedule of the model of the version named shows the fault.
The models are not the kernel: [the table of steps](steps.md) says what each step of
a model stands for.
"""


def as_markdown(cells: Sequence[VerdictCell]) -> str:
    """Render the claims.

    Raises `LookupError` if the table lacks a cell that a claim names.
    """
    rows = [(_what(one), verdict_of(one, cells), _shown(one)) for one in CLAIMS]
    return f"{_HEAD}\n{table(('claim', 'verdict', 'shown by'), rows)}\n"


def _what(claim: Claim) -> str:
    return f"**{claim.name}**: {claim.text}"


def _shown(claim: Claim) -> str:
    links = [
        f"[{name}](scenarios/{name.rpartition('/')[2]}.md)" for name in claim.cells
    ]
    return f"{', '.join(links)}, breaking {claim.by}" if links else claim.reason
