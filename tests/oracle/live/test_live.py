"""Generated channel programs: Hercules and this package's disks do the same.

`python -m tests.oracle.live 'CHAIN'` shows both for one chain of a failure.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.oracle.live.chains import Chain, shown
from tests.oracle.live.comparison import Bench, create_bench
from tests.oracle.live.eckd_chains import eckd_chains, is_comparable
from tests.oracle.live.fba_chains import fba_chains
from tests.oracle.live.machine import needs_live_hercules
from tests.oracle.live.smaller import smallest

pytestmark = [pytest.mark.oracle, needs_live_hercules]

KINDS = {"tracks": eckd_chains().filter(is_comparable), "blocks": fba_chains()}
SHOWN = 5
TEXTS_SHOWN = 8


@pytest.fixture
def hypothesis_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of --hypothesis-seed, or 0."""
    given_seed = request.config.getoption("--hypothesis-seed", default=None)
    return int(given_seed or 0)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Make the images and the program of Hercules."""
    return create_bench(tmp_path_factory.mktemp("live"))


def generated(strategy: st.SearchStrategy[Chain], number: int, at: int) -> list[Chain]:
    """Draw chains with a seed; Hercules gets them in batches."""
    found: list[Chain] = []

    @seed(at)
    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ],
    )
    @given(strategy)
    def collect(chain: Chain) -> None:
        found.append(chain)

    collect()
    return found


def check(bench: Bench, kind: str, number: int, at: int) -> None:
    """Compare chains; a failure shows the smallest that differ, and the seed."""
    results = bench.compare(generated(KINDS[kind], number, at))
    differ = [one for one in results if one.differences and not one.is_explained]
    lines = [f"{len(differ)} of {len(results)} chains differ; seed {at}:"]
    for one in smallest(bench, differ[:SHOWN]):
        lines += [f"python -m tests.oracle.live '{shown(one.chain)}'"]
        lines += [f"    {part}" for part in one.texts()[:TEXTS_SHOWN]]
    assert not differ, "\n".join(lines)
    assert len(results) >= number // 2


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours(bench: Bench, kind: str, hypothesis_seed: int) -> None:
    """A modest number of chains."""
    check(bench, kind, 150, hypothesis_seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, 13))
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand(bench: Bench, kind: str, part: int, hypothesis_seed: int) -> None:
    """More than ten thousand."""
    number = {"tracks": 700, "blocks": 150}[kind]
    check(bench, kind, number, 1000 * part + hypothesis_seed)
