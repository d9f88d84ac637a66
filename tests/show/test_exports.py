"""Pictures in other formats: Mermaid, SVG, Perfetto's JSON, ShiViz."""

import json
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from ccw_actors.show import (
    FORMATS,
    Picture,
    TooLongError,
    mermaid_of,
    perfetto_of,
    picture_of_cell,
    shiviz_of,
    svg_of,
)
from ccw_actors.verdicts import CellName
from tests.show.pages import (
    HOSTILE,
    handled_trace,
    hostile_trace,
    long_picture,
    picture_of,
    race,
    two_clients_trace,
)

TEXT = r"(?:[\w _./,=()-]|#\d+;)*"
WHO = r"(?:outside|a\d+)"
GRAMMAR = re.compile(
    rf" +(?:participant {WHO} as {TEXT}|Note over {WHO}(?:,{WHO})?: {TEXT}"
    rf"|{WHO}(?:->>|--\)|-x){WHO}: {TEXT}|rect rgba\([\d., ]+\)|end)"
)
SHIVIZ = re.compile(r"(?P<host>\S*) (?P<clock>{.*})\n(?P<event>.*)")
"""The expression that docs/explore/show.md gives; Python spells groups with a P."""
SVG = "{http://www.w3.org/2000/svg}"
HARMLESS = {
    "svg",
    "title",
    "desc",
    "style",
    "defs",
    "marker",
    "path",
    "rect",
    "line",
    "circle",
    "text",
    "g",
}


def hostile() -> Picture:
    """Return a picture whose every text is hostile."""
    return picture_of(hostile_trace(), HOSTILE)


def parsed(picture: Picture) -> ET.Element:
    """Return the drawing of a picture, which has to be well-formed XML."""
    return ET.fromstring(svg_of(picture))  # noqa: S314 - our own text


def decoded(text: str) -> str:
    """Return what Mermaid shows for a text with entity codes."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def test_mermaid_of_a_race() -> None:
    """The race is shaded, and the point of no return stands before the fifth step."""
    lines = [decoded(line.strip()) for line in mermaid_of(race()).splitlines()]
    assert lines == [
        "sequenceDiagram",
        "participant outside as outside",
        "participant a0 as counter",
        "participant a1 as alice",
        "participant a2 as bob",
        "Note over outside,a2: refuted: nothing is lost",
        "outside->>a1: 1 Add",
        "outside->>a2: 2 Add",
        "a1->>a0: 3 Read",
        "rect rgba(255, 99, 71, 0.25)",
        "a2->>a0: 4 Read",
        "Note over a0: race: here before 7",
        "end",
        (
            "Note over outside,a2: point of no return; the way out was counter > alice:"
            " Count(count=0)"
        ),
        "a0->>a1: 5 Count",
        "a0->>a2: 6 Count",
        "rect rgba(255, 99, 71, 0.25)",
        "a1->>a0: 7 Count count 1",
        "Note over a0: race: here after 4",
        "end",
        "a2->>a0: 8 Count count 1",
    ]


def test_mermaid_of_a_cell_has_the_steps_needed() -> None:
    """The last steps before the fault are there; the note counts all others."""
    picture = picture_of_cell(CellName.parse("verdicts/v5.12/qemu/halt")[0])
    (schedule, *_) = picture.schedules
    shown = re.findall(r": (\d+) ", mermaid_of(picture))
    needed = [schedule.events[number].number for number in schedule.needed]
    assert [int(one) for one in shown] == needed[-40:]
    hidden = len(schedule.events) - len(shown)
    assert hidden == 0 or f"{hidden} steps are hidden" in decoded(mermaid_of(picture))


def test_mermaid_of_a_long_trace_is_short() -> None:
    """At most 40 messages, the first of a trace, and a note of how many are hidden."""
    text = mermaid_of(long_picture(100))
    assert len(re.findall("->>", text)) == 40
    assert "60 steps are hidden" in decoded(text)
    assert len(text) < 50_000


def test_mermaid_of_hostile_text_is_a_diagram() -> None:
    """Each line is one statement, and every text is only text."""
    first, *lines = mermaid_of(hostile()).splitlines()
    assert first == "sequenceDiagram"
    for line in lines:
        assert GRAMMAR.fullmatch(line), line
    assert "</script>" in decoded("\n".join(lines))


def test_mermaid_of_its_own_syntax() -> None:
    """Ends of statements, comments, entities and keywords are only text."""
    syntax = "end; %% #59; a0->>a0: <br>\nrect"
    picture = race()
    (first, *rest) = picture.schedules[0].events
    events = (replace(first, type=syntax), *rest)
    schedule = replace(picture.schedules[0], events=events)
    text = mermaid_of(replace(picture, schedules=(schedule,)))
    assert len(text.splitlines()) == len(mermaid_of(picture).splitlines())
    for line in text.splitlines()[1:]:
        assert GRAMMAR.fullmatch(line), line
    assert r"1 end; %% #59; a0->>a0: <br>\nrect" in decoded(text)


@pytest.mark.parametrize("make", [race, hostile])
def test_svg_is_static(make: Any) -> None:
    """A drawing has no script, no link and no picture from elsewhere."""
    root = parsed(make())
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= HARMLESS
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            assert "href" not in name
            assert "url(" not in value or value == "url(#head)"
    style = root.find(f"{SVG}style")
    assert style is not None
    assert "url(" not in (style.text or "")
    assert "@" not in (style.text or "")


def test_svg_is_described_and_light() -> None:
    """It has a title and a description, and a light background below all else."""
    root = parsed(race())
    title, desc = root[0], root[1]
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [title.get("id"), desc.get("id")]
    assert title.text == "two clients"
    assert "4 Read, from bob to counter" in (desc.text or "")
    drawn = [one for one in root if one.tag in (f"{SVG}rect", f"{SVG}text")]
    assert drawn[0].attrib == {
        "width": root.get("width"),
        "height": root.get("height"),
        "fill": "#fff",
    }


def test_svg_shows_the_race_and_the_point_of_no_return() -> None:
    """Both events of the race are shaded; a line parts the fourth and fifth event."""
    root = parsed(race())
    bands = [one for one in root if one.get("class") == "race"]
    assert len(bands) == 2
    texts = {one.text: float(one.attrib["y"]) for one in root.iter(f"{SVG}text")}
    assert {"race: here before 7", "race: here after 4"} <= texts.keys()
    (line,) = (one for one in root if one.get("class") == "no-return")
    assert texts["4 Read"] < float(line.attrib["y1"]) < texts["5 Count"]


def test_svg_stays_within_its_width() -> None:
    """A label that is too long is cut: no text begins or ends outside."""
    root = parsed(hostile())
    for text in root.iter(f"{SVG}text"):
        end = float(text.attrib["x"]) + 7.3 * len(text.text or "")
        assert end <= float(root.attrib["width"])


def test_svg_of_too_many_events_is_cut() -> None:
    """It has the first 60 of a trace, and says how many are hidden."""
    assert "not drawn" not in svg_of(long_picture(60))
    drawn = svg_of(long_picture(61))
    assert "1 event is not drawn; ccw-actors show has all" in drawn
    assert drawn.count('class="label"') == 60
    assert "5 events are not drawn" in svg_of(long_picture(65))


def test_svg_of_a_cell_has_the_steps_before_the_fault() -> None:
    """A cell cannot be made shorter, so its drawing is cut as that of Mermaid."""
    picture = picture_of_cell(CellName.parse("verdicts/v5.12/qemu/seed")[0])
    (schedule, *_) = picture.schedules
    drawn = parsed(picture)
    texts = [one.text or "" for one in drawn.iter(f"{SVG}text")]
    last = schedule.events[schedule.needed[-1] if schedule.needed else -1]
    assert any(text.startswith(f"{last.number} ") for text in texts)
    hidden = len(schedule.events) - 60
    assert f"{hidden} events are not drawn; ccw-actors show has all" in texts


def test_there_is_one_outside() -> None:
    """What comes from outside and what goes there have one head."""
    picture = picture_of(handled_trace((0, "", "a"), (1, "a", "")))
    assert mermaid_of(picture).count(" as outside\n") == 1
    texts = [one.text for one in parsed(picture).iter(f"{SVG}text")]
    assert texts.count("outside") == 1


@pytest.mark.parametrize("make", [race, hostile, lambda: long_picture(500)])
def test_perfetto_is_a_valid_trace(make: Any) -> None:
    """The fields that the trace event format requires are there for each phase."""
    picture: Picture = make()
    found = json.loads(perfetto_of(picture))
    events = found["traceEvents"]
    phases = Counter(one["ph"] for one in events)
    assert phases["X"] == len(picture.schedules[0].events)
    assert phases["s"] == phases["f"]
    assert set(phases) <= {"M", "X", "s", "f", "i"}
    for one in events:
        assert {"name", "ph", "pid", "tid"} <= one.keys()
        if one["ph"] != "M":
            assert isinstance(one["ts"], int)
            assert one["cat"]
        if one["ph"] == "i":
            assert one["s"] in ("g", "p", "t")
    threads = {(one["pid"], one["tid"]) for one in events if one["ph"] == "X"}
    named = [one for one in events if one["name"] == "thread_name"]
    assert threads <= {(one["pid"], one["tid"]) for one in named}
    assert len(named) == len(picture.lanes)


@pytest.mark.parametrize("make", [race, lambda: picture_of(two_clients_trace())])
def test_perfetto_flows_lead_from_cause_to_effect(make: Any) -> None:
    """Each begins within the slice of the cause, and ends at that of the effect."""
    picture: Picture = make()
    events = json.loads(perfetto_of(picture))["traceEvents"]
    slices = [one for one in events if one["ph"] == "X"]
    ends = {one["id"]: one for one in events if one["ph"] == "f"}
    begins = {one["id"]: one for one in events if one["ph"] == "s"}
    assert begins.keys() == ends.keys()
    pairs: set[tuple[int, int]] = set()
    for number, begin in begins.items():
        (cause,) = (one for one in slices if _is_within(begin, one))
        (effect,) = (one for one in slices if _is_within(ends[number], one))
        assert begin["ts"] < ends[number]["ts"]
        assert ends[number]["bp"] == "e"
        pairs.add((slices.index(cause), slices.index(effect)))
    expected = enumerate(one.cause for one in picture.schedules[0].events)
    assert pairs == {(cause, number) for number, cause in expected if cause >= 0}


def _is_within(mark: dict[str, Any], one: dict[str, Any]) -> bool:
    same = (mark["pid"], mark["tid"]) == (one["pid"], one["tid"])
    return same and one["ts"] <= mark["ts"] < one["ts"] + one["dur"]


def test_perfetto_has_a_process_for_each_guest() -> None:
    """Actors of one guest share a process, which has its name."""
    picture = hostile()
    events = json.loads(perfetto_of(picture))["traceEvents"]
    processes = {
        one["pid"]: one["args"]["name"]
        for one in events
        if one["name"] == "process_name"
    }
    assert len(processes) == len({lane.guest for lane in picture.lanes})
    assert "actors" in processes.values()
    assert all(name.isprintable() for name in processes.values())


def test_perfetto_marks_what_is_wrong() -> None:
    """The race, the point of no return and the verdict are instants."""
    events = json.loads(perfetto_of(race()))["traceEvents"]
    marks = [(one["name"], one["ts"]) for one in events if one["ph"] == "i"]
    assert marks == [
        ("race", 30),
        ("race", 60),
        ("point of no return", 39),
        ("refuted: nothing is lost", 80),
    ]


@pytest.mark.parametrize("make", [race, hostile, lambda: long_picture(300)])
def test_shiviz_takes_the_log_apart(make: Any) -> None:
    """Each event is found once; its clock counts its actor's own events from 1 on."""
    picture: Picture = make()
    found = [match.groupdict() for match in SHIVIZ.finditer(shiviz_of(picture))]
    events = picture.schedules[0].events
    assert len(found) == len(events)
    seen: Counter[int] = Counter()
    clocks: list[dict[str, int]] = []
    for event, one in zip(events, found, strict=True):
        clock = json.loads(one["clock"])
        seen[event.actor] += 1
        assert clock[one["host"]] == seen[event.actor]
        assert one["event"].startswith(f"{event.number} ")
        if event.cause >= 0:
            before = clocks[event.cause]
            assert all(clock[host] >= count for host, count in before.items())
            assert clock != before
        clocks.append(clock)
    assert len({one["host"] for one in found}) == len(seen)


def test_shiviz_leaves_open_what_has_no_order() -> None:
    """Neither of two messages that could come in any order knows of the other."""
    found = SHIVIZ.finditer(shiviz_of(race()))
    first, second, *_ = (json.loads(one["clock"]) for one in found)
    assert (first, second) == ({"alice": 1}, {"bob": 1})


def test_shiviz_leaves_open_which_answer_is_first() -> None:
    """Two answers to the outside know nothing of each other."""
    trace = handled_trace((0, "", "a"), (1, "a", ""), (0, "", "b"), (3, "b", ""))
    found = SHIVIZ.finditer(shiviz_of(picture_of(trace)))
    clocks = [json.loads(one["clock"]) for one in found]
    assert clocks[1::2] == [{"a": 1, "outside:2": 1}, {"b": 1, "outside:4": 1}]


def test_shiviz_of_too_many_events_is_refused() -> None:
    """Each event has a clock of all actors, so the log has a bound."""
    with pytest.raises(TooLongError, match="--format perfetto, or --events 20000"):
        shiviz_of(long_picture(20_001))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_picture_without_events(name: Any) -> None:
    """A trace that has only begun is no error."""
    empty = picture_of(two_clients_trace()[:20].partition(b"\x95")[0])
    assert not empty.schedules[0].events
    assert isinstance(FORMATS[name].write(empty), str)
