"""What a client may have seen, written briefly."""

from msgspec.structs import replace

from ccw_actors.channel import Irb, Pmcw, Schib, Scsw
from ccw_actors.kernel.boot import ClientLog, ClientStep
from ccw_actors.kernel.lab._plan import Observed
from ccw_actors.kernel.lab._plans import PLANS

__all__ = ["log_of", "observed", "step"]


def step(
    what: str,
    *,
    thread: int = 0,
    number: int = 0,
    errno: int = 0,
    count: int = 0,
    signals: int = 0,
    irb: Irb | None = None,
) -> ClientStep:
    """Return a step that has ended."""
    data = b"" if irb is None else irb.to_bytes()
    return ClientStep(
        thread=thread,
        step=number,
        what=what,
        errno=errno,
        start=0,
        end=number,
        data=data,
        count=count,
        signals=signals,
    )


def log_of(*steps: ClientStep, is_over: bool = True) -> ClientLog:
    """Return a log with these steps."""
    return ClientLog(steps, (), (), "", (), is_over=is_over)


def observed(
    name: str,
    values: dict[str, ClientStep],
    *others: ClientStep,
    ran: bool = True,
    states: tuple[str, ...] = (),
    scsw: Scsw | None = None,
) -> Observed:
    """Return what was seen in a plan: these results of its labels, and other steps."""
    plan = PLANS[name]
    steps = list(others)
    for thread, labelled in enumerate(plan.threads):
        for number, (label, text) in enumerate(labelled):
            if label in values:
                place = {"thread": thread, "step": number, "what": text}
                steps.append(replace(values[label], **place))
    schibs = () if scsw is None else (Schib(Pmcw(), scsw),)
    return Observed(plan, log_of(*steps), ran, states, schibs)
