"""Who sends what to whom, in the code and on the page."""

from pathlib import Path
from typing import Final

import pytest

from tools.markdown import with_part
from tools.message_flow import ROOT, Flow, flow_of
from tools.message_flow_page import as_markdown

PAGE: Final = ROOT / "docs" / "pass-through.md"
OPERATIONS: Final = "Operation"
"""The union of what a program may do: each travels in `Operate`, or not at all."""

FROM_OUTSIDE: Final = {
    "ConfigurePath": "an operator configures a path off and on",
}
"""The messages that nothing in this package sends."""

TO_OUTSIDE: Final = {
    "GuestReport": "answers a caller that awaits a guest, or asks how far it is",
    "PathConfigured": "answers an operator's ConfigurePath",
    "PinCount": "answers a caller that inspects a machine",
    "VolumeDescribed": "answers a caller that builds a machine",
}
"""The messages that no actor handles, because the caller is not an actor."""


@pytest.fixture(scope="module")
def flow() -> Flow:
    """Read the code."""
    return flow_of()


def operations(flow: Flow) -> frozenset[str]:
    """Return the operations of a program."""
    (found,) = (kinds for kinds, name in flow.unions.items() if name == OPERATIONS)
    return found


def not_sent(flow: Flow) -> frozenset[str]:
    """Return the messages that no code sends."""
    return flow.protocol - flow.sent - operations(flow)


def not_handled(flow: Flow) -> frozenset[str]:
    """Return the messages that no actor handles."""
    return flow.protocol.difference(*flow.handled.values()) - operations(flow)


def test_every_message_is_sent(flow: Flow) -> None:
    """Some code sends every message of the protocol, or it comes from outside."""
    assert not_sent(flow) == FROM_OUTSIDE.keys()


def test_every_message_is_handled(flow: Flow) -> None:
    """Some actor handles every message of the protocol, or it goes outside."""
    assert not_handled(flow) == TO_OUTSIDE.keys()


def test_every_send_is_known(flow: Flow) -> None:
    """The message and the recipient of every send are known."""
    assert flow.unknown == ()


def test_answers_are_handled(flow: Flow) -> None:
    """An actor that sends a request handles every answer to it."""
    requests = [row for row in flow.rows if row.answers and row.sender in flow.handled]
    assert len(requests) > 30
    for row in requests:
        assert set(row.answers) <= flow.handled[row.sender], row


def test_page(flow: Flow) -> None:
    """docs/pass-through.md has the diagram and the table of the code."""
    page = PAGE.read_text()
    assert with_part(page, "message flow", as_markdown(flow)) == page


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
    """The table has a few rows that are easy to find in the code."""
    assert row in as_markdown(flow).splitlines()


def test_page_without_marks(flow: Flow) -> None:
    """A page without a place for them is refused."""
    with pytest.raises(ValueError, match="expected a page with <!-- message flow -->"):
        with_part("# Nothing\n", "message flow", as_markdown(flow))


@pytest.mark.slow
def test_changes_are_found(flow: Flow) -> None:
    """A message nobody uses, an untyped reference and a lost handler are found."""
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
    """Return the text of a module, changed in one place."""
    text = source(module)
    assert text.count(before) == 1
    return text.replace(before, after)
