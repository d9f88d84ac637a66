"""Addresses, lines and structures of small programs that this machine compiles."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ccw_actors.errors import SymbolsError, UnknownSymbolError
from ccw_actors.kernel.debugger import Member, Symbols, kernel_slide
from tests.kernel.machines import COMPILER
from tests.kernel.small_elf import TEXT, small_elf

SOURCE = """\
struct inner { int a; union { int b; char c[3]; }; unsigned first : 3, more : 5; };
typedef const struct inner named;
struct outer { named in; long last; int table[2][5]; };
enum color { RED = 3, GREEN };
volatile int sink;
static inline __attribute__((always_inline)) void body(struct outer *o)
{
    sink = o->in.a + 5;
    sink++;
}
__attribute__((noinline)) int callee(int x)
{
    return sink + x;
}
int caller(struct outer *o)
{
    enum color c = GREEN;
    sink = c;
    callee(3);
    body(o);
    return callee(4) + 1;
}
int main(void)
{
    struct outer o = {{0}};
    return caller(&o);
}
"""

BRASL, BRCL_ALWAYS, BRCL_EQUAL = b"\xc0\xe5", b"\xc0\xf4", b"\xc0\x84"


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Symbols]:
    """Return a function that compiles `SOURCE` for a machine, with its symbols."""

    def make(compiler: str = "gcc", *options: str) -> Symbols:
        if shutil.which(compiler) is None:
            pytest.skip(f"there is no {compiler}")
        source = tmp_path / "drivers" / "small.c"
        source.parent.mkdir(exist_ok=True)
        source.write_text(SOURCE)
        command = [compiler, "-g", "-O2", "-nostdlib", "-static", "-Wl,-e,main"]
        target = tmp_path / "program"
        path = "drivers/small.c"
        subprocess.run(
            [*command, *options, "-o", target, path], cwd=tmp_path, check=True
        )
        return Symbols(target)

    return make


VERSIONS = pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
MACHINES = pytest.mark.parametrize("compiler", ["gcc", COMPILER])


@VERSIONS
@MACHINES
def test_structures(
    compiled: Callable[..., Symbols], compiler: str, version: str
) -> None:
    """Members have their offsets, in anonymous and named members, behind typedefs."""
    with compiled(compiler, version) as symbols:
        assert symbols.size("outer") == 64
        assert symbols.offset("outer", "last") == 16
        assert symbols.member("outer", "in.c") == Member(offset=4, size=3)
        assert symbols.member("outer", "table") == Member(offset=24, size=40)
        assert symbols.member("outer", "in.more") == Member(8, 4, bit=3, bits=5)
        assert symbols.constant("GREEN") == 4
        with pytest.raises(UnknownSymbolError, match="did you mean last"):
            symbols.offset("outer", "lost")
        with pytest.raises(UnknownSymbolError, match="no unit defines a struct 'none'"):
            symbols.size("none")
        with pytest.raises(UnknownSymbolError, match="constant 'BLUE'"):
            symbols.constant("BLUE")


@VERSIONS
@MACHINES
def test_inlined_functions(
    compiled: Callable[..., Symbols], compiler: str, version: str
) -> None:
    """A body that the compiler inlined begins in its caller."""
    with compiled(compiler, version) as symbols:
        (entry,) = symbols.inlined("body")
        assert symbols.where(entry).startswith("caller+")
        assert ":8" in symbols.where(entry)
        assert symbols.entries("body") == [entry]
        assert symbols.entries("callee") == [symbols.address("callee")]
        assert symbols.inlined("callee") == []
        with pytest.raises(UnknownSymbolError, match="body is only inlined"):
            symbols.address("body")
        with pytest.raises(UnknownSymbolError, match="did you mean caller or callee"):
            symbols.inlined("caller_")


@VERSIONS
@MACHINES
def test_lines(compiled: Callable[..., Symbols], compiler: str, version: str) -> None:
    """A line has the addresses where its code begins."""
    with compiled(compiler, version) as symbols:
        found = symbols.line("small.c", 13)
        assert found == symbols.line("drivers/small.c", 13)
        places = [symbols.where(address) for address in found]
        assert all(place.startswith("callee") for place in places)
        assert any(place.endswith("/drivers/small.c:13") for place in places)
        assert symbols.address("callee") in symbols.line("small.c", 12)
        assert symbols.line("small.c", 18)
        with pytest.raises(UnknownSymbolError, match=r"no code for small\.c:2"):
            symbols.line("small.c", 2)
        with pytest.raises(UnknownSymbolError, match="no such source file"):
            symbols.line("mall.c", 18)


def test_calls_of_a_compiler(compiled: Callable[..., Symbols]) -> None:
    """The calls that a compiler made are found, with the addresses behind them."""
    with compiled(COMPILER) as symbols:
        calls = symbols.calls("caller", "callee")
        assert len(calls) == 2
        after = symbols.after_calls("caller", "callee")
        assert after == [call + 6 for call in calls]
        assert all(symbols.where(call).endswith((":19", ":21")) for call in calls)
        with pytest.raises(SymbolsError, match="it calls callee"):
            symbols.calls("caller", "main")


def test_calls_on_another_machine(compiled: Callable[..., Symbols]) -> None:
    """Calls are known for s390x alone, and the error says so."""
    with (
        compiled() as symbols,
        pytest.raises(SymbolsError, match="is not for s390x"),
    ):
        symbols.calls("caller", "callee")


def _relative(code: bytes, at: int, target: int) -> bytes:
    return code + ((target - at) // 2).to_bytes(4, "big", signed=True)


def _program(tmp_path: Path, slide: int = 0) -> Symbols:
    """Return a program in which `first` calls `second` twice, by BRASL and by jump."""
    end = TEXT + 0x40
    code = b"\x07\x07"  # 2 bytes
    code += _relative(BRASL, TEXT + 2, end)
    code += b"\xa7\x19\xc0\xe5"  # LGHI whose operand looks like a call
    code += b"\x00\x00\x00\x07"  # and what would be its distance
    code += _relative(BRCL_EQUAL, TEXT + 16, end)
    code += _relative(BRCL_ALWAYS, TEXT + 22, end)
    code = code.ljust(0x40, b"\x07")
    code += _relative(BRASL, end, TEXT) + b"\x07\xfe"
    path = tmp_path / "vmlinux"
    functions = {"first": (TEXT, 28), "second.isra.0": (end, 8)}
    path.write_bytes(small_elf(code, functions))
    return Symbols(path, slide)


def test_calls_in_bytes(tmp_path: Path) -> None:
    """Instructions are taken one after another; a conditional jump is no call."""
    with _program(tmp_path) as symbols:
        assert symbols.calls("first", "second") == [TEXT + 2, TEXT + 22]
        assert symbols.after_calls("first", "second") == [TEXT + 8]
        assert symbols.calls("second", "first") == [TEXT + 0x40]
        assert symbols.address("second") == TEXT + 0x40
        with pytest.raises(UnknownSymbolError, match="did you mean first"):
            symbols.calls("frist", "second")
        with pytest.raises(UnknownSymbolError, match="did you mean second"):
            symbols.calls("first", "secondd")
        with pytest.raises(SymbolsError, match="first has no call of first"):
            symbols.after_calls("first", "first")


def test_a_slide_moves_every_address(tmp_path: Path) -> None:
    """Addresses are those at which the program runs, in questions and answers."""
    slide = 0x3FF_E000_0000
    with _program(tmp_path, slide) as symbols:
        assert symbols.address("first") == TEXT + slide
        assert symbols.calls("first", "second") == [TEXT + slide + 2, TEXT + slide + 22]
        assert symbols.where(TEXT + slide + 4) == "first+0x4"
        assert symbols.where(TEXT) == f"{TEXT:#x}"


def test_without_debug_information(tmp_path: Path) -> None:
    """Names and calls need none; for the rest the error says how to build it."""
    with _program(tmp_path) as symbols:
        for question in (
            lambda: symbols.inlined("first"),
            lambda: symbols.offset("outer", "last"),
            lambda: symbols.line("small.c", 1),
        ):
            with pytest.raises(SymbolsError, match=r"build .* CONFIG_DEBUG_INFO_DWARF"):
                question()


def test_no_elf(tmp_path: Path) -> None:
    """A file that is no ELF, or that does not exist, is one clear error."""
    path = tmp_path / "bzImage"
    with pytest.raises(SymbolsError, match=r"bzImage: No such file"):
        Symbols(path)
    for content in (b"", b"not an ELF file", b"\x7fELF"):
        path.write_bytes(content)
        with pytest.raises(SymbolsError, match="is no ELF file: give a vmlinux"):
            Symbols(path)


def test_a_stripped_file(compiled: Callable[..., Symbols], tmp_path: Path) -> None:
    """A file without symbols is one clear error."""
    compiled("gcc", "-s").close()
    with (
        Symbols(tmp_path / "program") as symbols,
        pytest.raises(SymbolsError, match="has no symbols: it is stripped"),
    ):
        symbols.address("main")


def test_two_functions_of_one_name(tmp_path: Path) -> None:
    """The error about static functions of one name says where they are."""
    path = tmp_path / "vmlinux"
    functions = {"probe.constprop.0": (TEXT, 2), "probe.isra.1": (TEXT + 2, 2)}
    path.write_bytes(small_elf(b"\x07\xfe\x07\xfe", functions))
    with (
        Symbols(path) as symbols,
        pytest.raises(SymbolsError, match=r"more than one function: probe\.isra\.1, "),
    ):
        symbols.address("probe")


def test_the_slide_of_a_configuration(tmp_path: Path) -> None:
    """A kernel runs behind its addresses by what its configuration says, or by none."""
    config = tmp_path / "config"
    config.write_text("CONFIG_SMP=y\nCONFIG_KERNEL_IMAGE_BASE=0x3FFE0000000\n")
    assert kernel_slide(config) == 0x3FF_E000_0000
    config.write_text("CONFIG_SMP=y\n")
    assert kernel_slide(config) == 0
    with pytest.raises(SymbolsError, match="none: No such file"):
        kernel_slide(tmp_path / "none")
