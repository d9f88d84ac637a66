"""Makes every character of a text visible."""

__all__ = ["visible"]


def visible(text: object, *, keep: str = "") -> str:
    r"""Return text whose every character can be seen, on one line.

    What is not printable (control characters, line ends, marks that turn the direction
    of writing, halves of characters) becomes an escape as Python writes it, such as
    "\x1b", unless it is one of `keep`.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        char
        if char.isprintable() or char in keep
        else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )
