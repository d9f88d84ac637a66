"""The engine "orders" on a part of the schedules: some of the subtrees of its search.

Near its root the search tree is explored whole: every step that does not sleep is
taken. So what is found in one subtree never asks for a step in another, and each can be
explored on its own, in any process. Sleeping steps still keep two subtrees from
covering the same class.
"""

from typing import Final

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._frames import Event, Frame, Process, Senders
from ccw_actors.explore._global_state import State
from ccw_actors.explore._orders import Orders
from ccw_actors.explore._result import Limits

__all__ = ["Subtrees", "count_subtrees"]

_WANTED: Final = 256
"""How many subtrees are enough for the processes of a large cluster."""

_DEPTH_MAX: Final = 12


class Subtrees(Orders):
    """Explores the subtrees from number `first` to before number `end`.

    A subtree begins `depth` steps after the root; `count` is the number of those met
    so far. A schedule that ends before that counts as one. With `repeats` the steps
    before the subtrees count as well, which every process repeats.
    """

    def __init__(
        self, model: ActorModel, depth: int, first: int, end: int, *, repeats: bool
    ) -> None:
        super().__init__(model)
        self.count = 0
        self._depth = depth
        self._mine = range(first, end)
        self._repeats = repeats

    def enter(
        self, state: State, sleep: dict[Process, Event], senders: Senders
    ) -> None:
        """Enter a state; leave at once if it begins a subtree that is not ours."""
        depth = len(self.taken)
        if depth > self._depth:
            super().enter(state, sleep, senders)
            return
        is_leaf = depth == self._depth or not self.model.offers(state)
        self.count += is_leaf
        is_mine = is_leaf and self.count - 1 in self._mine
        if not self._repeats and depth:
            self.steps -= 1
        if is_leaf and not is_mine:
            self.frames.append(Frame(state, {}, sleep, senders))
            return
        blocked = self.blocked
        super().enter(state, sleep, senders)
        if not is_leaf and not self.violation:
            self.blocked = blocked
            self.frames[-1].add_all()


def count_subtrees(model: ActorModel, limits: Limits) -> tuple[int, int]:
    """Return at which depth subtrees are parted, and how many there are.

    That depends on the scenario only, so that all processes count the same.
    """
    depth, count = 0, 1
    while count < _WANTED and depth < _DEPTH_MAX:
        search = Subtrees(model, depth + 1, 0, 0, repeats=False)
        search.search(limits)
        if search.violation or search.limit or search.count == count:
            break
        depth, count = depth + 1, search.count
    return depth, count
