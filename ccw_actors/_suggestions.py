"""What a reader may have meant by a name that does not exist."""

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str], most: int = 3) -> str:
    """Return a question with the `most` closest of the known names, "" if none is."""
    close = difflib.get_close_matches(name, list(known), most)
    return f"did you mean {' or '.join(close)}?" if close else ""
