"""The public names of what others build on, and that the examples use no others."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.test_docs import PAGES, name, program_of

SCRIPTS = sorted((Path(__file__).parent.parent / "examples").rglob("*.py"))

PUBLIC = {
    "ccw_actors.runtime": """
        Actor ActorRef Message Request ReplyTo receive
        ActorSpec spec_of answer_type
        System Mailbox escalate_always Propagator
        Stop Restart Escalate Supervision
        Failure Terminated
        Dispatcher LoopDispatcher FairDispatcher VirtualDispatcher
        SteppingDispatcher
        Choice Delivery Snapshot CellSnapshot
        Observer Handled
        Dump ActorDump AskDump Statistics
    """,
    "ccw_actors.transport": """
        Message Request
        Codec DECODE_ERRORS ENCODE_ERRORS OBJECTS_MAX SIZE_MAX message_id refusal tag_of
        ValueSplitter read_stream read_messages read_messages_async
    """,
    "ccw_actors.testkit": """
        Probe ProbeFactory ExpectationError
        Recorder DeadLetter Failed
        VirtualSystem SteppingSystem
        VirtualTimeLoop virtual_time_loop
    """,
    "ccw_actors.explore": """
        Census ClockError Combination Counterexample CounterexampleError Coverage
        DeadLetter Engine
        Event EventLoopError Explanation ExploreError HiddenStateError Limits Network
        Noops Overtaking Progress PropertyError Rate Reference ReplayError Replayed
        Result
        Scenario Step Tick Time TransitionSystem UnsoundError
        Verdict View World assert_mended census explain explore
        refines replay sample_rate
        InlineExecutor executor_of stop_now
    """,
    "ccw_actors.control": """
        CONTROL_PATH NAME_RULE
        ControlClient ControlServer ControlSocket Handler
        DescribeMachine MachineDescription GuestDescription DeviceDescription
        GuestState StopMachine Stopping RequestFailed
        is_name machine_names name_from
    """,
    "ccw_actors.telemetry": """
        MetricsObserver TraceContextPropagator
    """,
}


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names(package: str) -> None:
    """A package has these names, says so, and shows no others but its modules."""
    module = import_module(package)
    names = sorted(PUBLIC[package].split())
    assert sorted(module.__all__) == names
    assert names == sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_examples_use_public_names(script: Path) -> None:
    """An example imports what its packages make public, and nothing else of ours."""
    assert list(hidden(script.read_text())) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_documents_use_public_names(page: Path) -> None:
    """So do the programs of the documents."""
    for block in program_of(page):
        assert list(hidden(block.text)) == []


def test_hidden_names_are_found() -> None:
    """A private module, a name that is not public, and a plain import are found."""
    program = """
from ccw_actors.runtime import System, life
from ccw_actors.runtime.stepping import Cell
import ccw_actors.runtime
"""
    assert list(hidden(program)) == [
        "ccw_actors.runtime.life",
        "ccw_actors.runtime.stepping.Cell",
        "ccw_actors.runtime",
    ]


def hidden(program: str) -> Iterator[str]:
    """Yield what a program imports of this package that is not public."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("ccw_actors"):
                    yield name.name
        elif isinstance(node, ast.ImportFrom):
            package, _, room = (node.module or "").partition(".")
            for name in node.names if package == "ccw_actors" else ():
                if name.name not in public_names(room):
                    yield f"{package}.{room}.{name.name}"


def public_names(room: str) -> list[str]:
    """Return the public names of a room; what is inside of it has none.

    But for the messages of the core actors, which are many, and the verdict table.
    """
    if "." in room and room not in ("actors.protocol", "scenarios.verdicts"):
        return []
    module = import_module(f"ccw_actors.{room}")
    return getattr(module, "__all__", dir(module))
