"""Values of messages and states as words: fields in hex, and the names of their bits.

`Values` writes a value as a line of JSON and describes its types; the page of
`ccw-actors show` puts that into words, and here `line_of`, `brief_of` and `fields_of`
do.
"""

from ccw_actors.wording._texts import Bit as Bit
from ccw_actors.wording._texts import FieldText as FieldText
from ccw_actors.wording._texts import TypeText as TypeText
from ccw_actors.wording._values import Values as Values
from ccw_actors.wording._values import named as named
from ccw_actors.wording._words import brief_of as brief_of
from ccw_actors.wording._words import fields_of as fields_of
from ccw_actors.wording._words import line_of as line_of

__all__ = [
    "Bit",
    "FieldText",
    "TypeText",
    "Values",
    "brief_of",
    "fields_of",
    "line_of",
    "named",
]
