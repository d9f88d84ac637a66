"""A plain transition system: jugs of 3 and 5 litres, and how to measure 4.

python examples/explore/plain_system.py
"""

from collections.abc import Iterator

from ccw_actors.explore import TransitionSystem, explore

SMALL, LARGE = 3, 5
Jugs = tuple[int, int]


def actions(_jugs: Jugs) -> Iterator[str]:
    """Yield the possible actions."""
    yield from (
        "fill the small one",
        "fill the large one",
        "empty the small one",
        "empty the large one",
        "pour the small one into the large one",
        "pour the large one into the small one",
    )


def after(jugs: Jugs, action: str) -> Jugs | None:
    """Return the jugs afterwards; None if that changes nothing."""
    small, large = jugs
    match action:
        case "fill the small one":
            then = SMALL, large
        case "fill the large one":
            then = small, LARGE
        case "empty the small one":
            then = 0, large
        case "empty the large one":
            then = small, 0
        case "pour the small one into the large one":
            poured = min(small, LARGE - large)
            then = small - poured, large + poured
        case _:
            poured = min(large, SMALL - small)
            then = small + poured, large - poured
    return then if then != jugs else None


jugs = TransitionSystem[Jugs, str](
    [(0, 0)],
    actions,
    after,
    invariants={"never 4 litres": lambda jugs: jugs[1] != 4},
    summary="Jugs of 3 and 5 litres, in which there are never 4.",
)


def main() -> None:
    """Refute that there are never 4 litres: the counterexample is the solution."""
    result = explore(jugs)
    print(result)
    assert len(result.counterexample) == 6


if __name__ == "__main__":
    main()
