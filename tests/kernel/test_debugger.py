"""The debugger's protocol, against a stub that answers from a script."""

import asyncio
from pathlib import Path

import pytest

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.debugger import CpuStop, Debugger
from tests.kernel.fake_stub import FakeStub, fake_stub, packet

pytestmark = pytest.mark.asyncio


async def test_cpus_have_numbers_from_0(tmp_path: Path) -> None:
    """Threads in any order, in several answers and with hexadecimal ids, are CPUs."""

    def change(stub: FakeStub) -> None:
        answers = iter(["m02,0a", "l"])
        stub.answers["qfThreadInfo"] = "m01"
        stub.on = {"qsThreadInfo": lambda: stub.send(packet(next(answers)))}

    async with fake_stub(tmp_path, change) as (stub, debugger):
        assert debugger.cpus == (0, 1, 2)
        stub.answers["Hg0a"] = "OK"
        registers = await debugger.registers(2)
        assert (registers.psw_mask, registers.pc) == (0x100, 0x101)
        assert registers.general == tuple(range(0x102, 0x112))
        assert "Hg0a" in stub.requests
        with pytest.raises(DebuggerError, match="there is no CPU 3"):
            await debugger.read(3, 0, 1)


async def test_escapes_and_repetitions(tmp_path: Path) -> None:
    """An answer with an escaped byte and a run means the bytes without them."""
    async with fake_stub(tmp_path) as (stub, debugger):
        # Three more zeros; and `}` with the byte that "5" XOR 20 is.
        stub.answers["m1000,4"] = packet(b"0* f}\x15cc3")
        with pytest.raises(DebuggerError, match="cannot read 4 bytes at 0x1000"):
            await debugger.read(0, 0x1000, 4)
        stub.answers["m1000,4"] = packet(b"0* }\x15cc3")
        assert await debugger.read(0, 0x1000, 4) == bytes.fromhex("00005cc3")


async def test_a_wrong_checksum_is_asked_for_again(tmp_path: Path) -> None:
    """A damaged packet is refused, and its repetition taken."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers["m0,1"] = b"$ab#00" + packet("cd")
        assert await debugger.read(0, 0, 1) == b"\xcd"
        await debugger.registers(0)
        assert stub.signs.count("-") == 1
        stub.answers["m0,1"] = b"$ab#00" * 3
        with pytest.raises(DebuggerError, match="what QEMU sends is damaged"):
            await debugger.read(0, 0, 1)


async def test_a_refused_packet_is_sent_again(tmp_path: Path) -> None:
    """After `-` the request is sent once more."""
    async with fake_stub(tmp_path) as (stub, debugger):
        answers = iter([b"-", packet("cd")])
        stub.on = {"m0,1": lambda: stub.send(next(answers))}
        assert await debugger.read(0, 0, 1) == b"\xcd"
        assert stub.requests.count("m0,1") == 2


async def test_no_acknowledgements(tmp_path: Path) -> None:
    """A stub that needs no acknowledgements gets none after it has said so."""

    def change(stub: FakeStub) -> None:
        features = "vContSupported+;QStartNoAckMode+"
        stub.answers["qSupported:vContSupported+"] = features
        stub.answers["QStartNoAckMode"] = "OK"

    async with fake_stub(tmp_path, change) as (stub, debugger):
        await debugger.registers(0)
        # That of qSupported, and of the answer to QStartNoAckMode itself.
        assert stub.signs == ["+", "+"]


async def test_a_stop_before_an_answer(tmp_path: Path) -> None:
    """A stop reply that overtakes the answer to a request is kept apart from it."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.silent.add("vCont;c:01")
        await debugger.resume([0])
        stub.send(packet("T05thread:01;"))
        stub.answers["g"] = packet("T05thread:01;") + packet("12" * 8 * 18)
        stop = await debugger.stopped(1.0)
        assert stop == CpuStop(0, 0x1212121212121212, "other")


def _stops_at(stub: FakeStub, address: int) -> None:
    stub.answers["g"] = f"{0:016x}{address:016x}" + "0" * 16 * 16


async def _two_cpus(stub: FakeStub, debugger: Debugger) -> None:
    stub.silent |= {"vCont;c:01", "vCont;c:02", "vCont;c:01;c:02"}
    stub.answers |= {"Z1,500,2": "OK", "z1,500,2": "OK"}
    stub.answers |= {"vCont;s:01": "T05thread:01;", "vCont;s:02": "T05thread:02;"}
    await debugger.break_at(0x500)


def _has_two(stub: FakeStub) -> None:
    stub.answers["qfThreadInfo"] = "m01,02"


async def test_a_resumed_cpu_steps_over_its_breakpoint(tmp_path: Path) -> None:
    """Only the CPU that was reported steps alone, and before any other runs."""
    async with fake_stub(tmp_path, _has_two) as (stub, debugger):
        await _two_cpus(stub, debugger)
        await debugger.resume()
        _stops_at(stub, 0x500)
        stub.send(packet("T05thread:02;"))
        assert await debugger.stopped(1.0) == CpuStop(1, 0x500, "breakpoint")
        del stub.requests[:]
        # CPU 0 is at the breakpoint as well, but nobody knows: it must be reported.
        await debugger.resume([0])
        stub.send(packet("T05thread:01;"))
        assert await debugger.stopped(1.0) == CpuStop(0, 0x500, "breakpoint")
        await debugger.resume([0, 1])
        assert debugger.running == {0, 1}
        stub.on = {"interrupt": lambda: stub.send(packet("T02thread:01;"))}
        assert await debugger.interrupt() == CpuStop(0, 0x500, "interrupt")
        moves = [one for one in stub.requests if one.startswith("vCont")]
        assert moves == ["vCont;c:01", "vCont;s:01", "vCont;s:02", "vCont;c:01;c:02"]


async def test_a_stop_is_reported_once(tmp_path: Path) -> None:
    """A CPU that was stopped elsewhere since is not stepped when it is resumed."""
    async with fake_stub(tmp_path, _has_two) as (stub, debugger):
        await _two_cpus(stub, debugger)
        _stops_at(stub, 0x500)
        await debugger.resume([0])
        stub.send(packet("T05thread:01;"))
        assert await debugger.stopped(1.0) == CpuStop(0, 0x500, "breakpoint")
        await debugger.resume([0])
        stub.on = {"interrupt": lambda: stub.send(packet("T02thread:01;"))}
        await debugger.interrupt()
        del stub.requests[:]
        await debugger.resume([0])
        assert await debugger.stopped(0.05) is None
        assert stub.requests == ["vCont;c:01"]


async def test_a_stop_in_time_is_not_lost_to_an_interrupt(tmp_path: Path) -> None:
    """If a CPU stops at a breakpoint before QEMU reads the interrupt, that counts."""
    async with fake_stub(tmp_path, _has_two) as (stub, debugger):
        await _two_cpus(stub, debugger)
        await debugger.resume([1])
        assert await debugger.stopped(0.01) is None
        _stops_at(stub, 0x500)
        stub.on = {"interrupt": lambda: None}
        stub.send(packet("T05thread:02;"))
        assert await debugger.interrupt() == CpuStop(1, 0x500, "breakpoint")
        assert await debugger.interrupt() is None


async def test_a_closed_socket(tmp_path: Path) -> None:
    """A call that waits when the stub closes its socket fails with one line."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.silent.add("vCont;c:01")
        await debugger.resume()
        waiter = asyncio.create_task(debugger.stopped())
        await asyncio.sleep(0)
        assert stub.writer is not None
        stub.writer.close()
        with pytest.raises(DebuggerError, match="QEMU has ended, or closed") as caught:
            await waiter
        assert "\n" not in str(caught.value)
        with pytest.raises(DebuggerError, match="QEMU has ended, or closed"):
            await debugger.registers(0)


async def test_an_end_of_qemu(tmp_path: Path) -> None:
    """A stub that says that its program has ended is reported like a closed one."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers["vCont;c:01"] = "W00"
        await debugger.resume()
        with pytest.raises(DebuggerError, match="QEMU has ended"):
            await debugger.stopped(1.0)


async def test_no_answer_in_time(tmp_path: Path) -> None:
    """Without an answer a call fails after the timeout, and the connection with it."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.silent.add("g")
        debugger.timeout = 0.05
        with pytest.raises(DebuggerError, match=r"no answer to 'g' in 0\.05 s"):
            await debugger.registers(0)
        with pytest.raises(DebuggerError, match="no answer to 'g'"):
            await debugger.registers(0)


async def test_refusals(tmp_path: Path) -> None:
    """What the stub refuses, or does not know, is an error that says what."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers["Z1,501,2"] = "E22"
        with pytest.raises(DebuggerError, match="QEMU refuses 'Z1,501,2': E22"):
            await debugger.break_at(0x501)
        assert not debugger.breakpoints
        stub.answers["m0,1"] = "E14"
        with pytest.raises(DebuggerError, match="CPU 0 cannot read 1 bytes at 0x0"):
            await debugger.read(0, 0, 1)
        stub.answers["M0,1:ff"] = "E14"
        with pytest.raises(DebuggerError, match="CPU 0 cannot write 1 bytes at 0x0"):
            await debugger.write(0, 0, b"\xff")
        stub.answers["g"] = "E01"
        with pytest.raises(DebuggerError, match="does not tell the registers"):
            await debugger.registers(0)
        with pytest.raises(DebuggerError, match="no CPU runs"):
            await debugger.stopped(0.1)
        with pytest.raises(DebuggerError, match="at least one CPU"):
            await debugger.resume([])


async def test_a_refusal_to_resume(tmp_path: Path) -> None:
    """An error in the place of a stop reply is reported, and nothing runs."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers["vCont;c:01"] = "E22"
        await debugger.resume()
        with pytest.raises(DebuggerError, match="QEMU refuses to resume: E22"):
            await debugger.stopped(1.0)
        assert not debugger.running
        assert (await debugger.registers(0)).pc == 0x101


async def test_a_stub_that_resumes_only_all(tmp_path: Path) -> None:
    """A stub without vCont is refused when the debugger connects."""

    def change(stub: FakeStub) -> None:
        stub.answers["vCont?"] = ""

    with pytest.raises(DebuggerError, match="cannot resume CPUs one by one"):
        async with fake_stub(tmp_path, change):
            pass


async def test_long_reads_and_writes_are_parted(tmp_path: Path) -> None:
    """No packet carries more than 1024 bytes of storage."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers |= {"m0,400": "aa" * 1024, "m400,10": "bb" * 16}
        expected = b"\xaa" * 1024 + b"\xbb" * 16
        assert await debugger.read(0, 0, 1040) == expected
        stub.answers |= {f"M0,400:{'aa' * 1024}": "OK", f"M400,10:{'bb' * 16}": "OK"}
        await debugger.write(0, 0, expected)


async def test_detach(tmp_path: Path) -> None:
    """The debugger removes its breakpoints before it lets QEMU run alone."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.answers |= {"Z1,500,2": "OK", "z1,500,2": "OK", "D": "OK"}
        await debugger.break_at(0x500)
        await debugger.detach()
        assert stub.requests[-2:] == ["z1,500,2", "D"]


async def test_nobody_listens(tmp_path: Path) -> None:
    """Without a gdbstub the error names the option that starts one."""
    with pytest.raises(DebuggerError, match=r"start QEMU with -gdb unix:.*/gdb,server"):
        await Debugger.connect(tmp_path / "gdb")


async def test_an_old_stop_is_forgotten(tmp_path: Path) -> None:
    """A second stop reply for one stop does not stand for that of the next resume."""
    async with fake_stub(tmp_path) as (stub, debugger):
        stub.silent.add("vCont;c:01")
        stub.send(packet("T02thread:01;"))
        await debugger.registers(0)
        await debugger.resume()
        assert await debugger.stopped(0.05) is None
