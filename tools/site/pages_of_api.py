"""The API reference: a page for each public module, in the text that autodoc reads."""

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import FunctionType
from typing import Final, cast

from sphinx.pycode import ModuleAnalyzer

from tools.site.docstrings import as_rst
from tools.site.public import Public, definition_of, home_of, names_of, public_modules

__all__ = ["pages"]

_VALUE_MAX: Final = 72
_LEAD: Final = """\
Every public package and module, with the names in its ``__all__``. A name that several
packages have is described once; the others say where. What is not here is private.
"""


def pages() -> dict[str, str]:
    """Return the pages by the names of their files."""
    known = {one: _page(one) for one in public_modules() if _has_page(one)}
    files = {f"{module}.rst": text for module, text in known.items()}
    rooms = [one for one in known if one.count(".") == 1]
    lines = [*_title("API reference"), _LEAD, *_overview(known)]
    files["index.rst"] = "\n".join([*lines, "", *_toctree(rooms)])
    return files


def _has_page(module: str) -> bool:
    """Return whether a module, or one below it, has public names."""
    return any(
        names_of(one)
        for one in public_modules()
        if one == module or one.startswith(f"{module}.")
    )


def _overview(modules: Iterable[str]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "")
    yield from ("   * - module", "     - what it is")
    for module in modules:
        first = (import_module(module).__doc__ or "").strip().partition("\n")[0]
        yield f"   * - :doc:`{module}`"
        yield f"     - {' '.join(as_rst([first], module))}"


def _page(module: str) -> str:
    lines = [*_title(module), f".. automodule:: {module}", ""]
    below = [
        one
        for one in public_modules()
        if one.rpartition(".")[0] == module and _has_page(one)
    ]
    if below:
        lines += [".. rubric:: Modules", "", *(f"- :doc:`{one}`" for one in below), ""]
        lines += _toctree(below)
    groups: dict[str, list[Public]] = {}
    for name in names_of(module):
        groups.setdefault(_group(Public(module, name)), []).append(Public(module, name))
    for title, describe in _GROUPS.items():
        if title in groups:
            lines += _title(title, "-")
            for one in groups[title]:
                lines += [*describe(one), ""]
    return "\n".join(lines)


def _group(public: Public) -> str:
    """Return the title of the section that describes a name."""
    value = _value(public)
    if home_of(public) != public:
        return "Described elsewhere"
    if inspect.isclass(value):
        return "Errors" if issubclass(value, BaseException) else "Classes"
    return "Functions" if isinstance(value, FunctionType) else "Values"


def _class(public: Public) -> list[str]:
    value = cast("type", _value(public))
    lines = [f".. autoclass:: {public}", "   :members:"]
    if value.__bases__ != (object,):
        lines.append("   :show-inheritance:")
    names = [name for name in vars(value) if not name.startswith("_")]
    if names and all(name.isupper() for name in names):
        # A class of bits or of constants: their names say what they are.
        lines.append("   :undoc-members:")
    return lines


def _function(public: Public) -> list[str]:
    return [f".. autofunction:: {public}"]


def _elsewhere(public: Public) -> list[str]:
    return [f"- :py:obj:`{public.name} <{home_of(public)}>`"]


def _data(public: Public) -> list[str]:
    """Describe a value, whose docstring only its source has."""
    defined = definition_of(public)
    analyzer = ModuleAnalyzer.for_module(defined.module)
    analyzer.analyze()
    doc = analyzer.attr_docs.get(("", defined.name), [])
    kind = analyzer.annotations.get(("", defined.name), "")
    lines = [f".. py:data:: {public.name}", f"   :module: {public.module}"]
    shown = _shown(_value(public))
    if kind and kind not in ("Final", "TypeAlias"):
        lines.append(f"   :type: {kind.removeprefix('Final[').removesuffix(']')}")
    if shown:
        lines.append(f"   :value: {shown}")
    return [*lines, "", *(f"   {line}" for line in as_rst(doc, public.module))]


def _shown(value: object) -> str:
    """Return a value as text if that is short and the same in each run."""
    text = repr(value).replace("typing.", "")
    for private in {one for one in text.split(".") if one.startswith("_")}:
        text = text.replace(f"{private}.", "")
    return text if len(text) <= _VALUE_MAX and " at 0x" not in text else ""


def _value(public: Public) -> object:
    return getattr(import_module(public.module), public.name)


def _title(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def _toctree(modules: Iterable[str]) -> list[str]:
    return [".. toctree::", "   :hidden:", "", *(f"   {one}" for one in modules), ""]


_GROUPS: Final = {
    "Classes": _class,
    "Functions": _function,
    "Errors": _class,
    "Values": _data,
    "Described elsewhere": _elsewhere,
}
