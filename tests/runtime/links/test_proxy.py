"""A connection that is slow, that ends anywhere, and whose bytes change."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccw_actors.errors import LinkError, LinkLostError
from ccw_actors.runtime import System
from ccw_actors.runtime.links import LinkOptions
from tests.runtime.cast import Collect, Diary, Note
from tests.runtime.links.pairs import Add, Adder, Meet, Sum, Watcher
from tests.runtime.links.proxy import Harm, proxy
from tests.transport.links.certificates import Authority

MESSAGES = 60
LONG = "x" * 300


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinkOptions]:
    """Return the options of both ends, with TLS; nothing is logged meanwhile."""
    authority = Authority(Path(tmp_path_factory.mktemp("certificates")))
    logging.disable(logging.CRITICAL)
    yield LinkOptions(tls=authority.tls(), timeout=1.0, heartbeat=0.2)
    logging.disable(logging.NOTSET)


async def use(one: System, address: str, options: LinkOptions) -> tuple[int, Watcher]:
    """Tell and ask through the proxy; return how many answers came, in order."""
    link = await one.connect(address, options)
    diary, adder = await link.ref("diary"), await link.ref("adder")
    watcher = Watcher()
    home = one.spawn(watcher, "watcher")
    home.tell(Meet(diary))
    answers = 0
    try:
        for number in range(MESSAGES):
            diary.tell(Note(f"{number} {LONG}"))
            assert await adder.ask(Add(1), timeout=10.0) == Sum(number + 1)
            answers += 1
        await link.close()
    except LinkLostError:
        pass
    async with asyncio.timeout(10):
        await link.ended()
    home.stop()
    await home.stopped()
    return answers, watcher


async def through(there: Harm, back: Harm, options: LinkOptions) -> None:
    """Use a link through a proxy; assert what a lost link promises."""
    async with System(name="one") as one, System(name="two") as two:
        diary = Diary()
        two.spawn(diary, "diary")
        two.spawn(Adder(), "adder")
        listener = await two.listen("tcp:0", options)
        port = int(listener.address.rpartition(":")[2])
        async with proxy(port, there, back) as at:
            try:
                answers, watcher = await use(one, f"tcp:{at}", options)
            except (LinkError, LinkLostError):  # before the first reference
                answers, watcher = 0, Watcher()
            for link in two.links:
                async with asyncio.timeout(10):
                    await link.ended()
        await two.ref("diary").ask(Collect())
        handled = [int(text.split()[0]) for text in diary.state.texts]
        assert handled == list(range(len(handled)))
        assert len(handled) >= answers
        assert len(watcher.ends) == len(watcher.refs)
        assert (one.links, two.links) == ((), ())
        assert one.statistics().pending_asks == two.statistics().pending_asks == 0


HARMS = st.builds(
    Harm,
    piece=st.sampled_from([500, 1 << 16]),
    cut=st.sampled_from([-1]) | st.integers(0, 40_000),
)
TAMPERED = st.builds(Harm, corrupt=st.integers(0, 30_000))


@settings(max_examples=12)
@given(there=HARMS, back=HARMS)
def test_slow_and_cut(there: Harm, back: Harm) -> None:
    """Wherever the connection ends, both ends keep what is promised."""
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(through(there, back, LinkOptions(timeout=1.0, heartbeat=0.2)))
    finally:
        logging.disable(logging.NOTSET)


@settings(max_examples=12)
@given(there=HARMS | TAMPERED, back=HARMS | TAMPERED)
def test_tampered_with(there: Harm, back: Harm, certificates: LinkOptions) -> None:
    """With TLS the same holds if somebody changes any byte."""
    asyncio.run(through(there, back, certificates))


@pytest.mark.slow
@settings(max_examples=150)
@given(there=HARMS | TAMPERED, back=HARMS | TAMPERED)
def test_tampered_with_often(
    there: Harm, back: Harm, certificates: LinkOptions
) -> None:
    """The same at many more places."""
    asyncio.run(through(there, back, certificates))
