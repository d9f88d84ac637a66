"""Shows for `ccw-actors run` a machine at work, and its result."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from ccw_actors.cli._printing import as_text, print_table, say
from ccw_actors.machine import GuestResult, Progress, RunResult

__all__ = ["ending", "progress_view", "show_result"]

_MEANINGS = {
    "0": "accepted",
    "1": "status pending; for TEST SUBCHANNEL, none",
    "2": "busy or not applicable",
    "3": "not operational",
}
"""What the condition codes of I/O instructions say."""


def progress_view(progress: Progress) -> RenderableType:
    """Show every guest's state and counts, and the rate of messages."""
    numbers = ("I/Os", "interrupts")
    table = _table("guest", "state", numbers=numbers, last="condition codes")
    for name, guest in progress.guests.items():
        report = guest.report
        table.add_row(
            as_text(name),
            guest.state,
            _number(report.ios if report else None),
            _number(report.interrupts if report else None),
            _counts(report.cc) if report else "",
        )
    rate = _rate(progress.messages, progress.seconds)
    return Group(table, as_text(f"{progress.messages:,} messages, {rate} per second"))


def show_result(result: RunResult) -> None:
    """Print what each guest did and found, the messages by type, and the trace."""
    for table in (_guests(result), _condition_codes(result), _findings(result)):
        print_table(table)
        say("")
    print_table(_messages(result))
    say("")
    trace = f"trace: {result.trace}" if result.trace else "no trace"
    if result.trace_cut:
        lost = result.trace_cut >> 20
        trace += f", without the oldest {lost:,} MiB (--trace-size all keeps them)"
    say(f"{result.system.seconds:.2f} seconds; {trace}")


def ending(guest: GuestResult) -> str:
    """Return in a line how much a guest has done."""
    ios, interrupts = _number(guest.ios), _number(guest.interrupts)
    done = f"{ios} I/Os, {interrupts} interrupts"
    return f"{done}; condition codes: {_in_words(guest.cc)}" if guest.cc else done


def _guests(result: RunResult) -> Table:
    numbers = ("records", "bytes", "I/Os", "interrupts")
    table = _table("guest", "state", "volser", numbers=numbers)
    for name, guest in result.guests.items():
        table.add_row(
            as_text(name),
            "failed" if guest.error else "finished",
            as_text(guest.volser or ""),
            _number(guest.records),
            _number(guest.bytes),
            _number(guest.ios),
            _number(guest.interrupts),
        )
    return table


def _condition_codes(result: RunResult) -> Table:
    table = _table("guest", last="condition codes of its I/O instructions")
    for name, guest in result.guests.items():
        table.add_row(as_text(name), as_text(_in_words(guest.cc)))
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
    """Return the messages in two columns, the most frequent first."""
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


def _counts(cc: dict[str, int]) -> str:
    """Return "0: 270, 3: 1", short enough for a column."""
    return ", ".join(f"{code}: {count:,}" for code, count in sorted(cc.items()))


def _in_words(cc: dict[str, int]) -> str:
    """Return "0 (accepted) 270 times, 3 (not operational) once"."""
    return ", ".join(
        f"{code} ({_MEANINGS[code]}) {'once' if count == 1 else f'{count:,} times'}"
        for code, count in sorted(cc.items())
    )


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f}" if seconds else "-"
