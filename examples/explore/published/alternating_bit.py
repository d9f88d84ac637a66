"""The alternating bit: values get through two queues that lose messages.

Source: L. Lamport, "Specifying Systems", chapter 14. The repository tlaplus/Examples
records 240 states with two values and at most two messages in a queue
(specifications/SpecifyingSystems/manifest.json, MCAlternatingBit.cfg). Longer queues
are left out. The receiver acknowledges at any time, with the bit it has had last. A
sender that takes any acknowledgement for its own breaks it.

python examples/explore/published/alternating_bit.py
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import NamedTuple

from ccw_actors.explore import TransitionSystem, explore

LONGEST = 2
VALUES = (0, 1)

Action = tuple[str, int]


class State(NamedTuple):
    """The queues, the bits of both sides, and what was sent and received last."""

    messages: tuple[tuple[int, int], ...]
    acknowledgements: tuple[int, ...]
    sender_bit: int
    acknowledged_bit: int
    receiver_bit: int
    sent: int
    received: int


def actions(state: State) -> Iterator[Action]:
    """Yield the possible actions."""
    if state.acknowledged_bit == state.sender_bit:
        for value in VALUES:
            yield "send", value
    else:
        yield "send again", state.sent
    yield "acknowledge", state.receiver_bit
    if state.messages:
        yield "receive", state.messages[0][1]
    if state.acknowledgements:
        yield "be acknowledged", state.acknowledgements[0]
    for at in range(len(state.messages)):
        yield "lose a message", at
    for at in range(len(state.acknowledgements)):
        yield "lose an acknowledgement", at


def _send(state: State, action: Action) -> State:
    what, value = action
    again = what == "send again"
    bit = state.sender_bit if again else 1 - state.sender_bit
    messages = (*state.messages, (bit, value))
    return state._replace(sender_bit=bit, sent=value, messages=messages)


def _acknowledge(state: State, action: Action) -> State:
    return state._replace(acknowledgements=(*state.acknowledgements, action[1]))


def _receive(state: State, _action: Action) -> State:
    (bit, value), *rest = state.messages
    return state._replace(messages=tuple(rest), receiver_bit=bit, received=value)


def _be_acknowledged(state: State, _action: Action) -> State:
    bit, *rest = state.acknowledgements
    return state._replace(acknowledgements=tuple(rest), acknowledged_bit=bit)


def _be_acknowledged_carelessly(state: State, _action: Action) -> State:
    rest = state.acknowledgements[1:]
    return state._replace(acknowledgements=rest, acknowledged_bit=state.sender_bit)


def _lose_a_message(state: State, action: Action) -> State:
    at = action[1]
    return state._replace(messages=state.messages[:at] + state.messages[at + 1 :])


def _lose_an_acknowledgement(state: State, action: Action) -> State:
    at, every = action[1], state.acknowledgements
    return state._replace(acknowledgements=every[:at] + every[at + 1 :])


STEPS: dict[str, Callable[[State, Action], State]] = {
    "send": _send,
    "send again": _send,
    "acknowledge": _acknowledge,
    "receive": _receive,
    "be acknowledged": _be_acknowledged,
    "lose a message": _lose_a_message,
    "lose an acknowledgement": _lose_an_acknowledgement,
}


def _is_received(state: State) -> bool:
    waits = state.acknowledged_bit != state.sender_bit
    has_bit = state.receiver_bit == state.sender_bit
    return not (waits and has_bit) or state.received == state.sent


def _is_acknowledged(state: State) -> bool:
    waits = state.acknowledged_bit != state.sender_bit
    return waits or state.receiver_bit == state.sender_bit


def _is_through(value: int, state: State) -> bool:
    waits = state.acknowledged_bit != state.sender_bit
    return not waits and state.received == value


def channels(*, careful: bool = True) -> TransitionSystem[State, Action]:
    """Return the protocol; a careful sender checks the bit of an acknowledgement."""
    steps = dict(STEPS)
    if not careful:
        steps["be acknowledged"] = _be_acknowledged_carelessly

    def next_state(state: State, action: Action) -> State | None:
        then = steps[action[0]](state, action)
        longest = max(len(then.messages), len(then.acknowledgements))
        return then if longest <= LONGEST else None

    return TransitionSystem[State, Action](
        [
            State((), (), bit, bit, bit, sent, received)
            for bit, sent, received in product((0, 1), VALUES, VALUES)
        ],
        actions,
        next_state,
        invariants={
            "a receiver that has the bit has the value": _is_received,
            "what is acknowledged was received": _is_acknowledged,
        },
        sometimes={
            f"{value} gets through": partial(_is_through, value) for value in VALUES
        },
        summary="The alternating bit protocol, as a transition system.",
    )


alternating_bit = channels()
careless = channels(careful=False)


def main() -> None:
    """Count the states, and refute a sender that takes any acknowledgement."""
    result = explore(alternating_bit)
    print(result.states, "states;", result)
    print("Careless:", explore(careless))


if __name__ == "__main__":
    main()
