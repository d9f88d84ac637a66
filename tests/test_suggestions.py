"""Names that do not exist, and what a reader may have meant."""

from ccw_actors._suggestions import did_you_mean

KNOWN = ("seed", "mail", "suspend", "halt")


def test_close_names_are_asked_for() -> None:
    """The closest comes first, and `most` bounds how many there are."""
    assert did_you_mean("sed", KNOWN) == "did you mean seed or suspend?"
    assert did_you_mean("sed", KNOWN, 1) == "did you mean seed?"


def test_no_name_is_close() -> None:
    """Then there is nothing to ask."""
    assert did_you_mean("xyzzy", KNOWN) == ""
