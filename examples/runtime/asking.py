"""Ask: many at once, a deadline, an actor that does not exist, and a cycle of asks."""

import asyncio
import logging
from collections.abc import Awaitable

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskTimeoutError,
    CcwActorsError,
)
from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Answer(Message, frozen=True):
    """The answer to a question."""

    text: str


class Question(Request[Answer], frozen=True):
    """Asks for an answer; `via` is an actor to ask first, if any."""

    text: str
    via: ActorRef["Question"] | None = None


class Oracle(Actor[Question]):
    """Answers all questions but one, and first asks another oracle if it has to."""

    @receive
    async def question(self, message: Question) -> Answer | None:
        """Answer; while it waits, the actor handles no other message."""
        if message.text == "why?":
            self.unanswered = self.reply_to
            return None
        if message.via is None:
            return Answer(f"{message.text} yes")
        answer = await message.via.ask(Question(message.text, self.ref))
        return Answer(f"{answer.text}, says {message.via.path}")


async def error_of(asked: Awaitable[Answer]) -> CcwActorsError:
    """Return the exception of an ask."""
    try:
        answer = await asked
    except CcwActorsError as error:
        print(error)
        return error
    raise AssertionError(f"the ask returned {answer}")


async def main() -> None:
    """Ask in each of these ways."""
    logging.disable(logging.ERROR)  # The System also logs the failures.
    async with System(ask_timeout=5.0) as system:
        a = system.spawn(Oracle(), "a")
        b = system.spawn(Oracle(), "b")
        answers = await asyncio.gather(*(a.ask(Question(f"{n}?")) for n in range(3)))
        print([answer.text for answer in answers])
        assert [answer.text for answer in answers] == ["0? yes", "1? yes", "2? yes"]

        late = await error_of(a.ask(Question("why?"), timeout=0.01))
        assert isinstance(late, AskTimeoutError)
        assert (late.target, late.message) == ("a", "Question")

        nobody = await error_of(system.ref("nobody").ask(Question("there?")))
        assert isinstance(nobody, ActorStoppedError)

        # a asks b, which asks a, which waits for b.
        circle = await error_of(a.ask(Question("round?", b)))
        assert isinstance(circle, ActorFailedError)
        assert "AskCycleError" in circle.reason
        assert "b -> a -> b" in circle.reason


if __name__ == "__main__":
    asyncio.run(main())
