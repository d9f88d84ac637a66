"""Your own device: a box that keeps a message, and a channel program for it.

python examples/devices/message_box.py
"""

from collections.abc import Mapping

from msgspec import Struct

from ccw_actors.actors import (
    Region,
    Storage,
)
from ccw_actors.actors.protocol import (
    AwaitGuest,
    AwaitStatus,
    Fetch,
    Instruct,
    Operation,
    Piece,
    StartSubchannel,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import (
    Ccw,
    CommandEnd,
    DeviceCommand,
    Dstat,
    Orb,
    Pmcw,
    SubchannelId,
)
from ccw_actors.devices import DeviceConfiguration, Failure, Outcome
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
)
from ccw_actors.runtime import System, VirtualDispatcher

WRITE, READ, NO_OPERATION, SENSE = 0x01, 0x02, 0x03, 0x04
NORMAL = Dstat.CHANNEL_END | Dstat.DEVICE_END
COMMAND_REJECT = 0x80
TEXT_MAX = 80


class BoxState(Struct, frozen=True, array_like=True):
    """The message in the box, and the pending sense byte 0."""

    text: bytes = b""
    condition: int = 0


class MessageBox:
    """Keeps the data of the last WRITE, at most 80 bytes, and returns it on READ."""

    state_type = BoxState

    def __init__(self, configuration: DeviceConfiguration) -> None:
        self.configuration = configuration

    def initial(self) -> BoxState:
        """Start with no message."""
        return BoxState()

    def execute(
        self, state: BoxState, command: DeviceCommand, tracks: Mapping[int, bytes]
    ) -> Outcome[BoxState]:
        """Execute one command; this device has no tracks to ask for."""
        del tracks
        match command.code:
            case 0x01:
                text = command.data[:TEXT_MAX]
                end = CommandEnd(NORMAL, transferred=len(text), length=len(text))
                return Outcome(BoxState(text), end)
            case 0x02:
                return Outcome(state, given(command, state.text))
            case 0x03:
                return Outcome(state, CommandEnd(NORMAL, immediate=True))
            case 0x04:
                sense = bytes([state.condition])
                return Outcome(BoxState(state.text), given(command, sense))
            case _:
                end = CommandEnd(NORMAL | Dstat.UNIT_CHECK)
                return Outcome(BoxState(state.text, COMMAND_REJECT), end)

    def failed(
        self, state: BoxState, command: DeviceCommand, failure: Failure
    ) -> Outcome[BoxState]:
        """Never called: the device has no volume, so no track can fail."""
        raise AssertionError(f"{command} of {state} has no track: {failure}")

    def halted(self, state: BoxState) -> BoxState:
        """Keep the state: it holds nothing that belongs to a chain."""
        return state

    def reset(self, state: BoxState) -> BoxState:
        """Clear the sense data, and keep the message."""
        return BoxState(state.text)

    def sense(self, state: BoxState) -> bytes:
        """Return the byte that SENSE would read."""
        return bytes([state.condition])


def given(command: DeviceCommand, data: bytes) -> CommandEnd:
    """End a read with as much of the data as the count allows."""
    part = data[: command.count]
    return CommandEnd(NORMAL, part, transferred=len(part), length=len(data))


def main() -> None:
    """Run a channel program that writes into the box and, chained, reads it back."""
    program, out, back = 0x100, 0x200, 0x300
    text = b"hello, box"
    chain, suppress = Ccw.chain_command.mask, Ccw.suppress_length.mask
    ccws = Ccw(WRITE, chain, len(text), out), Ccw(READ, suppress, TEXT_MAX, back)
    pieces = (
        Piece(program, b"".join(ccw.to_bytes(1) for ccw in ccws)),
        Piece(out, text),
    )
    steps: tuple[Operation, ...] = (
        Instruct(0, StartSubchannel(Orb.command(program))),
        AwaitStatus(),
        Instruct(0, TestSubchannel()),
        Fetch(back, len(text)),
    )
    system = System(VirtualDispatcher())
    ref = system.ref
    storage = system.spawn(Storage(0x1000), "storage")
    storage.ask(WriteStorage(0, pieces), block=True)
    model = MessageBox(DeviceConfiguration("box"))
    paths = DevicePaths()
    add_device(system, paths, model, None)
    pmcw = Pmcw.of_device(0x0B0C).with_flag(Pmcw.enabled, on=True)
    regions = (Region(0, 0x1000, storage),)
    add_subchannel(system, paths, SubchannelId(0, 0), pmcw, regions, sink=ref("css"))
    subchannels = {0: ref(paths.subchannel)}
    add_guest(system, GuestPaths(), (steps,), subchannels, storage, resets=False)
    report = ref("emulator").ask(AwaitGuest(), block=True)
    *_, tested, fetched = report.result
    scsw = tested[2][0]
    print(f"device status {scsw[5]:02x}, residual count {scsw[7]}")
    print(f"read back: {fetched[2][0].decode()}")
    assert fetched[2][0] == text


if __name__ == "__main__":
    main()
