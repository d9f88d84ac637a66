"""Actors, their references and mailboxes, and the three dispatchers that run them."""

from ccw_actors._escalation import escalate_always as escalate_always
from ccw_actors.runtime._actor import Actor as Actor
from ccw_actors.runtime._cell.handlers import ActorSpec as ActorSpec
from ccw_actors.runtime._cell.handlers import receive as receive
from ccw_actors.runtime._cell.handlers import spec_of as spec_of
from ccw_actors.runtime._drive.fair import FairDispatcher as FairDispatcher
from ccw_actors.runtime._drive.loop import LoopDispatcher as LoopDispatcher
from ccw_actors.runtime._drive.virtual import VirtualDispatcher as VirtualDispatcher
from ccw_actors.runtime._kernel.ports import Dispatcher as Dispatcher
from ccw_actors.runtime._system import System as System
from ccw_actors.runtime._values.answers import answer_type as answer_type
from ccw_actors.runtime._values.dump import ActorDump as ActorDump
from ccw_actors.runtime._values.dump import AskDump as AskDump
from ccw_actors.runtime._values.dump import Dump as Dump
from ccw_actors.runtime._values.dump import Statistics as Statistics
from ccw_actors.runtime._values.mailbox import Mailbox as Mailbox
from ccw_actors.runtime._values.notices import Failure as Failure
from ccw_actors.runtime._values.notices import MissingChild as MissingChild
from ccw_actors.runtime._values.notices import Terminated as Terminated
from ccw_actors.runtime._values.observer import Handled as Handled
from ccw_actors.runtime._values.observer import Observer as Observer
from ccw_actors.runtime._values.reference import ActorRef as ActorRef
from ccw_actors.runtime._values.reference import ReplyTo as ReplyTo
from ccw_actors.runtime._values.supervision import Escalate as Escalate
from ccw_actors.runtime._values.supervision import Restart as Restart
from ccw_actors.runtime._values.supervision import Stop as Stop
from ccw_actors.runtime._values.supervision import Supervision as Supervision
from ccw_actors.runtime._values.trace_context import Propagator as Propagator
from ccw_actors.runtime.stepping._choices import Choice as Choice
from ccw_actors.runtime.stepping._choices import Delivery as Delivery
from ccw_actors.runtime.stepping._dispatcher import (
    SteppingDispatcher as SteppingDispatcher,
)
from ccw_actors.runtime.stepping._snapshot import CellSnapshot as CellSnapshot
from ccw_actors.runtime.stepping._snapshot import Snapshot as Snapshot
from ccw_actors.transport import Message as Message
from ccw_actors.transport import Request as Request

__all__ = [
    "Actor",
    "ActorDump",
    "ActorRef",
    "ActorSpec",
    "AskDump",
    "CellSnapshot",
    "Choice",
    "Delivery",
    "Dispatcher",
    "Dump",
    "Escalate",
    "Failure",
    "FairDispatcher",
    "Handled",
    "LoopDispatcher",
    "Mailbox",
    "Message",
    "MissingChild",
    "Observer",
    "Propagator",
    "ReplyTo",
    "Request",
    "Restart",
    "Snapshot",
    "Statistics",
    "SteppingDispatcher",
    "Stop",
    "Supervision",
    "System",
    "Terminated",
    "VirtualDispatcher",
    "answer_type",
    "escalate_always",
    "receive",
    "spec_of",
]
