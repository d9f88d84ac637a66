"""Two-phase commit: one manager hears of all that are prepared, and decides.

Source: Gray and Lamport, "Consensus on Transaction Commit" (2004), section 3. The
repository tlaplus/Examples records 288 states and 1,146 steps taken by TLC for three
resource managers (specifications/transaction_commit/manifest.json, TwoPhase.cfg), and
Stateright 0.31.0 asserts 288, and 8,832 for five (examples/2pc.rs). The system is that
of `examples.explore.two_phase`. A manager that does not wait for the last one
breaks it.

python examples/explore/published/two_phase.py
"""

from ccw_actors.explore import explore
from ccw_actors.scenarios import two_phase as system

two_phase = system(3)
two_phase_of_five = system(5)
hasty = system(3, wrong=True)


def main() -> None:
    """Count the states, and see a hasty manager."""
    for count, one in ((3, two_phase), (5, two_phase_of_five)):
        result = explore(one)
        print(count, "managers:", result.states, "states,", result.verdict)
    print("A hasty one:", explore(hasty))


if __name__ == "__main__":
    main()
