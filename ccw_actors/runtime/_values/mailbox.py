"""How many messages may wait for an actor, and what happens to one more."""

from typing import Literal

import msgspec

__all__ = ["Mailbox", "WhenFull"]

WhenFull = Literal["refuse", "drop oldest", "drop newest", "wait"]


class Mailbox(msgspec.Struct, frozen=True):
    """The bound of a mailbox, in messages, and its policy when it is full.

    | `when_full` | what happens to one message more |
    |---|---|
    | refuse | `tell` and `ask` raise `MailboxFullError` at the sender |
    | drop oldest | the oldest message becomes a dead letter |
    | drop newest | this message becomes a dead letter |
    | wait | `offer` and `ask` wait for room; `tell` cannot wait and raises |

    An ask whose message is dropped fails with `MailboxFullError`. A message that an
    actor or another thread tells does not raise there: it becomes a dead letter.
    Replies, timer messages and the System's own signals never count, and a full mailbox
    never refuses or drops them.

    Raises `ValueError` for a bound below 1 and for another policy.
    """

    bound: int = 65_536
    when_full: WhenFull = "refuse"

    def __post_init__(self) -> None:
        """Check the bound and the policy."""
        if self.bound < 1:
            raise ValueError(f"a mailbox has a bound of 1 or more, not {self.bound}")
        if self.when_full not in WhenFull.__args__:  # type: ignore[attr-defined]
            raise ValueError(
                f"when_full is one of {', '.join(WhenFull.__args__)};"  # type: ignore[attr-defined]
                f" got {self.when_full!r}"
            )
