"""The content security policy of each page: no script or style but the site's own.

The theme has a few lines of script and of style in each page. The policy allows exactly
these, by their hashes. A page with a style attribute or a handler in it is an error,
because a browser would ignore it.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

__all__ = ["policy_of", "setup", "with_policy"]

_HEAD: Final = '<meta charset="utf-8">'
_OF_THEME: Final = {
    'style="display: none;"': 'class="symbols"',
    'style="opacity: 50%"': 'opacity="0.5"',
    'style="width: 100%" class="': 'class="wide ',
    'style="width: 33%; vertical-align: top;"': 'class="third"',
}
"""Style attributes of the theme, and what means the same (see `site.css`)."""

_INLINE: Final = re.compile(
    r"<(script|style)(?P<has>[^>]*)>(?P<text>.*?)</\1>", re.DOTALL
)
_TAG: Final = re.compile(r"<\w[^<>]*>")
_FORBIDDEN: Final = re.compile(r'\s(style|on\w+)="')


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the policy when all pages are written."""
    app.connect("build-finished", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        for path in sorted(Path(app.outdir).rglob("*.html")):
            text = path.read_text(encoding="utf-8")
            try:
                path.write_text(with_policy(text), encoding="utf-8")
            except ValueError as error:
                raise ExtensionError(f"{path}: {error}") from error


def with_policy(page: str) -> str:
    """Return a page with its policy.

    Raises `ValueError` if something in it would be against every policy.
    """
    for of_theme, ours in _OF_THEME.items():
        page = page.replace(of_theme, ours)
    for tag in _TAG.findall(_INLINE.sub("", page)):
        if found := _FORBIDDEN.search(tag):
            raise ValueError(f"expected no attribute {found[1]} in {tag}")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy_of(page)}">'
    return page.replace(_HEAD, f"{_HEAD}\n    {meta}", 1)


def policy_of(page: str) -> str:
    """Return the policy: what the page has inside, and files of the site."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for found in _INLINE.finditer(page):
        if "src=" not in found["has"]:
            digest = b64encode(sha256(found["text"].encode()).digest()).decode()
            hashes[found[1]].append(f"'sha256-{digest}'")
    parts = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *hashes["script"]],
        "style-src": ["'self'", *hashes["style"]],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    return "; ".join(
        f"{name} {' '.join(dict.fromkeys(all_))}" for name, all_ in parts.items()
    )
