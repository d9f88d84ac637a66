"""Errors of devices, machines, and what runs them or looks at them."""

from ccw_actors.errors._base import CcwActorsError

__all__ = [
    "AttachmentError",
    "ChannelDataError",
    "ClientError",
    "ControlError",
    "ControlRefusedError",
    "ControlTimeoutError",
    "DebuggerError",
    "DeviceRegistryError",
    "FaultError",
    "ImageError",
    "MachineFileError",
    "NameInUseError",
    "NoSuchMachineError",
    "ProgramError",
    "ProgramInterruptionError",
    "QmpCommandError",
    "QmpConnectionError",
    "QmpError",
    "QmpTimeoutError",
    "RequestFailedError",
    "SymbolsError",
    "TraceFileError",
    "TraceInUseError",
    "UnknownControlUnitError",
    "UnknownDeviceTypeError",
    "UnknownSymbolError",
    "UnplugRefusedError",
    "UnsupportedHostError",
    "UnsupportedSetupError",
    "VectorError",
]


class TraceFileError(CcwActorsError):
    """A trace cannot be written to the given path; the text says why."""


class TraceInUseError(TraceFileError):
    """Another run is writing a trace to the same file."""


class ChannelDataError(CcwActorsError, ValueError):
    """Bytes or text are not a valid structure of the channel subsystem.

    Raised for a wrong length and for an invalid device number. For reserved bits and
    invalid combinations the instruction that meets them answers with a condition code,
    a check or a program exception instead.
    """


class ImageError(CcwActorsError):
    """A disk image does not match its header or the machine file."""


class DeviceRegistryError(CcwActorsError):
    """A device model of an installed package cannot be loaded or used."""


class UnknownDeviceTypeError(CcwActorsError, LookupError):
    """No model exists for the requested device type.

    `device_type` is that type, `known` are the existing ones.
    """

    def __init__(self, device_type: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"unknown device type {device_type!r}, expected one of {', '.join(known)}"
        )
        self.device_type = device_type
        self.known = known


class UnknownControlUnitError(CcwActorsError, LookupError):
    """A disk cannot be behind the requested control unit.

    `control_unit` is that one, `known` are the control units that it can be behind.
    """

    def __init__(
        self, device_type: str, control_unit: str, known: tuple[str, ...]
    ) -> None:
        super().__init__(
            f"a {device_type} cannot be behind the control unit {control_unit!r},"
            f" expected one of {', '.join(known)}"
        )
        self.control_unit = control_unit
        self.known = known


class MachineFileError(CcwActorsError):
    """A machine file is wrong; the text has file, key and expectation."""


class ProgramError(CcwActorsError):
    """A guest program cannot continue; the text says why."""


class ProgramInterruptionError(ProgramError):
    """An operation ended in a program exception.

    `code` is the interruption code: 5 addressing, 6 specification, 21 operand.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(reason)


class VectorError(CcwActorsError):
    """A file of golden vectors, or one case in it, cannot be understood."""


class UnsupportedSetupError(CcwActorsError):
    """A golden vector needs a device, a file or an operator that does not exist."""


class UnsupportedHostError(CcwActorsError):
    """Other processes cannot be guests on this host; the text says why."""


class AttachmentError(CcwActorsError):
    """A running machine cannot attach or detach a disk as requested."""


class FaultError(CcwActorsError):
    """A device cannot have a fault as requested; the text has what was expected."""


class ClientError(CcwActorsError):
    """A process that is a guest could not start, or ended unexpectedly."""


class ControlError(CcwActorsError):
    """A control socket cannot be created, or a running machine cannot be reached."""


class NameInUseError(ControlError):
    """A running machine already has the name."""


class NoSuchMachineError(ControlError):
    """This user runs no machine of that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no machine named {name} is running")


class ControlRefusedError(ControlError):
    """A machine has closed the connection.

    `code` is "peer", "version", "damaged" or "busy".
    """

    def __init__(self, machine: str, code: str, reason: str) -> None:
        self.machine = machine
        self.code = code
        self.reason = reason
        super().__init__(f"machine {machine} refuses: {reason}")


class ControlTimeoutError(ControlError, TimeoutError):
    """A machine has not answered for `seconds` s; `pid` is its process."""

    def __init__(self, machine: str, pid: int, seconds: float) -> None:
        self.machine = machine
        self.pid = pid
        self.seconds = seconds
        super().__init__(
            f"machine {machine} (process {pid}) has not answered for {seconds:g} s"
        )


class RequestFailedError(ControlError):
    """A running machine could not do what a request asked for.

    `kind` is the type of the error there, `reason` its text.
    """

    def __init__(self, machine: str, kind: str, reason: str) -> None:
        self.machine = machine
        self.kind = kind
        self.reason = reason
        super().__init__(f"machine {machine}: {reason}")


class QmpError(CcwActorsError):
    """QEMU does not carry out a command to its monitor, or cannot be reached."""


class QmpCommandError(QmpError):
    """QEMU has refused a command.

    `error_class` is QMP's class of the error, most often "GenericError"; `desc` is
    QEMU's text.
    """

    def __init__(self, command: str, error_class: str, desc: str) -> None:
        self.command = command
        self.error_class = error_class
        self.desc = desc
        super().__init__(f"QEMU refuses {command}: {desc}")


class QmpConnectionError(QmpError):
    """QEMU does not run, has ended, or sends something that is not QMP."""


class QmpTimeoutError(QmpError, TimeoutError):
    """QEMU, or its guest, has not done `what` within `seconds` s."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds
        super().__init__(f"{what} in {seconds:g} s")


class UnplugRefusedError(QmpError):
    """The guest does not give up a device; `device` is its id."""

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__(f"the guest does not give up device {device}")


class DebuggerError(CcwActorsError):
    """A gdbstub cannot be reached, has ended, or refuses what was asked."""


class SymbolsError(CcwActorsError):
    """A file has no symbols or no debug information, or they do not answer a question.

    The text names the file or the symbol, and says what to do.
    """


class UnknownSymbolError(SymbolsError, LookupError):
    """A file has no function, structure or member `name`; the text names near ones."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        super().__init__(text)
