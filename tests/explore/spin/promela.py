"""Writes a model as Promela, for Spin.

Every actor is a process that takes one message and deals with it in one atomic step.
What is on its way is in channels of Promela:

- `channel`: one for each sender and recipient, first in, first out
- `mailbox`: one for each recipient, first in, first out
- `unordered`: one for each recipient, kept sorted, out of which any message is taken

First messages come from outside: there is one channel for each source and recipient,
even if a source has the name of an actor. They are taken from there, but for mailboxes:
those they have to reach first, each in a step of its own. On an unordered network they
are with all others.

A message that was taken is gone, whether it has changed anything or not; unless those
that would change nothing are to be kept, which no process then takes. When no process
can go on, the one that has begun all looks at the end. With each state the program
prints a line, so that the states themselves can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import NamedTuple

from tests.explore.spin.channels import OUTSIDE, Channel, channels_of, marked, name_of
from tests.explore.spin.description import (
    SENDER,
    SIZE,
    Case,
    Check,
    Letter,
    Model,
    Semantics,
    Send,
    Sum,
    Term,
)

__all__ = ["Program", "translate"]


class Program(NamedTuple):
    """A program for Spin.

    Before the first step Spin has made `lead` moves; a step is two moves. The
    assertion of a property begins with `(number<0)`.
    """

    text: str
    lead: int


def translate(model: Model, semantics: Semantics) -> Program:
    """Write a model as a program for Spin."""
    return _Writer(model, semantics).program()


class _Writer:
    """Writes one model; what returns lines returns those of one statement or more."""

    def __init__(self, model: Model, semantics: Semantics) -> None:
        self.model = model
        self.delivery = semantics.delivery
        self.keeps = semantics.noops == "kept"
        self.channels = channels_of(model, semantics.delivery)
        self.names = {channel.name for channel in self.channels}

    def program(self) -> Program:
        """Put it together."""
        model = self.model
        asserted = [
            _any(number, wanted.tests) for number, wanted in enumerate(model.properties)
        ]
        always: list[str] = []
        finals: list[str] = []
        for wanted, text in zip(model.properties, asserted, strict=True):
            (finals if wanted.scope == "final" else always).append(f"assert{text};")
        first = [line for to, one in model.firsts for line in self.inject(to, one)]
        runs = [f"run actor_{number}();" for number in range(len(model.plans))]
        if self.delivery == "mailbox":
            runs.append("run network();")
        lines = [
            *self.variables(),
            *self.printer(),
            *(self.movers() if self.keeps else ()),
            "inline look() {",
            *_in(always),
            *(["  c_code { note_moves(); };"] if self.keeps else []),
            '  c_code { show("@"); };',
            "}",
            *(
                line
                for number in range(len(model.plans))
                for line in self.actor(number)
            ),
            *(self.network() if self.delivery == "mailbox" else ()),
            "init {",
            "  atomic {",
            *_in(_in([*first, *runs, "d_step { look(); }"])),
            "  }",
            "  d_step {",
            "    timeout;",
            '    c_code { show("$"); };',
            *_in(_in(finals)),
            "  }",
            "}",
            "",
        ]
        return Program("\n".join(lines), len(first) + len(runs) + 1)

    def variables(self) -> Iterator[str]:
        """Declare what there is."""
        for number, plan in enumerate(self.model.plans):
            for variable, value in enumerate(plan.start):
                yield f"byte v_{number}_{variable} = {value};"
        yield "byte history;"
        for one in self.channels:
            assert one.size < 256, "a channel of Promela holds no more"
            yield f"chan {one.name} = [{one.size}] of {{ byte, byte, byte, byte }};"

    def printer(self) -> Iterator[str]:
        """Print the state, in C, as `line_of` has it."""
        numbers = [
            f"now.v_{number}_{variable}"
            for number, plan in enumerate(self.model.plans)
            for variable in range(len(plan.start))
        ]
        numbers.append("now.history")
        shown = (f'showname_of("{one.name}", now.{one.name});' for one in self.channels)
        yield from (
            "c_code {",
            "static void showname_of(const char *name, int channel) {",
            "  int at, field;",
            '  printf(" %s", name);',
            "  for (at = 0; at < q_len(channel); at++)",
            "    for (field = 0; field < 4; field++)",
            '      printf(field ? ",%d" : " %d", qrecv(channel, at, field, 0));',
            "}",
            "static void show(const char *mark) {",
            '  printf("%s", mark);',
            *(f'  printf(" %d", {number});' for number in numbers),
            *_in(shown),
            '  printf("\\n");',
            "}",
            "};",
        )

    def actor(self, number: int) -> Iterator[str]:
        """Write the process of an actor: it takes a message and deals with it."""
        plan = self.model.plans[number]
        own = [one for one in self.channels if one.to == number]
        if self.delivery == "mailbox":
            own = [one for one in own if not one.outside]
        if not own:
            yield f"proctype actor_{number}() {{ end: false }}"
            return
        scratch = [f"next_{one}" for one in range(len(plan.start))]
        if self.delivery == "unordered":
            scratch += ["at", "place", "left"]
            scratch += ["other_sender", "other_kind", "other_field", "other_fuel"]
            choice, taken = self.choose(own[0]), _take_out(own[0])
        else:
            choice, taken = _head_of(own), _named()
        yield from (
            f"proctype actor_{number}() {{",
            "  byte sender, kind, field, fuel;",
            f"  byte {', '.join(scratch)};",
            "end:",
            "  do",
            "  :: atomic {",
            *_in(_in(choice)),
            "    d_step {",
            *_in(_in(_in(taken))),
            "      if",
        )
        for kind, cases in enumerate(plan.handlers):
            yield f"      :: kind == {kind} ->"
            yield from _in(_in(_in(_in(self.cases(number, cases)))))
        yield from (
            "      fi;",
            *_in(_in(_in(self.history(number)))),
            "      sender = 0; kind = 0; field = 0; fuel = 0;",
            "      look();",
            "    }",
            "  }",
            "  od",
            "}",
        )

    def network(self) -> Iterator[str]:
        """Write the process that brings what is outside into mailboxes."""
        yield "proctype network() {"
        yield "  byte sender, kind, field, fuel;"
        yield "end:"
        yield "  do"
        for one in self.channels:
            if one.outside:
                yield "  :: atomic {"
                yield f"    {one.name} ? sender, kind, field, fuel;"
                yield "    d_step {"
                yield from _in(_in(_in(_named())))
                yield f"      {name_of(SENDER, one.to)} ! sender, kind, field, fuel;"
                yield "      sender = 0; kind = 0; field = 0; fuel = 0;"
                yield "      look();"
                yield "    }"
                yield "  }"
        yield "  od"
        yield "}"

    def choose(self, channel: Channel) -> list[str]:
        """Choose the place of the message that is taken: any will do."""
        lines = [
            f":: len({channel.name}) > {place} -> at = {place};"
            for place in range(channel.size)
        ]
        if self.keeps:
            lines = [
                f":: moves_{channel.to}[{place}] -> at = {place};"
                for place in range(channel.size)
            ]
        return ["if", *lines, "fi;"]

    def movers(self) -> Iterator[str]:
        """Note in C, as arrays that follow from the state, which messages move it."""
        for one in self.channels:
            yield f"bool moves_{one.to}[{one.size}];"
        yield "c_code {"
        for one in self.channels:
            yield f"static int moves_{one.to}"
            yield "  (int sender, int kind, int field, int fuel) {"
            for kind, cases in enumerate(self.model.plans[one.to].handlers):
                for case in cases:
                    tests = [_test(test, one.to, "now.") for test in case.tests]
                    fits = " && ".join((f"kind == {kind}", *tests))
                    yield f"  if ({fits}) return {self.changes(one.to, case)};"
            yield "  return 0;"
            yield "}"
        yield "static void note_moves(void) {"
        yield "  int at;"
        for one in self.channels:
            queue = f"now.{one.name}"
            fields = ", ".join(f"qrecv({queue}, at, {field}, 0)" for field in range(4))
            yield f"  for (at = 0; at < {one.size}; at++)"
            yield f"    now.moves_{one.to}[at] ="
            yield f"      at < q_len({queue}) && moves_{one.to}({fields});"
        yield "}"
        yield "};"

    def changes(self, number: int, case: Case) -> str:
        """Say, in C, whether a case changes a variable or sends anything."""
        ways = [
            f"now.v_{number}_{variable} != ({_sum(value, number, 'now.')}) % {SIZE}"
            for variable, value in case.assigns
        ]
        actors = len(self.model.plans)
        if any(send.to != SENDER for send in case.sends):
            ways.append("fuel > 0")
        elif case.sends:
            ways.append(f"(fuel > 0 && sender < {actors})")
        return " || ".join(ways) or "0"

    def cases(self, number: int, cases: Sequence[Case]) -> list[str]:
        """Carry out the first case whose tests hold."""
        if not cases:
            return ["skip;"]
        case, *others = cases
        done = [
            f"next_{variable} = ({_sum(value, number)}) % {SIZE};"
            for variable, value in case.assigns
        ]
        # What is sent is worked out of the variables as they were.
        if case.sends:
            sent = (line for one in case.sends for line in self.send(number, one))
            done += ["if", ":: fuel > 0 ->", *_in(sent), ":: else -> skip;", "fi;"]
        for variable, _ in case.assigns:
            done.append(f"v_{number}_{variable} = next_{variable};")
            done.append(f"next_{variable} = 0;")
        done = done or ["skip;"]
        if not case.tests:
            return done
        tests = " && ".join(_test(one, number) for one in case.tests)
        rest = self.cases(number, others)
        return ["if", f":: {tests} ->", *_in(done), ":: else ->", *_in(rest), "fi;"]

    def send(self, number: int, send: Send) -> list[str]:
        """Send a message, if there is an actor to receive it."""
        field = f"({_sum(send.field, number)}) % {SIZE}"
        message = number, send.kind, field, "fuel - 1"
        if send.to != SENDER:
            return self.put(send.to, *message)
        lines = ["if"]
        for sender in range(len(self.model.plans)):
            lines += [f":: sender == {sender} ->", *_in(self.put(sender, *message))]
        return [*lines, ":: else -> skip;", "fi;"]

    def put(
        self, to: int, sender: int, kind: int, field: object, fuel: object
    ) -> list[str]:
        """Put a message into the channel that it belongs in."""
        name = name_of(sender if self.delivery == "channel" else SENDER, to)
        if name not in self.names:
            return ["assert(false);"]  # It has been found that nothing comes there.
        how = "!!" if self.delivery == "unordered" else "!"
        return [f"{name} {how} {sender}, {kind}, {field}, {fuel};"]

    def inject(self, to: int, letter: Letter) -> list[str]:
        """Put a first message where it is before it is taken."""
        if self.delivery == "unordered":
            return self.put(to, *letter)
        name = name_of(letter.sender, to, outside=True)
        return [f"{name} ! {', '.join(map(str, marked(letter)))};"]

    def history(self, number: int) -> list[str]:
        """Move the history on; of rules for the same, the first one counts."""
        moves: dict[tuple[int, int], int] = {}
        for one in self.model.rules:
            if one.actor == number and self.model.follows in (SENDER, number):
                moves.setdefault((one.kind, one.when), one.then)
        if not moves:
            return []
        lines = [
            f":: kind == {kind} && history == {when} -> history = {then};"
            for (kind, when), then in moves.items()
        ]
        return ["if", *lines, ":: else -> skip;", "fi;"]


def _head_of(channels: Sequence[Channel]) -> list[str]:
    """Take the first message of any channel."""
    lines = (f":: {one.name} ? sender, kind, field, fuel;" for one in channels)
    return ["if", *lines, "fi;"]


def _named() -> list[str]:
    """Call a source by its name from now on."""
    return [
        "if",
        f":: sender >= {OUTSIDE} -> sender = sender - {OUTSIDE};",
        ":: else -> skip;",
        "fi;",
    ]


def _take_out(channel: Channel) -> list[str]:
    """Take the message at that place; the others stay in their order."""
    other = "other_sender, other_kind, other_field, other_fuel"
    return [
        f"left = len({channel.name});",
        "do",
        ":: left > 0 ->",
        f"  {channel.name} ? {other};",
        "  if",
        "  :: place == at ->",
        "    sender = other_sender; kind = other_kind;",
        "    field = other_field; fuel = other_fuel;",
        f"  :: else -> {channel.name} ! {other};",
        "  fi;",
        "  place++; left--;",
        ":: else -> break;",
        "od;",
        "other_sender = 0; other_kind = 0; other_field = 0; other_fuel = 0;",
        "place = 0; at = 0;",
    ]


def _in(lines: Iterable[str]) -> list[str]:
    return [indent(line, "  ") for line in lines]


def _any(number: int, tests: Sequence[Check]) -> str:
    """Write a property, with its number: that is how Spin's report is understood."""
    return "(" + "||".join((f"({number}<0)", *map(_test, tests))) + ")"


def _test(one: Check, number: int = SENDER, of: str = "") -> str:
    return f"(({_sum(one.left, number, of)}){one.operator}{one.right})"


def _sum(terms: Sum, number: int, of: str = "") -> str:
    return "+".join(_term(one, number, of) for one in terms) or "0"


def _term(term: Term, number: int, of: str) -> str:
    """Write a term; variables are those `of` what stands before their names."""
    if term.what == "constant":
        return str(term.number)
    if term.what == "variable":
        actor = number if term.actor == SENDER else term.actor
        return f"{of}v_{actor}_{term.number}"
    return term.what
