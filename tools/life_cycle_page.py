"""The page of the life cycle of START, HALT and CLEAR."""

from typing import Final

from ccw_actors.channel import lifecycle
from tools.markdown import GENERATED

__all__ = ["as_markdown"]

_HEAD: Final = f"""\
{GENERATED}
# The life cycle of START, HALT and CLEAR

`ccw_actors.channel.lifecycle` executes this table, both for a host's subchannel and for
a guest's. Of the rows of one event, the first whose conditions hold applies.
"""


def as_markdown() -> str:
    """Render the page."""
    return f"{_HEAD}\n{lifecycle.as_markdown()}"
