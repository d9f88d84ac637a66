"""The tables of rules in docs/conformance.md."""

from collections.abc import Iterable

from ccw_actors.conformance.rules import Rule
from tools.markdown import table

__all__ = ["as_markdown"]


def as_markdown(rules: Iterable[type[Rule]]) -> str:
    """Render rules, in the order in which they change an instruction."""
    rows = ((rule.demands, rule.does) for rule in rules)
    return table(("the architecture demands", "what the system does"), rows)
