"""Who sends what to whom, as the code says it, and as the page does."""

from pathlib import Path
from typing import Final

import pytest

from tools.message_flow import PAGE, ROOT, Flow, as_markdown, flow_of, written

OPERATIONS: Final = "Operation"
"""The union of what a program wants done: it travels in `Operate`, or in no message."""

FROM_OUTSIDE: Final = {
    "ConfigurePath": "an operator configures a path off and on",
}
"""What nobody in this package sends."""

TO_OUTSIDE: Final = {
    "GuestReport": "answers whoever awaits a guest, or asks how far it is",
    "PathConfigured": "answers an operator's ConfigurePath",
    "PinCount": "answers whoever looks at a machine",
    "VolumeDescribed": "answers whoever builds a machine",
}
"""What no actor handles, as whoever asks for it is none."""


@pytest.fixture(scope="module")
def flow() -> Flow:
    """Read the code."""
    return flow_of()


def operations(flow: Flow) -> frozenset[str]:
    """Return the operations of a program."""
    (found,) = (kinds for kinds, name in flow.unions.items() if name == OPERATIONS)
    return found


def not_sent(flow: Flow) -> frozenset[str]:
    """Return the messages that nobody sends."""
    return flow.protocol - flow.sent - operations(flow)


def not_handled(flow: Flow) -> frozenset[str]:
    """Return the messages that nobody handles."""
    return flow.protocol.difference(*flow.handled.values()) - operations(flow)


def test_every_message_is_sent(flow: Flow) -> None:
    """Every message of the protocol is sent by somebody, or from outside."""
    assert not_sent(flow) == FROM_OUTSIDE.keys()


def test_every_message_is_handled(flow: Flow) -> None:
    """Every message of the protocol is handled by somebody, or goes outside."""
    assert not_handled(flow) == TO_OUTSIDE.keys()


def test_every_send_is_known(flow: Flow) -> None:
    """Of everything sent it is known what it is, and to whom it goes."""
    assert flow.unknown == ()


def test_answers_are_handled(flow: Flow) -> None:
    """Whoever sends a request handles all that may answer it."""
    requests = [row for row in flow.rows if row.answers and row.sender in flow.handled]
    assert len(requests) > 30
    for row in requests:
        assert set(row.answers) <= flow.handled[row.sender], row


def test_page(flow: Flow) -> None:
    """The page has the diagram and the table that the code gives."""
    page = PAGE.read_text()
    assert written(page, flow) == page


@pytest.mark.parametrize(
    "row",
    [
        "| Cio | StartSubchannel | GuestSubchannel, Subchannel | ConditionCode |",
        "| Device | ReadTrack | FileVolume, MemoryVolume | TrackFailed, TrackRead |",
        "| Guest | RunProgram | ProgramThread |  |",
        "| Guest | WaitOver | itself |  |",
        "| VfioCcw | IoEvent | GuestSubchannel |  |",
    ],
)
def test_rows(flow: Flow, row: str) -> None:
    """A few rows that can be read off the code at once."""
    assert row in as_markdown(flow).splitlines()


def test_page_without_marks(flow: Flow) -> None:
    """A page that has no place for them is refused."""
    with pytest.raises(ValueError, match="expected a page with"):
        written("# Nothing\n", flow)


def test_changes_are_found(flow: Flow) -> None:
    """A message that is dead, an untyped reference, and a lost handler are found."""
    protocol, cio = "ccw_actors.actors.protocol._device", "ccw_actors.actors.host._cio"
    dead = "\n\nclass Dead(Message, frozen=True):\n    pass\n"
    any_driver = changed(cio, "driver: ActorRef[CioToVfioCcw]", "driver: ActorRef")
    found = flow_of(
        {
            protocol: source(protocol) + dead,
            cio: any_driver.replace("    @receive\n    def tested", "    def tested"),
        }
    )
    assert not_sent(found) == {*FROM_OUTSIDE, "Dead"}
    assert not_handled(found) == {*TO_OUTSIDE, "Dead"}
    assert {where.partition(":")[0] for where in found.unknown} == {"_cio.py"}
    lost = {
        (row.sender, row.message)
        for row in found.rows
        if row.sender in found.handled
        and not set(row.answers) <= found.handled[row.sender]
    }
    assert lost == {("Cio", "TestSubchannel")}
    assert as_markdown(found) != as_markdown(flow)


def source(module: str) -> str:
    """Return the text of a module."""
    return Path(ROOT, *module.split(".")).with_suffix(".py").read_text()


def changed(module: str, before: str, after: str) -> str:
    """Return the text of a module with one place of it changed."""
    text = source(module)
    assert text.count(before) == 1
    return text.replace(before, after)
