"""What `ccw-actors run` shows: a machine at work, and its result."""

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from ccw_actors.cli._printing import as_text
from ccw_actors.machine import GuestResult, Progress, RunResult

__all__ = ["ending", "progress_view", "result_view"]


def progress_view(progress: Progress) -> RenderableType:
    """Show every guest's state and counts, and the rate of messages."""
    table = _table("guest", "state", numbers=("I/Os", "interrupts"), last="cc")
    for name, guest in progress.guests.items():
        report = guest.report
        table.add_row(
            as_text(name),
            guest.state,
            _number(report.ios if report else None),
            _number(report.interrupts if report else None),
            _condition_codes(report.cc) if report else "",
        )
    rate = _rate(progress.messages, progress.seconds)
    return Group(table, as_text(f"{progress.messages:,} messages, {rate} per second"))


def result_view(result: RunResult) -> RenderableType:
    """Show what each guest did and found, the messages by type, and the trace."""
    trace = f"trace: {result.trace}" if result.trace else "no trace"
    if result.trace_cut:
        kept = f"without the oldest {result.trace_cut >> 20:,} MiB; --trace-size all"
        trace = f"{trace}, {kept} keeps all"
    seconds = f"{result.system.seconds:.2f} seconds"
    parts = (
        _guests(result),
        _findings(result),
        _messages(result),
        as_text(f"{seconds}; {trace}"),
    )
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts[:-1]), parts[-1])


def ending(guest: GuestResult) -> str:
    """Say in a line how much a guest has done."""
    codes = _condition_codes(guest.cc)
    with_codes = f" (cc {codes})" if codes else ""
    ios, interrupts = _number(guest.ios), _number(guest.interrupts)
    return f"{ios} I/Os{with_codes}, {interrupts} interrupts"


def _guests(result: RunResult) -> Table:
    numbers = ("records", "bytes", "I/Os", "interrupts")
    table = _table("guest", "state", "volser", numbers=numbers, last="cc")
    for name, guest in result.guests.items():
        table.add_row(
            as_text(name),
            "failed" if guest.error else "finished",
            as_text(guest.volser or ""),
            _number(guest.records),
            _number(guest.bytes),
            _number(guest.ios),
            _number(guest.interrupts),
            _condition_codes(guest.cc),
        )
    return table


def _findings(result: RunResult) -> Table:
    table = _table("guest", last="SHA-256 of the data, or result")
    for name, guest in result.guests.items():
        if guest.sha256:
            table.add_row(as_text(name), as_text(guest.sha256))
        elif guest.result:
            table.add_row(as_text(name), as_text(repr(guest.result)))
    return table


def _messages(result: RunResult) -> Table:
    """Show the messages in two columns, the most frequent first."""
    seconds, messages = result.system.seconds, result.system.messages
    total = sum(messages.values())
    ranked = sorted(messages.items(), key=lambda item: (-item[1], item[0]))
    rows = [*ranked, ("all", total)]
    half = (len(rows) + 1) // 2
    columns = Table.grid(padding=(0, 3))
    tables: list[Table] = []
    for part in (rows[:half], rows[half:]):
        table = _table("message", numbers=("count", "/s"))
        for name, count in part:
            table.add_row(as_text(name), _number(count), _rate(count, seconds))
        tables.append(table)
    columns.add_row(*tables)
    return columns


def _table(
    *names: str, numbers: tuple[str, ...] = (), last: str | None = None
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    if last is not None:
        table.add_column(last, overflow="fold")
    return table


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _condition_codes(cc: dict[str, int]) -> str:
    return " ".join(f"{code}:{count}" for code, count in sorted(cc.items()))


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f}" if seconds else "-"
