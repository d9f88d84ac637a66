"""Steps that change one actor: taken once, and from then on looked up."""

from ccw_actors.explore._checks import Checks
from ccw_actors.explore._effects import Effect, Place
from ccw_actors.explore._global_state import Local, Offer, State
from ccw_actors.explore._step_runner import StepRunner
from ccw_actors.explore._worlds import Worlds

__all__ = ["FAR", "NearSteps"]

FAR = Effect(0, is_far=True)
"""All that is known about a step that may change anything."""


class NearSteps:
    """The effects of single steps, by the actor and the world that it is in.

    The first `recheck` steps are taken twice, and one in `recheck` of all others, to
    check that a handler does the same again (0 for none). The same applies to steps of
    an actor that is equal to a known one and has come about in another way.
    """

    def __init__(
        self, runner: StepRunner, worlds: Worlds, checks: Checks, recheck: int
    ) -> None:
        self._runner = runner
        self._worlds = worlds
        self._compact = worlds.compact
        self._checks = checks
        self._recheck = self._countdown = self._new_to_check = recheck
        self._steps_of: dict[int, list[tuple[int, Offer]]] = {}
        self._variants_met = 0

    def effect(self, state: State, offer: Offer) -> Effect:
        """Return the effect of a step; for one that may change anything, only that."""
        world, item = state[0], state[offer.owner]
        memo, local = self._worlds.memos[world], self._compact.get_local(item)
        is_far = local.busy or self._worlds.waits[world]
        # Timers and messages have numbers of their own, both from 1 on.
        key = (item, -offer.timer or offer.envelope)
        effect = memo.get(key)
        if effect is None:
            effect = memo[key] = FAR if is_far else self._first_effect(state, offer)
            # A handler that depends on something hidden mostly shows it early.
            if self._new_to_check:
                self._new_to_check -= 1
                self._countdown = 1
            if item in self._compact.varied and not is_far:
                self._note_varied(item, world, offer)
        if self._recheck:
            self._countdown -= 1
            if not self._countdown:
                self._countdown = self._recheck
                self._check_again(effect, state, offer, is_far=is_far)
        return effect

    def _check_again(
        self, effect: Effect, state: State, offer: Offer, *, is_far: bool
    ) -> None:
        """Take a step once more, unless it may change anything."""
        if not is_far:
            self._runner.check_again(effect, self._place(state, offer), None)

    def _first_effect(self, state: State, offer: Offer) -> Effect:
        """Take a step for the first time."""
        effect = self._runner.near(state[0], self._place(state, offer))
        self._checks.look_at_fresh()
        return effect

    def _note_varied(self, item: int, world: int, offer: Offer) -> None:
        """Note a step of an actor that may come about in several ways; check them."""
        self._steps_of.setdefault(item, []).append((world, offer))
        for variant in self._compact.variants.get(item, ()):
            self._check_variant(item, variant, world, offer)

    def check_variants(self) -> None:
        """Check that a variant of a known actor does the same."""
        fresh = self._compact.fresh_variants
        while fresh:
            item, variant = fresh.pop()
            for world, offer in self._steps_of.get(item, ()):
                self._check_variant(item, variant, world, offer)

    def _check_variant(
        self, item: int, variant: Local, world: int, offer: Offer
    ) -> None:
        """Take a step from a variant, as often as other steps are taken again."""
        if not self._recheck:
            return
        self._variants_met += 1
        met, often = self._variants_met, self._recheck
        if met > often and met % often:
            return
        effect = self._worlds.memos[world][item, -offer.timer or offer.envelope]
        place = self._place(self._worlds.samples[world], offer)
        local = self._compact.get_local(item)
        self._runner.check_again(effect, place._replace(local=local), variant)

    def _place(self, state: State, offer: Offer) -> Place:
        """Return the actor that takes a step, and its message or timer."""
        return Place(
            self._compact.get_local(state[offer.owner]),
            offer.envelope,
            offer.timer,
            lambda: self._others(state, offer),
            self._worlds.past[state[0]],
        )

    def _others(self, state: State, offer: Offer) -> list[Local]:
        """Return all actors except the one that takes a step."""
        compact = self._compact
        return [
            compact.get_local(state[slot])
            for slot in compact.path_of
            if slot != offer.owner and slot < len(state) and state[slot]
        ]
