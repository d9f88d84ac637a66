"""Writes the page of a picture: one HTML file, which needs nothing from a network.

The style, the code and the data are in the file. The code is a few plain modules of
JavaScript in `web`, which are joined into one, without a build step. Its policy allows
that one script and that one style by their hashes, and nothing else.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from ccw_actors._visible import visible
from ccw_actors.show._columns import packed
from ccw_actors.show._picture import Picture

__all__ = ["MODULES", "live_page", "page_of"]

MODULES: Final = (
    "dom.js",
    "data.js",
    "values.js",
    "search.js",
    "order.js",
    "view.js",
    "arrows.js",
    "diagram.js",
    "details.js",
    "code.js",
    "filters.js",
    "page.js",
    "main.js",
)
"""The modules of the page, each after those that it imports."""

_IMPORT: Final = re.compile(r"^import\b.*?;\n", re.MULTILINE | re.DOTALL)
_EXPORT: Final = re.compile(
    r"^export (?=(async )?(function|const|class)\b)", re.MULTILINE
)


def page_of(picture: Picture) -> str:
    """Return the page of a picture as HTML."""
    style, script = _text("page.css"), joined()
    return _rendered(
        title=visible(picture.title),
        source=picture.source,
        policy=_policy(style, script),
        style=style,
        script=script,
        data=packed(picture).decode("ascii"),
        is_live=False,
    )


def live_page(
    title: str, source: str, modules: Iterable[str], style: str
) -> tuple[str, str]:
    """Return a page that asks its server for pictures, and the policy of that page.

    `modules` are texts of JavaScript that come after those of all pages, except `main`.
    `style` comes after the style of all pages.
    """
    script = _joined([*map(_text, MODULES[:-1]), *modules])
    whole = f"{_text('page.css')}\n{style}"
    policy = f"{_policy(whole, script)}; connect-src 'self'"
    page = _rendered(
        title=visible(title),
        source=source,
        policy=policy,
        style=whole,
        script=script,
        data="",
        is_live=True,
    )
    return page, policy


def _rendered(**values: object) -> str:
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        _text("page.html.jinja")
    )
    return template.render(version=version("ccw-actors"), **values)


@cache
def joined() -> str:
    """Return the page's modules as one, without imports and exports."""
    return _joined(map(_text, MODULES))


def _joined(modules: Iterable[str]) -> str:
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in modules)


def _policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy of a page with that style and script."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def _text(name: str) -> str:
    return (files("ccw_actors.show") / "web" / name).read_text(encoding="utf-8")
