"""Links in the API reference: a private path leads to where the name is described.

Annotations name the module that defines a class, such as
`ccw_actors.runtime._values.reference`. A name that is not ours has no link, because the
site is built without the network.
"""

from typing import cast

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from tools.site.public import Public, homes, public_modules

__all__ = ["setup"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Try the places of public names before a reference counts as broken."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Return the link of a reference, its text alone, or None: it is broken."""
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    place = homes().get(Public(*target.rpartition(".")[::2]))
    if place is not None:
        domain = cast("PythonDomain", env.get_domain("py"))
        return domain.resolve_xref(
            env, env.docname, app.builder, "obj", str(place), node, content
        )
    return None if _is_promised(target) else content


def _is_promised(target: str) -> bool:
    """Return whether a name should be in the reference."""
    module, _, name = target.rpartition(".")
    return module in public_modules() and not name.startswith("_")
