"""A contract for import-linter: private modules stay in their package.

A module is private if a part of its name begins with an underscore. It belongs to a
package of the first level, such as `ccw_actors.channel`, or to a package below one that
`packages_below` names, such as `ccw_actors.actors.host`.
"""

from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["PrivateModules"]


class PrivateModules(Contract):
    """No module imports a private module of another package.

    Contract options:
        packages_below: Packages whose subpackages keep private modules apart.
    """

    type_name: ClassVar[str] = "private_modules"
    # A field becomes its value in an instance, which its type does not say.
    packages_below: Any = fields.ListField(
        subfield=fields.StringField(), required=False
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 - import-linter's signature
        """Return each import of a private module from outside its package."""
        del verbose
        found: list[tuple[str, str]] = []
        for importer in sorted(graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                package = self._package(imported)
                if package and not f"{importer}.".startswith(f"{package}."):
                    found.append((importer, imported))
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that `check` has found."""
        for importer, imported in check.metadata["found"]:
            output.print_error(f"- {importer} is not allowed to import {imported}")

    def _package(self, module: str) -> str:
        """Return the package that a private module belongs to, "" if it is public."""
        parts = module.split(".")
        private = [number for number, part in enumerate(parts) if part[0] == "_"]
        if not private or parts[-1] == "__main__":
            return ""
        below = ".".join(parts[:2]) in (self.packages_below or ())
        return ".".join(parts[: min(private[0], 3 if below else 2)])
