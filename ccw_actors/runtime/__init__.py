"""Actors, their references and mailboxes, and the three worlds that run them."""

from ccw_actors.runtime.actor import Actor as Actor
from ccw_actors.runtime.dispatch import Dispatcher as Dispatcher
from ccw_actors.runtime.dispatch import LoopDispatcher as LoopDispatcher
from ccw_actors.runtime.dispatch import VirtualDispatcher as VirtualDispatcher
from ccw_actors.runtime.dump import ActorDump as ActorDump
from ccw_actors.runtime.dump import AskDump as AskDump
from ccw_actors.runtime.dump import Dump as Dump
from ccw_actors.runtime.dump import Statistics as Statistics
from ccw_actors.runtime.fair import FairDispatcher as FairDispatcher
from ccw_actors.runtime.handlers import receive as receive
from ccw_actors.runtime.mailbox import Mailbox as Mailbox
from ccw_actors.runtime.notices import Failure as Failure
from ccw_actors.runtime.notices import Terminated as Terminated
from ccw_actors.runtime.observer import Handled as Handled
from ccw_actors.runtime.observer import Observer as Observer
from ccw_actors.runtime.ref import ActorRef as ActorRef
from ccw_actors.runtime.ref import ReplyTo as ReplyTo
from ccw_actors.runtime.snapshot import CellSnapshot as CellSnapshot
from ccw_actors.runtime.snapshot import Snapshot as Snapshot
from ccw_actors.runtime.stepping import Choice as Choice
from ccw_actors.runtime.stepping import Delivery as Delivery
from ccw_actors.runtime.stepping import SteppingDispatcher as SteppingDispatcher
from ccw_actors.runtime.supervision import Escalate as Escalate
from ccw_actors.runtime.supervision import Restart as Restart
from ccw_actors.runtime.supervision import Stop as Stop
from ccw_actors.runtime.supervision import Supervision as Supervision
from ccw_actors.runtime.system import System as System
from ccw_actors.transport import Message as Message
from ccw_actors.transport import Request as Request

__all__ = [
    "Actor",
    "ActorDump",
    "ActorRef",
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
    "Observer",
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
    "receive",
]
