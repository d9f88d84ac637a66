"""Whether a fault can follow a step: a bounded search, and what is known already."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ccw_actors.browse._walk import BrowseError, Walk
from ccw_actors.errors import CcwActorsError
from ccw_actors.explore import Engine, Limits, Progress, ReplayError, Result, explore

__all__ = ["GivenUpError", "Known", "Outlook", "Outlooks"]

Finding: TypeAlias = Literal["fails", "cannot fail", "not known"]

_KEPT_MAX: Final = 2000
_NOTHING_FOUND: Final = frozenset(("verified", "vacuous"))


class GivenUpError(CcwActorsError):
    """A search has been given up, as its result is no longer wanted."""


class Outlook(Struct, frozen=True, kw_only=True):
    """Whether a fault can follow, and why that is said.

    `fails`: the steps `names` lead to the fault `violation`; they have been taken from
    the beginning. `cannot fail`: every continuation has been covered. `not known`: a
    search has reached its limit, or cannot be made from there.
    """

    finding: Finding
    why: str
    names: tuple[str, ...] = ()
    violation: str = ""


class Known(Struct, frozen=True, kw_only=True):
    """How far the exploration of the whole scenario has come.

    `state` is its verdict in the end. `text` is a sentence about it. `names` are the
    steps to a fault, if one was found.
    """

    state: Literal["exploring", "verified", "refuted", "incomplete", "vacuous", "error"]
    text: str
    names: tuple[str, ...] = ()


class Outlooks:
    """Says of steps whether a fault can follow.

    The whole scenario is explored on a thread, from `begin` until `end`, within
    `limits`. Each search from a place visits at most `states` states and takes at most
    `seconds`.
    """

    def __init__(
        self,
        walk: Walk,
        *,
        engine: Engine | Literal["auto"] = "auto",
        limits: Limits | None = None,
        states: int = 20_000,
        seconds: float = 3.0,
    ) -> None:
        self._walk = walk
        self._engine: Engine | Literal["auto"] = engine
        self._limits = Limits() if limits is None else limits
        self._bounds = Limits(states=states, seconds=seconds)
        self._found: dict[tuple[str, ...], Outlook] = {}
        self._ends = threading.Event()
        self._turn = 0
        self.known = Known(state="exploring", text="Exploring the whole scenario.")

    # -- the whole scenario ---------------------------------------------------------

    def begin(self) -> None:
        """Begin to explore the whole scenario on a thread."""
        thread = threading.Thread(target=self.explore, name="explore", daemon=True)
        thread.start()

    def end(self) -> None:
        """Give up what is still being explored."""
        self._ends.set()

    def explore(self) -> None:
        """Explore the whole scenario; `known` says what was found."""
        walk = self._walk
        try:
            result = explore(
                walk.scenario,
                engine=self._engine,
                delivery=walk.delivery,
                noops=walk.noops,
                time=walk.time,
                limits=self._limits,
                tick=self._tell,
            )
        except GivenUpError:
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the scenario's own
            text = " ".join(str(error).split())
            self.known = Known(state="error", text=f"It cannot be explored: {text}")
            return
        self.known = _known(result)

    def _tell(self, progress: Progress) -> None:
        if self._ends.is_set():
            raise GivenUpError("the page is no longer served")
        what = "states" if progress.engine == "states" else "schedules"
        text = f"Exploring the whole scenario: {progress.found:,} {what}, no fault yet."
        self.known = Known(state="exploring", text=text)

    # -- from a place ---------------------------------------------------------------

    def move_on(self) -> None:
        """Give up the searches in progress: nobody waits for their results."""
        self._turn += 1

    def after(self, way: Sequence[str]) -> Outlook:
        """Return whether a fault can follow a way.

        Raises:
            BrowseError: A step of the way is not possible.
            GivenUpError: `move_on` or `end` was called meanwhile.
        """
        # Read first: `move_on` may come at any time from now on.
        turn = self._turn
        key = tuple(way)
        found = self._found.get(key)
        if found is None:
            found = self._after(key, turn)
            if len(self._found) >= _KEPT_MAX:
                self._found.clear()
            self._found[key] = found
        if found.finding == "not known":
            # By now the whole scenario may be known.
            return self._by_the_whole(key) or found
        return found

    def _after(self, way: tuple[str, ...], turn: int) -> Outlook:
        seen = self._walk.look(way)
        if seen.violation:
            if seen.taken < len(way):
                raise BrowseError(f"a fault comes before step {seen.taken + 1}")
            text = f"The fault is here: {seen.violation}"
            return Outlook(finding="fails", why=text, violation=seen.violation)
        if not seen.names:
            return Outlook(
                finding="cannot fail",
                why="Nothing is left to do, and nothing is wrong.",
            )
        found = self._by_the_whole(way)
        return found or self._searched(way, turn)

    def _by_the_whole(self, way: tuple[str, ...]) -> Outlook | None:
        """Return what the exploration of the whole scenario says, None for nothing."""
        known = self.known
        if known.state in _NOTHING_FOUND:
            return Outlook(finding="cannot fail", why=known.text)
        if known.state != "refuted":
            return None
        names = self._following(way, known.names)
        if names is None:
            return None
        violation = self._walk.look([*way, *names]).violation
        return _fails(names, violation, "The known counterexample can be met from here")

    def _following(
        self, way: tuple[str, ...], known: Sequence[str]
    ) -> tuple[str, ...] | None:
        """Return the steps of a counterexample that are left, if they lead to a fault.

        Steps that are no longer possible are left out.
        """
        left = list(known)
        for name in way:
            with suppress(ValueError):
                left.remove(name)
        kept: list[str] = []
        for name in left:
            try:
                seen = self._walk.look([*way, *kept, name])
            except BrowseError:
                continue
            kept.append(name)
            if seen.violation:
                return tuple(kept)
        return None

    def _searched(self, way: tuple[str, ...], turn: int) -> Outlook:
        """Search from the end of a way, within bounds, until `move_on` ends a turn."""

        def tick(_: Progress) -> None:
            if self._turn != turn or self._ends.is_set():
                raise GivenUpError("another place was asked for")

        walk = self._walk
        try:
            result = explore(
                walk.scenario_after(way),
                engine="states",
                delivery=walk.delivery,
                noops=walk.noops,
                time=walk.time,
                limits=self._bounds,
                recheck=0,
                tick=tick,
            )
        except GivenUpError:
            raise
        except CcwActorsError as error:
            why = f"No search can begin here: {error}."
            return Outlook(finding="not known", why=why)
        return self._judged(way, result)

    def _judged(self, way: tuple[str, ...], result: Result) -> Outlook:
        states = f"{result.states or 0:,} states"
        if result.verdict in _NOTHING_FOUND:
            why = f"All continuations are covered, {states}: none has a fault."
            return Outlook(finding="cannot fail", why=why)
        if result.verdict == "incomplete":
            why = (
                f"A search of {states} from here has found no fault, and was not over."
            )
            return Outlook(finding="not known", why=why)
        # "Fails" is said only of what also happens from the real beginning.
        try:
            violation = self._walk.fault_after([*way, *result.names])
        except ReplayError as error:
            violation = ""
            lost = f" ({error})"
        else:
            lost = ""
        if not violation:
            why = f"A search has found a fault that cannot be met again{lost}."
            return Outlook(finding="not known", why=why)
        return _fails(
            result.names, violation, f"A search of {states} has found a fault"
        )


def _fails(names: tuple[str, ...], violation: str, how: str) -> Outlook:
    count = len(names)
    steps = "at once" if not count else f"after {count} step{'s' * (count > 1)} more"
    return Outlook(
        finding="fails",
        why=f"{how}, {steps}: {violation}",
        names=names,
        violation=violation,
    )


def _known(result: Result) -> Known:
    """Return what a result says, in a sentence."""
    counted = f"{result.states:,} states" if result.states else "all schedules"
    match result.verdict:
        case "verified" | "vacuous":
            text = (
                f"The whole scenario is explored, {counted}: no schedule has a fault."
            )
            return Known(state=result.verdict, text=text)
        case "incomplete":
            text = f"The exploration has reached a limit, {counted}, without a fault."
            return Known(state="incomplete", text=text)
        case "refuted":
            count = len(result.names)
            text = f"A fault is known, {count} steps from the beginning: "
            return Known(
                state="refuted", text=text + result.violation, names=result.names
            )
