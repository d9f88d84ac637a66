"""A disk answers every command of a guest with a status."""

from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.channel.command import DeviceCommand
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.devices.eckd._commands import COMMANDS
from tests.devices import golden
from tests.devices.chain_runner import Disk

PLAUSIBLE = st.sampled_from(
    [
        bytes.fromhex(argument)
        for argument in (
            "c0c0000000000000000000000002000e",
            "00c01000000000000001000000010001",
            "06000003000100000001000001000000",
            "86000002000100020001000203000000",
            "46000009000000000000000000000000",
            "01800002000200000002000001000200",
            "01000001000100010001000102000000",
            "000000010002",
            "0000000200000000",
            "0001000201",
            "0002000000",
        )
    ]
)
ARGUMENTS = PLAUSIBLE | st.binary(max_size=600)


@st.composite
def commands(draw: st.DrawFn) -> DeviceCommand:
    """Draw one command, with known codes more often than others."""
    code = draw(st.sampled_from(sorted(COMMANDS)) | st.integers(1, 255))
    chained = draw(st.booleans() | st.just(value=True))
    if not code & 1:
        return DeviceCommand(code, draw(st.integers(0, 0xFFFF)), chained=chained)
    data = draw(ARGUMENTS)
    count = len(data) + draw(st.just(0) | st.integers(0, 100))
    return DeviceCommand(code, count, data, chained)


@given(sequence=st.lists(commands(), max_size=25), read_only=st.booleans())
def test_no_command_goes_wrong(
    sequence: list[DeviceCommand], *, read_only: bool
) -> None:
    """No exception; ends, data and writes are consistent with the command."""
    shape = golden.volume("ckd3390")
    model = device_model(DeviceConfiguration("3390", shape, read_only))
    disk = Disk(model, dict(golden.tracks("ckd3390")))
    for command in sequence:
        before = dict(disk.tracks)
        end = disk.execute(command)
        assert end.status & ~0x40 in {0x0C, 0x0D, 0x0E}
        assert end.transferred <= command.count
        assert len(end.data) in {0, end.transferred}
        assert len(model.sense(disk.state)) == 32
        assert isinstance(disk.state, model.state_type)
        changed = [n for n in before if before[n] is not disk.tracks[n]]
        assert len(changed) <= (0 if read_only else 1)
        assert all(len(disk.tracks[n]) == shape.track_size for n in changed)
