"""Pictures of what happened, as a page, a drawing or a file for another tool.

| source | picture |
|---|---|
| a trace | `picture_of_trace` |
| a counterexample, also that of a failing test | `picture_of_counterexample` |
| a cell of the verdict table | `picture_of_cell` |
| a record of a run on a real kernel or QEMU | `picture_of_record` |

`page_of` makes an HTML page of any of them, which needs nothing from a network.
`FORMATS` has the other formats. `ccw_actors.browse` serves a `live_page`, which asks
for one picture after the other. `dot_of` draws a graph of states for Graphviz.
"""

from ccw_actors.show._cell import NothingToShowError as NothingToShowError
from ccw_actors.show._cell import picture_of_cell as picture_of_cell
from ccw_actors.show._columns import packed as packed
from ccw_actors.show._counterexample import (
    picture_of_counterexample as picture_of_counterexample,
)
from ccw_actors.show._dot import dot_of as dot_of
from ccw_actors.show._formats import FORMATS as FORMATS
from ccw_actors.show._formats import Format as Format
from ccw_actors.show._formats import FormatName as FormatName
from ccw_actors.show._mermaid import mermaid_of as mermaid_of
from ccw_actors.show._page import live_page as live_page
from ccw_actors.show._page import page_of as page_of
from ccw_actors.show._perfetto import perfetto_of as perfetto_of
from ccw_actors.show._picture import Picture as Picture
from ccw_actors.show._record import picture_of_record as picture_of_record
from ccw_actors.show._shiviz import shiviz_of as shiviz_of
from ccw_actors.show._size import TooLongError as TooLongError
from ccw_actors.show._source import SourceError as SourceError
from ccw_actors.show._source import SourceKind as SourceKind
from ccw_actors.show._source import kind_of as kind_of
from ccw_actors.show._source import load_record as load_record
from ccw_actors.show._stepper import RecordingError as RecordingError
from ccw_actors.show._svg import svg_of as svg_of
from ccw_actors.show._trace import EVENTS_MAX as EVENTS_MAX
from ccw_actors.show._trace import picture_of_trace as picture_of_trace
from ccw_actors.show._way import picture_of_actions as picture_of_actions
from ccw_actors.show._way import picture_of_way as picture_of_way
from ccw_actors.show._way import scenario_after as scenario_after

__all__ = [
    "EVENTS_MAX",
    "FORMATS",
    "Format",
    "FormatName",
    "NothingToShowError",
    "Picture",
    "RecordingError",
    "SourceError",
    "SourceKind",
    "TooLongError",
    "dot_of",
    "kind_of",
    "live_page",
    "load_record",
    "mermaid_of",
    "packed",
    "page_of",
    "perfetto_of",
    "picture_of_actions",
    "picture_of_cell",
    "picture_of_counterexample",
    "picture_of_record",
    "picture_of_trace",
    "picture_of_way",
    "scenario_after",
    "shiviz_of",
    "svg_of",
]
