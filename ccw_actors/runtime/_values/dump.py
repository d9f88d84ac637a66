"""The counters of a System, and its dump of who waits for whom."""

import msgspec

__all__ = ["ActorDump", "AskDump", "Dump", "Statistics"]


class Statistics(msgspec.Struct, frozen=True):
    """Counts of messages, failures and other events in a System.

    `handled` counts the messages handled by actors that live now, `expired_asks` the
    missed deadlines, `late_answers` the answers to asks that no longer waited.
    `dropped` counts the messages that a full mailbox dropped, each also a dead letter,
    and `refused` those that it refused, which raised `MailboxFullError` or became dead
    letters.
    """

    actors: int
    handled: int
    waiting_messages: int
    pending_asks: int
    dead_letters: int
    late_answers: int
    expired_asks: int
    dropped: int
    refused: int
    failures: int
    restarts: int


class ActorDump(msgspec.Struct, frozen=True):
    """One actor: what it is doing, and how many messages wait for it or are stashed.

    `waits_for` says what a suspended or blocked handler waits for, "" for other actors.
    """

    path: str
    kind: str
    doing: str
    mailbox: int
    stash: int
    handled: int
    waits_for: str


class AskDump(msgspec.Struct, frozen=True):
    """One pending ask: its asker ("" for the outside) has waited for `age` seconds."""

    asker: str
    target: str
    message: str
    age: float


class Dump(msgspec.Struct, frozen=True):
    """All actors and asks of a System; `str` of it is a table of those not idle."""

    actors: tuple[ActorDump, ...]
    asks: tuple[AskDump, ...]

    def __str__(self) -> str:
        idle = [one for one in self.actors if one.doing == "idle" and not one.mailbox]
        lines = [_line(one) for one in self.actors if one not in idle]
        lines.append(f"{len(idle)} of {len(self.actors)} actors are idle")
        lines += [
            f"{ask.asker or 'the outside'} waits for {ask.target} to answer"
            f" {ask.message}, for {ask.age:.3f} s"
            for ask in self.asks
        ]
        return "\n".join(lines)


def _line(one: ActorDump) -> str:
    waits = f", waits for {one.waits_for}" if one.waits_for else ""
    stash = f", {one.stash} stashed" if one.stash else ""
    return f"{one.path} ({one.kind}): {one.doing}, {one.mailbox} queued{stash}{waits}"
