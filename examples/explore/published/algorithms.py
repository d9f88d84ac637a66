"""Algorithms whose numbers of states have been published."""

from examples.explore.published import (
    abd,
    allocator,
    allocator_network,
    alternating_bit,
    ballots,
    commit,
    echo,
    election,
    increment,
    mutex,
    network,
    paxos,
    peterson,
    philosophers,
    ping_pong,
    prisoners,
    readers_writers,
    single_copy,
    termination,
    two_phase,
)
from examples.explore.published.registry import (
    PLAIN,
    Algorithm,
    Count,
    Explored,
    How,
)

__all__ = ["ALGORITHMS"]

_GITHUB = "https://github.com"
_STATERIGHT = (
    f"{_GITHUB}/stateright/stateright/blob/ab8c8be9341505e0f71edbe5dd88ed275bd976a4"
)
_TLA = f"{_GITHUB}/tlaplus/Examples/blob/32a32c7b0b97562da2dd4b2e55b7f81cd6fea2b9"


def _stateright(
    of: str, states: int, where: str, system: Explored, *, how: How = PLAIN
) -> Count:
    """Return a count that a test of Stateright asserts, or its text has."""
    return Count(of, states, "Stateright", f"{_STATERIGHT}/{where}", system, how)


def _tla(
    of: str,
    states: int,
    where: str,
    system: Explored,
    *,
    how: How = PLAIN,
    generated: int | None = None,
    slow: bool = False,
) -> Count:
    """Return a count that the manifest of a TLA+ example records of TLC."""
    address = f"{_TLA}/specifications/{where}"
    return Count(of, states, "TLA+ examples", address, system, how, generated, slow)


ALGORITHMS = (
    Algorithm(
        "Single-copy register",
        single_copy,
        (
            _stateright(
                "2 clients, 1 server",
                93,
                "examples/single-copy-register.rs",
                single_copy.single_copy,
                how=single_copy.HOW,
            ),
        ),
        single_copy.two_copies,
        "there is a second server, and no replication",
        "linearizable",
    ),
    Algorithm(
        "ABD register",
        abd,
        (
            _stateright(
                "2 clients, 2 servers",
                544,
                "examples/linearizable-register.rs",
                abd.abd,
                how=abd.HOW,
            ),
        ),
        abd.alone,
        "a server asks and tells only itself",
        "linearizable",
    ),
    Algorithm(
        "Single-decree Paxos",
        paxos,
        (
            _stateright(
                "2 clients, 3 servers",
                16_668,
                "examples/paxos.rs",
                paxos.paxos,
                how=paxos.HOW,
            ),
        ),
        paxos.hasty,
        "a leader proposes its own value, even if another was accepted before",
        "linearizable",
    ),
    Algorithm(
        "Echo",
        echo,
        (
            _tla(
                "3 nodes that all know each other",
                75,
                "echo/manifest.json",
                echo.echo,
                how=echo.HOW,
            ),
        ),
        echo.hasty,
        "a node answers before it has heard from all its neighbours",
        "a parent that is done knows its children",
    ),
    Algorithm(
        "Resource allocator, messages",
        allocator_network,
        (
            _tla(
                "3 clients, 2 resources",
                17_701,
                "allocator/manifest.json",
                allocator_network.allocator_network,
                how=allocator_network.HOW,
            ),
        ),
        allocator_network.careless,
        "the allocator ignores what is taken",
        "nothing is held by two",
    ),
    Algorithm(
        "Ping-pong",
        ping_pong,
        (
            _stateright(
                "up to 5, actors, nothing lost or doubled",
                11,
                "src/actor/model.rs",
                ping_pong.ping_pong,
                how=ping_pong.HOW,
            ),
            _stateright(
                "up to 1, messages are lost and doubled",
                14,
                "src/actor/model.rs",
                ping_pong.rallies(1),
            ),
            _stateright(
                "up to 5, messages are lost and doubled",
                4_094,
                "src/actor/model.rs",
                ping_pong.bad_network,
            ),
            _stateright(
                "up to 5, messages are doubled",
                11,
                "src/actor/model.rs",
                ping_pong.rallies(losing=False),
            ),
        ),
        ping_pong.careless,
        "a player hits whatever ball comes",
        "one is at most one ahead",
        PLAIN,
    ),
    Algorithm(
        "Counting down",
        network,
        (
            _stateright(
                "2 messages, ordered network",
                3,
                "src/actor/model.rs",
                network.count_down,
                how=network.ORDERED,
            ),
            _stateright(
                "2 messages, unordered network",
                5,
                "src/actor/model.rs",
                network.count_anyhow,
                how=network.UNORDERED,
            ),
        ),
        network.count_down,
        "the network is unordered",
        "listener: it counts down",
        network.UNORDERED,
    ),
    Algorithm(
        "A message that changes nothing",
        network,
        (
            _stateright(
                "2 messages, ordered network",
                3,
                "src/actor/model.rs",
                network.ignoring,
                how=network.ORDERED,
            ),
            _stateright(
                "2 messages, unordered network",
                2,
                "src/actor/model.rs",
                network.ignoring,
                how=network.UNORDERED,
            ),
        ),
        network.disturbed,
        "the listener does not ignore it",
        "listener: what is ignored changes nothing",
    ),
    Algorithm(
        "Two-phase commit",
        two_phase,
        (
            _tla(
                "3 resource managers",
                288,
                "transaction_commit/manifest.json",
                two_phase.two_phase,
                generated=1_146,
            ),
            _stateright(
                "3 resource managers",
                288,
                "examples/2pc.rs",
                two_phase.two_phase,
            ),
            _stateright(
                "5 resource managers",
                8_832,
                "examples/2pc.rs",
                two_phase.two_phase_of_five,
            ),
        ),
        two_phase.hasty,
        "the transaction manager does not wait for the last answer",
        "all decide the same",
    ),
    Algorithm(
        "Transaction commit",
        commit,
        (
            _tla(
                "3 resource managers",
                34,
                "transaction_commit/manifest.json",
                commit.commit,
                generated=94,
            ),
        ),
        commit.alone,
        "a manager commits without checking the others",
        "all decide the same",
    ),
    Algorithm(
        "Paxos, acceptors and ballots",
        ballots,
        (
            _tla(
                "3 acceptors, 2 values, 2 ballots",
                3_921,
                "PaxosHowToWinATuringAward/manifest.json",
                ballots.ballots,
            ),
        ),
        ballots.heedless,
        "a leader ignores earlier votes",
        "one value is chosen at most",
    ),
    Algorithm(
        "Chang and Roberts' election",
        election,
        (
            _tla(
                "3 nodes, any of which may begin",
                137,
                "chang_roberts/manifest.json",
                election.election,
                generated=227,
            ),
        ),
        election.passing_on,
        "a candidate passes larger identities on",
        "who has won is the smallest, and all others know",
    ),
    Algorithm(
        "Dijkstra's termination detection (EWD 840)",
        termination,
        (
            _tla(
                "3 nodes",
                302,
                "ewd840/manifest.json",
                termination.termination,
            ),
        ),
        termination.dishonest,
        "a node stays white when it gives work backwards",
        "nobody works when the end is detected",
    ),
    Algorithm(
        "Alternating bit",
        alternating_bit,
        (
            _tla(
                "2 values, 2 messages in a queue",
                240,
                "SpecifyingSystems/manifest.json",
                alternating_bit.alternating_bit,
            ),
        ),
        alternating_bit.careless,
        "the sender ignores the bit of an acknowledgement",
        "what is acknowledged was received",
    ),
    Algorithm(
        "Lamport's mutual exclusion",
        mutex,
        (
            _tla(
                "3 processes, clocks up to 6",
                724_274,
                "lamport_mutex/manifest.json",
                mutex.mutex_as_published,
                slow=True,
            ),
        ),
        mutex.impatient,
        "a process does not wait for acknowledgements",
        "one is in the critical section at most",
    ),
    Algorithm(
        "Peterson's mutual exclusion",
        peterson,
        (
            _tla(
                "2 processes",
                42,
                "locks_auxiliary_vars/manifest.json",
                peterson.peterson,
                generated=77,
            ),
        ),
        peterson.impolite,
        "a process does not give way",
        "one is in the critical section at most",
    ),
    Algorithm(
        "Dining philosophers (Chandy and Misra)",
        philosophers,
        (
            _tla(
                "5 philosophers",
                67,
                "DiningPhilosophers/manifest.json",
                philosophers.philosophers,
                generated=336,
            ),
        ),
        philosophers.careless,
        "they eat with dirty forks",
        "neighbours do not eat at once",
    ),
    Algorithm(
        "Readers and writers",
        readers_writers,
        (
            _tla(
                "3 actors",
                21_527,
                "ReadersWriters/manifest.json",
                readers_writers.readers_writers,
                generated=59_674,
            ),
        ),
        readers_writers.careless,
        "a writer does not wait until readers have left",
        "nobody reads while one writes",
    ),
    Algorithm(
        "Resource allocator, actions",
        allocator,
        (
            _tla(
                "3 clients, 2 resources",
                400,
                "allocator/manifest.json",
                allocator.allocator,
                generated=1_633,
            ),
        ),
        allocator.careless,
        "the allocator ignores what is taken",
        "nothing is given to two",
    ),
    Algorithm(
        "Prisoners and two switches",
        prisoners,
        (
            _tla(
                "4 prisoners",
                214,
                "Prisoners/manifest.json",
                prisoners.prisoners,
                generated=860,
            ),
        ),
        prisoners.rash,
        "the counting prisoner stops at half the number",
        "when it is said, all have been there",
    ),
    Algorithm(
        "Increments",
        increment,
        (
            _stateright(
                "2 threads",
                13,
                "examples/increment.rs",
                increment.increment_anyhow,
            ),
            _stateright(
                "2 threads that are alike",
                8,
                "examples/increment.rs",
                increment.increment_alike,
            ),
        ),
        increment.increment,
        "there is no lock, but no increment may be lost",
        "nothing is lost",
    ),
)
