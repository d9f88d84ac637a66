"""The side bar's list of pages, made once.

Sphinx copies the headings and the API of every page for each page's list. With hundreds
of pages that takes most of the time of a build, so the theme gets this list instead.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from tools.site.sources import NAVIGATION

__all__ = ["setup"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Give each page the list, before the theme asks for it."""
    app.connect("html-page-context", _add, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object
) -> None:
    def toctree(**_options: object) -> str:
        return "".join(_SideBar(app.env, page, context["pathto"]).lists())

    context["toctree"] = toctree


class _SideBar:
    """The list as one page has it, with links from there."""

    def __init__(
        self, env: BuildEnvironment, page: str, path_to: Callable[[str], str]
    ) -> None:
        self._env = env
        self._page = page
        self._path_to = path_to
        self._above = set(self._pages_above())

    def _pages_above(self) -> Iterator[str]:
        """Yield the page and those whose lists it is in."""
        parents = {
            child: parent
            for parent, children in self._env.toctree_includes.items()
            for child in children
        }
        page = self._page
        while page in parents:
            yield page
            page = parents[page]

    def lists(self) -> Iterator[str]:
        """Yield the lists of the first page, each below its caption."""
        for caption, pages in NAVIGATION.items():
            text = f'<span class="caption-text">{escape(caption)}</span>'
            yield f'<p class="caption">{text}</p>'
            yield from self._list([one.rpartition(".")[0] for one in pages], 1)

    def _list(self, pages: Sequence[str], level: int) -> Iterator[str]:
        """Yield a list of pages with the lists below them."""
        yield "<ul>"
        for one in pages:
            here = f"toctree-l{level}" + " current" * (one in self._above)
            kind = "reference internal" + " current" * (one == self._page)
            title = escape(self._env.titles[one].astext())
            link = f'<a class="{kind}" href="{self._path_to(one)}">{title}</a>'
            yield f'<li class="{here}">{link}'
            if below := self._env.toctree_includes.get(one):
                yield from self._list(below, level + 1)
            yield "</li>"
        yield "</ul>"
