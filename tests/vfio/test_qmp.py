"""The monitor of a QEMU: commands, events, and a QEMU that misbehaves."""

import asyncio
import gc
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from qemu.qmp import Message

from ccw_actors.errors import (
    CcwActorsError,
    QmpCommandError,
    QmpConnectionError,
    QmpError,
    QmpTimeoutError,
    UnplugRefusedError,
)
from ccw_actors.vfio import Qmp
from ccw_actors.vfio._qmp_events import EVENTS_MAX
from tests.vfio.fake_monitor import GREETING, Monitor, Script, monitored

pytestmark = pytest.mark.asyncio

GONE = "QEMU has ended the connection"


async def nothing(_monitor: Monitor) -> None:
    """Do nothing more."""


async def end(monitor: Monitor) -> None:
    """Read one command, and close the connection."""
    await monitor.read()
    monitor.close()


def sending(*lines: str) -> Script:
    """Return the script of a monitor that answers a command with these lines."""

    async def script(monitor: Monitor) -> None:
        await monitor.read()
        for line in lines:
            monitor.send_line(line)

    return script


# -- commands --------------------------------------------------------------------------


async def test_command_and_its_answer() -> None:
    """Arguments and answer are passed on unchanged."""
    seen: list[dict[str, Any]] = []

    async def script(monitor: Monitor) -> None:
        seen.append(await monitor.answer("query-status", {"running": True}))
        seen.append(await monitor.answer("device_add"))

    async with monitored(script) as qmp:
        assert await qmp.execute("query-status") == {"running": True}
        arguments: dict[str, Any] = {"driver": "x", "force-orb-pfch": True}
        assert await qmp.execute("device_add", **arguments) == {}
        assert seen == [{}, arguments]
        assert not qmp.is_gone


async def test_commands_at_once() -> None:
    """Each command gets its own answer, in any order of answers."""

    async def script(monitor: Monitor) -> None:
        commands = [await monitor.read() for _ in range(5)]
        for one in reversed(commands):
            monitor.send(**{"return": one["arguments"]["number"], "id": one["id"]})

    async with monitored(script) as qmp:
        asked = [qmp.execute("x", number=number) for number in range(5)]
        assert await asyncio.gather(*asked) == [0, 1, 2, 3, 4]


async def test_command_that_is_refused() -> None:
    """The error has QMP's class and text, and the next command is answered."""

    async def script(monitor: Monitor) -> None:
        one = await monitor.read()
        error = {"class": "DeviceNotFound", "desc": "Device 'd' not found"}
        monitor.send(error=error, id=one["id"])
        await monitor.answer("cont")
        await monitor.answer("stop")

    async with monitored(script) as qmp:
        with pytest.raises(QmpCommandError) as caught:
            await qmp.execute("device_del", id="d")
        await qmp.cont()
        await qmp.stop()
    error = caught.value
    assert str(error) == "QEMU refuses device_del: Device 'd' not found"
    assert (error.command, error.error_class, error.desc) == (
        "device_del",
        "DeviceNotFound",
        "Device 'd' not found",
    )


async def test_argument_that_is_no_json() -> None:
    """The argument is refused without a command to QEMU, and the connection goes on."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("query-status", 7)

    async with monitored(script) as qmp:
        with pytest.raises(TypeError):
            await qmp.execute("x", argument=b"bytes")
        assert await qmp.execute("query-status") == 7


async def test_cancelled_command() -> None:
    """A late answer to a cancelled command does no harm."""

    async def script(monitor: Monitor) -> None:
        one, other = await monitor.read(), await monitor.read()
        monitor.send(**{"return": 1, "id": one["id"]})
        monitor.send(**{"return": 2, "id": other["id"]})

    async with monitored(script) as qmp:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await qmp.execute("x")
        assert await qmp.execute("y") == 2


async def test_vfio_ccw_is_added() -> None:
    """The command adds a vfio-ccw device, with its folder and number."""
    seen: list[dict[str, Any]] = []

    async def script(monitor: Monitor) -> None:
        seen.append(await monitor.answer("device_add"))

    async with monitored(script) as qmp:
        await qmp.add_vfio_ccw("d", sysfsdev="/sys/x", devno="fe.0.0190")
    assert seen == [
        {"driver": "vfio-ccw", "id": "d", "sysfsdev": "/sys/x", "devno": "fe.0.0190"}
    ]


# -- unplugging ------------------------------------------------------------------------


async def test_device_is_removed() -> None:
    """The call returns when QEMU has released this device, not another one."""

    async def script(monitor: Monitor) -> None:
        monitor.event("DEVICE_DELETED", device="d", path="/before")
        await monitor.answer("query-status")
        one = await monitor.read()
        assert (one["execute"], one["arguments"]) == ("device_del", {"id": "d"})
        # As QEMU does it for a device with a part that has no id.
        monitor.event("DEVICE_DELETED", path="/machine/peripheral/d/backend")
        monitor.event("DEVICE_DELETED", device="other", path="/other")
        monitor.event("DEVICE_UNPLUG_GUEST_ERROR", device="other", path="/other")
        monitor.send(**{"return": {}, "id": one["id"]})
        await monitor.answer("query-status")
        monitor.event("DEVICE_DELETED", device="d", path="/machine/peripheral/d")

    async with monitored(script) as qmp:
        await qmp.execute("query-status")
        removing = asyncio.create_task(qmp.remove_device("d", timeout=30))
        await qmp.wait_for_event("DEVICE_UNPLUG_GUEST_ERROR")
        assert not removing.done()
        await qmp.execute("query-status")
        await removing


async def test_device_that_goes_before_the_answer() -> None:
    """The event may come before the command is answered."""

    async def script(monitor: Monitor) -> None:
        one = await monitor.read()
        monitor.event("DEVICE_DELETED", device="d", path="/machine/peripheral/d")
        monitor.send(**{"return": {}, "id": one["id"]})

    async with monitored(script) as qmp:
        await qmp.remove_device("d", timeout=30)


async def test_guest_that_does_not_answer() -> None:
    """A guest that does not answer is an error after the timeout."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("device_del")

    async with monitored(script) as qmp:
        with pytest.raises(QmpTimeoutError) as caught:
            await qmp.remove_device("d", timeout=0.02)
    assert str(caught.value) == "the guest has not given up device d in 0.02 s"
    assert caught.value.seconds == 0.02
    assert isinstance(caught.value, TimeoutError)


async def test_guest_that_refuses() -> None:
    """A guest that refuses to give the device up is another error."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("device_del")
        monitor.event("DEVICE_UNPLUG_GUEST_ERROR", device="d", path="/x")

    async with monitored(script) as qmp:
        with pytest.raises(UnplugRefusedError) as caught:
            await qmp.remove_device("d", timeout=30)
    assert caught.value.device == "d"
    assert str(caught.value) == "the guest does not give up device d"


async def test_qemu_that_goes_while_a_device_is_removed() -> None:
    """A call that waits for the guest ends with an error."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("device_del")
        monitor.close()

    async with monitored(script) as qmp:
        with pytest.raises(QmpConnectionError, match=GONE):
            await qmp.remove_device("d", timeout=30)


# -- events ----------------------------------------------------------------------------


async def test_events_in_order() -> None:
    """All events are read in order, with their data, and then the end."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("cont")
        for number in range(5):
            monitor.event("E", number=number)
            monitor.event("F", number=number)
        monitor.close()

    async with monitored(script) as qmp:
        with qmp.events("E") as some, qmp.events() as all_of_them:
            await qmp.cont()
            assert [event["data"]["number"] async for event in some] == [0, 1, 2, 3, 4]
            names = [event["event"] async for event in all_of_them]
            assert names == ["E", "F"] * 5
            with pytest.raises(QmpConnectionError, match=GONE):
                await some.next(timeout=30)


async def test_events_while_nobody_listens() -> None:
    """Without a listener no event is kept; with one, at most `EVENTS_MAX`."""

    async def script(monitor: Monitor) -> None:
        monitor.event("E", number=-1)
        await monitor.answer("x")
        await monitor.answer("go")
        for number in range(EVENTS_MAX + 10):
            monitor.event("E", number=number)
        await monitor.answer("y")

    async with monitored(script) as qmp:
        await qmp.execute("x")
        with qmp.events("E") as events:
            await qmp.execute("go")
            await qmp.execute("y")
            assert events.lost == 10
            first = await events.next(timeout=30)
            assert first["data"]["number"] == 10
        with pytest.raises(QmpTimeoutError, match=r"no such event has come in 0\.01 s"):
            await qmp.wait_for_event("E", timeout=0.01)


async def test_events_are_forgotten() -> None:
    """Events without a listener, or after its end, take no memory."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("x")
        for _ in range(500):
            monitor.event("E")
        await monitor.answer("y")

    async with monitored(script) as qmp:
        with qmp.events():
            pass
        await qmp.execute("x")
        await qmp.execute("y")
        assert sum(isinstance(one, Message) for one in gc.get_objects()) < 50


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": 5}, {"data": {}}])
async def test_event_without_a_device(data: dict[str, Any]) -> None:
    """An event without a device matches no device."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("x")
        monitor.send(event="E", **data)
        monitor.event("E", device="d")

    async with monitored(script) as qmp:
        with qmp.events(device="d") as events:
            await qmp.execute("x")
            event = await events.next(timeout=30)
            assert event["data"] == {"device": "d"}


async def test_flood_of_events() -> None:
    """While QEMU sends events without end, the event loop runs after each."""
    turns = 0
    is_over = False

    async def count() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await asyncio.sleep(0)

    async def script(monitor: Monitor) -> None:
        one = await monitor.read()
        for _ in range(500):
            monitor.event("E")
        monitor.send(**{"return": {}, "id": one["id"]})

    async with monitored(script) as qmp:
        counting = asyncio.create_task(count())
        await qmp.execute("x")
        is_over = True
        await counting
    assert turns >= 500


# -- shutdown --------------------------------------------------------------------------


async def test_guest_that_powers_down() -> None:
    """A guest that shuts down in time does, and QEMU with it."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("system_powerdown")
        monitor.event("SHUTDOWN", guest=True, reason="guest-shutdown")
        monitor.close()

    async with monitored(script) as qmp:
        assert await qmp.shut_down(grace=30) is True
        assert qmp.is_gone
        assert await qmp.shut_down(grace=30) is True


async def test_qemu_that_stays_after_its_guest() -> None:
    """With -no-shutdown QEMU gets `quit` when the guest has ended."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("system_powerdown")
        monitor.event("SHUTDOWN", guest=True, reason="guest-shutdown")
        await monitor.answer("quit")
        monitor.close()

    async with monitored(script) as qmp:
        assert await qmp.shut_down(grace=30) is True


async def test_guest_that_does_not_power_down() -> None:
    """After the grace QEMU gets `quit`."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("system_powerdown")
        await monitor.answer("quit")
        monitor.close()

    async with monitored(script) as qmp:
        assert await qmp.shut_down(grace=0.01) is False


async def test_guest_that_is_not_told() -> None:
    """Without grace QEMU quits at once."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("quit")
        monitor.close()

    async with monitored(script) as qmp:
        assert await qmp.shut_down(grace=0) is False


async def test_qemu_that_does_not_quit() -> None:
    """A QEMU that accepts `quit` and stays is an error after the timeout."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("quit")

    async with monitored(script, patience=0.1) as qmp:
        with pytest.raises(QmpTimeoutError, match=r"QEMU has not ended in 0\.1 s"):
            await qmp.shut_down(grace=0)


# -- a QEMU that misbehaves ------------------------------------------------------------


async def test_qemu_that_goes_in_the_middle() -> None:
    """All waiting calls get the error, and so do later ones."""

    async def script(monitor: Monitor) -> None:
        await monitor.read()
        await monitor.read()
        monitor.close()

    async with monitored(script) as qmp:
        waiting = [
            qmp.execute("one"),
            qmp.execute("other"),
            qmp.wait_for_event("E"),
            qmp.wait_until_gone(),
        ]
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert errors.pop() is None
        assert [type(error) for error in errors] == [QmpConnectionError] * 3
        assert qmp.is_gone
        with pytest.raises(QmpConnectionError, match=f"^later: {GONE}$"):
            await qmp.execute("later")
        with pytest.raises(QmpConnectionError, match=GONE):
            await qmp.wait_for_event("E")


async def test_answer_and_end_at_once() -> None:
    """An answer that comes together with the end of the connection counts."""

    async def script(monitor: Monitor) -> None:
        await monitor.answer("quit", 7)
        monitor.close()

    async with monitored(script) as qmp:
        assert await qmp.execute("quit") == 7
        await qmp.wait_until_gone(timeout=30)


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[1, 2]",
        '"text"',
        "\x00\xff",
        '{"error": {"class": "GenericError", "desc": "JSON parse error"}}',
        "[" * 50_000,
        '{"event": "' + "x" * (1 << 17) + '"}',
    ],
)
async def test_line_that_is_no_qmp(line: str) -> None:
    """Garbage, and a line that is too long, end the connection with a reason."""
    async with monitored(sending(line)) as qmp:
        with pytest.raises(QmpConnectionError):
            await qmp.execute("x")
        await qmp.wait_until_gone(timeout=30)
        with pytest.raises(QmpConnectionError) as caught:
            await qmp.execute("y")
        assert str(caught.value).startswith("y: QEMU sends something other than QMP: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", [{}, {"error": 5}, {"error": {"class": "x"}}])
async def test_answer_that_is_none(answer: dict[str, Any]) -> None:
    """An answer that is neither result nor error is an error of its command alone."""

    async def script(monitor: Monitor) -> None:
        one = await monitor.read()
        monitor.send(**answer, id=one["id"])
        await monitor.answer("y", 7)

    async with monitored(script) as qmp:
        with pytest.raises(QmpConnectionError, match=r"^x: QMP .*reply is"):
            await qmp.execute("x")
        assert await qmp.execute("y") == 7


async def test_answer_to_nobody() -> None:
    """An answer that no call waits for is ignored."""

    async def script(monitor: Monitor) -> None:
        monitor.send(**{"return": {}, "id": "foreign"})
        await monitor.answer("x", 7)

    async with monitored(script) as qmp:
        assert await qmp.execute("x") == 7


async def test_qemu_that_reads_no_more() -> None:
    """A connection to a QEMU that does not read can be ended; its commands fail."""
    waiting: list[asyncio.Task[Any]] = []
    async with monitored(nothing) as qmp:
        for _ in range(8):
            command = qmp.execute("x", data="x" * (1 << 20))
            waiting.append(asyncio.create_task(command))
        await asyncio.sleep(0)
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(error) for error in errors} == {QmpConnectionError}


# -- the beginning ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["no json"], "Failed to establish session"),
        (['{"QMP": 5}'], "Did not understand Greeting"),
        (["{}"], "Did not understand Greeting"),
        ([json.dumps(GREETING), '{"error": {}}'], "Negotiation failed"),
        (["x" * (1 << 17)], "Failed to establish session"),
    ],
)
async def test_greeting_that_is_none(lines: list[str], said: str) -> None:
    """A peer that does not greet as QEMU is an error."""

    async def script(monitor: Monitor) -> None:
        for line in lines:
            monitor.send_line(line)

    with pytest.raises(QmpConnectionError, match=said):
        async with monitored(script, greets=False):
            raise AssertionError("not reached")


async def test_qemu_that_is_not_there() -> None:
    """A QEMU that ends before it has greeted, or does not exist, is an error."""

    async def script(monitor: Monitor) -> None:
        monitor.close()

    with pytest.raises(QmpConnectionError):
        async with monitored(script, greets=False):
            raise AssertionError("not reached")
    with pytest.raises(QmpConnectionError) as caught:
        await Qmp(Path("/nowhere/qmp.sock")).__aenter__()
    assert str(caught.value) == "/nowhere/qmp.sock: No such file or directory"


async def test_qemu_that_does_not_greet() -> None:
    """A QEMU that does not greet is an error after the timeout."""
    with pytest.raises(QmpTimeoutError) as caught:
        async with monitored(nothing, greets=False, patience=0.02):
            raise AssertionError("not reached")
    assert str(caught.value) == "QEMU has not greeted in 0.02 s"


async def test_socket_that_listens(tmp_path: Path) -> None:
    """The target may be the path of a socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        monitor = Monitor(reader, writer)
        await monitor.greet()
        await monitor.answer("query-status", 7)
        monitor.close()

    path = tmp_path / "qmp.sock"
    server = await asyncio.start_unix_server(serve, path)
    async with server, Qmp(path) as qmp:
        assert await qmp.execute("query-status") == 7


async def test_error_of_the_user() -> None:
    """An exception of the user comes out unchanged, and the socket is closed."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    monitor = Monitor(reader, writer)
    greeting = asyncio.create_task(monitor.greet())

    async def work() -> None:
        async with Qmp(ours):
            await greeting
            raise CcwActorsError("mine")

    with pytest.raises(CcwActorsError, match="mine"):
        await work()
    assert ours.fileno() == -1
    assert await monitor.read() == {}
    monitor.close()


async def test_errors_are_of_one_kind() -> None:
    """All errors of the monitor are of one class."""
    for kind in (
        QmpCommandError,
        QmpConnectionError,
        QmpTimeoutError,
        UnplugRefusedError,
    ):
        assert issubclass(kind, QmpError)
