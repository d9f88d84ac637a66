"""Links between Systems in several processes: `System.listen` and `System.connect`.

A reference to an actor of a linked System is like any other: tell, ask, offer, watch
and stop work, and messages of one sender to one recipient keep their order. What a lost
link means: each message was handled once or not at all, none out of order; asks fail
with `LinkLostError`, watchers receive `Terminated`, and what was not sent is a dead
letter. A message that was sent may or may not have been handled. Linking the Systems
again begins a new session; references from before it stay dead.
"""

from ccw_actors.runtime.links._link import Link as Link
from ccw_actors.runtime.links._links import Links as Links
from ccw_actors.runtime.links._links import Listener as Listener
from ccw_actors.runtime.links._options import LinkOptions as LinkOptions
from ccw_actors.transport.links import Tls as Tls

__all__ = ["Link", "LinkOptions", "Links", "Listener", "Tls"]
