"""Tell and ask: answers, deadlines, cycles, and the place that a reply keeps."""

import asyncio
import sys

from ccw_actors.errors import ActorFailedError, ActorStoppedError, AskTimeoutError
from ccw_actors.runtime import Actor, ActorRef, Message, Request, System, receive


class Answer(Message, frozen=True):
    """What a question is answered by."""

    text: str


class Question(Request[Answer], frozen=True):
    """Asks for an answer; `via` is to be asked first, if there is anybody."""

    text: str
    via: ActorRef["Question"] | None = None


class Oracle(Actor[Question]):
    """Answers all but one question, asking another one if it is told to."""

    @receive
    async def question(self, message: Question) -> Answer | None:
        """Answer; the actor takes no other message while it waits."""
        if message.text == "why?":
            return None
        if message.via is None:
            return Answer(f"{message.text} yes")
        answer = await message.via.ask(Question(message.text, self.ref))
        return Answer(f"{answer.text}, says {message.via.path}")


class Begin(Message, frozen=True):
    """Has a listener ask."""

    oracle: ActorRef[Question]


class Listener(Actor[Begin | Answer]):
    """Tells questions: each answer is a message, in its place among the others."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @receive
    def begin(self, message: Begin) -> None:
        """Tell two questions; nobody waits."""
        message.oracle.tell(Question("one:"))
        message.oracle.tell(Question("two:"))

    @receive
    def answer(self, message: Answer) -> None:
        """Hear an answer."""
        self.heard.append(message.text)


async def main() -> None:
    """Ask in every way."""
    async with System(ask_timeout=5.0) as system:
        a = system.spawn(Oracle(), "a")
        b = system.spawn(Oracle(), "b")
        print((await a.ask(Question("ready?"))).text)
        answers = await asyncio.gather(*(a.ask(Question(f"{n}?")) for n in range(3)))
        print([answer.text for answer in answers])

        try:
            await a.ask(Question("why?"), timeout=0.01)
        except AskTimeoutError as error:
            print(error)
        else:
            sys.exit("it has answered")
        try:
            await system.ref("nobody").ask(Question("there?"))
        except ActorStoppedError as error:
            print(error)

        listener = Listener()
        system.spawn(listener, "listener").tell(Begin(a))
        await a.ask(Question("done?"))
        await asyncio.sleep(0)
        print(listener.heard)
        assert listener.heard == ["one: yes", "two: yes"]

        # a asks b, which asks a, which waits for b.
        try:
            await a.ask(Question("round?", b))
        except ActorFailedError as error:  # of a, because b failed of the cycle
            print(error.reason)
            if "b -> a -> b" not in error.reason:
                sys.exit("the cycle is not named")


if __name__ == "__main__":
    import logging

    logging.disable(logging.ERROR)  # The failures at the end are logged, too.
    asyncio.run(main())
