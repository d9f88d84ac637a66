"""Who sends what to whom, as a part of docs/pass-through.md: a diagram and a table."""

from tools.markdown import table
from tools.message_flow import Flow

__all__ = ["as_markdown"]


def as_markdown(flow: Flow) -> str:
    """Render a diagram of the arrows, and a table of the messages."""
    arrows = {
        (row.sender, recipient, _named(row.arrow, flow))
        for row in flow.rows
        for recipient in row.recipients
        if recipient != row.sender
    }
    lines = ["```mermaid", "flowchart TB"]
    lines += [f'    {a} -- "{name}" --> {b}' for a, b, name in sorted(arrows)]
    head = ("sender", "message", "recipient", "answer")
    return "\n".join([*lines, "```", "", table(head, _rows(flow))])


def _rows(flow: Flow) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for row in flow.rows:
        recipients = ", ".join(row.recipients)
        whom = "itself" if recipients == row.sender else recipients
        answers = _named(frozenset(row.answers), flow)
        rows.append((row.sender, row.message, whom, answers))
    return rows


def _named(messages: frozenset[str], flow: Flow) -> str:
    """Return the name of their union if it has one, else their own names."""
    return flow.unions.get(messages) or ", ".join(sorted(messages))
