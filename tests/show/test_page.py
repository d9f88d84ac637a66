"""Pages as files: what is in them, what is not, and how large they are."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import msgspec

import ccw_actors.show
from ccw_actors.show import Picture, page_of
from tests.show.pages import (
    HOSTILE,
    everything,
    hostile_trace,
    long_picture,
    picture_of,
    race,
    trace_of,
)

WEB = Path(ccw_actors.show.__file__).parent / "web"
EVENTS = 100_000
SIZE_MAX = 15_000_000


def data_of(page: str) -> tuple[dict[str, Any], list[str]]:
    """Return the picture that a page holds, and its values as lines."""
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found is not None
    packed = {
        name: zlib.decompress(base64.b64decode(text)).decode()
        for name, text in msgspec.json.decode(found[1]).items()
    }
    return json.loads(packed["picture"]), packed["bodies"].split("\n")


def test_a_page_refers_to_nothing_outside() -> None:
    """It has no address but those of XML's names, and a policy that allows none."""
    page = page_of(race())
    without_data = re.sub(r'id="data">.*?</script>', "", page)
    addresses = set(re.findall(r"\w+://[^\s\"'`]+", without_data))
    assert addresses == {"http://www.w3.org/2000/svg"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r"\son\w+=", page.partition("<script")[0])


def test_a_page_is_the_same_each_time() -> None:
    """So it can be compared, and kept in a repository."""
    assert page_of(race()) == page_of(race())


def test_hostile_text_is_no_markup() -> None:
    """The file has none of it outside the deflated data, but escaped in its title."""
    page = page_of(picture_of(hostile_trace(), HOSTILE))
    assert "<img" not in page
    assert "<b onclick" not in page
    assert page.count("</script>") == 2
    picture, _ = data_of(page)
    assert picture["title"] == HOSTILE


def test_half_a_character_is_no_fault() -> None:
    """A file name that is not UTF-8 has some; the page escapes them as all others."""
    page = page_of(picture_of(hostile_trace(), "a\udcff.trace"))
    assert r"<title>a\udcff.trace" in page
    picture, _ = data_of(page)
    assert picture["title"] == "a\udcff.trace"


def descriptions(picture: Picture) -> dict[str, dict[str, Any]]:
    """Return the descriptions of the fields of each type, by name."""
    return {
        type_.name: {one.name: one for one in type_.fields} for type_ in picture.types
    }


def test_fields_are_described_by_their_types() -> None:
    """Bits have the names that `channel` gives them, and words their widths."""
    found = descriptions(picture_of(trace_of(everything())))
    assert [bit.name for bit in found["Scsw"]["fctl"].bits] == [
        "start",
        "halt",
        "clear",
    ]
    assert found["Scsw"]["fctl"].digits == 2
    assert found["Orb"]["cpa"].digits == 8
    prefetch = next(bit for bit in found["Orb"]["flags"].bits if bit.mask == 0x40)
    assert prefetch.name == "P: unlimited prefetch is allowed"
    assert [bit.name for bit in found["Pmcw"]["flags"].bits if bit.counted] == [
        "ISC",
        "LM",
        "MM",
    ]
    assert found["Everything"]["errno"].words["16"] == "EBUSY"
    assert found["Everything"]["sense"].is_sense
    assert found["Irb"]["ecw"].is_sense


def test_a_channel_program_is_decoded_in_the_order_of_its_ccws() -> None:
    """From the ORB's address on, by way of a transfer in channel."""
    page = page_of(picture_of(trace_of(everything())))
    picture, bodies = data_of(page)
    names = [one["name"] for one in picture["types"][0]["fields"]]
    assert names[-1] == "channel program"
    value = msgspec.json.decode(bodies[0])
    chain = [one["l"] for one in value[-1]["l"]]
    assert [address for address, _ in chain] == [
        "0x00002000",
        "0x00002008",
        "0x00003000",
    ]
    assert [ccw[1] for _, ccw in chain] == [0x03, 0x08, 0x02]


def test_long_values_are_cut_and_say_so() -> None:
    """Bytes beyond 512 are left out, and the number of all is there."""
    message = msgspec.structs.replace(everything(), sense=bytes(100_000))
    _, bodies = data_of(page_of(picture_of(trace_of(message))))
    assert '"n":100000' in bodies[0]
    assert len(bodies[0]) < 4_000


def test_a_page_of_many_events_is_small() -> None:
    """A page of 100,000 events, each with a body of its own, is under 15 MB."""
    assert len(page_of(long_picture(EVENTS))) < SIZE_MAX


def test_every_module_of_the_page_is_in_it() -> None:
    """Modules are joined, each after those that it imports, under distinct names."""
    script = page_of(race()).rpartition('<script type="module">')[2]
    places: dict[str, int] = {}
    wanted: dict[str, list[str]] = {}
    for module in WEB.glob("*.js"):
        text = module.read_text()
        places[module.name] = script.index(text.partition("*/")[0])
        wanted[module.name] = re.findall(r'from "\./(.*?)";', text)
    for name, imported in wanted.items():
        assert all(places[one] < places[name] for one in imported)
    found = re.findall(
        r"^(?:async )?(?:function|const|class) (\w+)", script, re.MULTILINE
    )
    assert len(found) == len(set(found))
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
