"""Walks a scenario by hand, in a browser: which steps come next, and which can fail.

| part | what it does |
|---|---|
| `Walk` | says what is possible after a way, and draws it |
| `Outlooks` | says of a step whether a fault can follow |
| `app_of`, `serve` | serve both on this host, to one browser (extra `browse`) |

The actors themselves take the steps, and the explorer says which are possible.
"""

from ccw_actors.browse._outlook import Known as Known
from ccw_actors.browse._outlook import Outlook as Outlook
from ccw_actors.browse._outlook import Outlooks as Outlooks
from ccw_actors.browse._serve import MissingExtraError as MissingExtraError
from ccw_actors.browse._serve import Port as Port
from ccw_actors.browse._serve import app_of as app_of
from ccw_actors.browse._serve import serve as serve
from ccw_actors.browse._walk import BrowseError as BrowseError
from ccw_actors.browse._walk import Place as Place
from ccw_actors.browse._walk import Walk as Walk

__all__ = [
    "BrowseError",
    "Known",
    "MissingExtraError",
    "Outlook",
    "Outlooks",
    "Place",
    "Port",
    "Walk",
    "app_of",
    "serve",
]
