"""Every error this package raises, in one tree under `CcwActorsError`."""

from traceback import format_exception

__all__ = [
    "ActorFailedError",
    "ActorStoppedError",
    "AskCycleError",
    "AskTimeoutError",
    "AttachmentError",
    "CcwActorsError",
    "ChannelDataError",
    "ClientError",
    "ControlError",
    "ControlRefusedError",
    "ControlTimeoutError",
    "CrashedError",
    "CycleError",
    "DebuggerError",
    "DeviceRegistryError",
    "DispatcherError",
    "FaultError",
    "ImageError",
    "MachineFileError",
    "MailboxFullError",
    "MessageError",
    "NameInUseError",
    "NoAnswerError",
    "NoSuchMachineError",
    "OfferCycleError",
    "OfferTimeoutError",
    "ProgramError",
    "ProgramInterruptionError",
    "QmpCommandError",
    "QmpConnectionError",
    "QmpError",
    "QmpTimeoutError",
    "RequestFailedError",
    "StartTimeoutError",
    "StashError",
    "StreamError",
    "SymbolsError",
    "TraceFileError",
    "TraceInUseError",
    "UnknownControlUnitError",
    "UnknownDeviceTypeError",
    "UnknownSymbolError",
    "UnknownSystemError",
    "UnplugRefusedError",
    "UnsupportedHostError",
    "UnsupportedSetupError",
    "VectorError",
]


class CcwActorsError(Exception):
    """Base of every error that this package raises on purpose."""


class MessageError(CcwActorsError):
    """The receiver does not accept some bytes as a message.

    The text names the message's type, if it can be read, and the place of the error.
    """


class NoAnswerError(MessageError):
    """A handler returned no answer to a request and kept no `reply_to`."""


class UnknownSystemError(CcwActorsError):
    """A reference names a System that this one does not know.

    `system` is its name, `known` are the names of the known Systems.
    """

    def __init__(self, path: str, system: str, known: tuple[str, ...]) -> None:
        self.system = system
        self.known = known
        names = ", ".join(map(repr, known))
        super().__init__(
            f"{path} belongs to the System {system!r}; known here: {names}"
        )


class StreamError(CcwActorsError):
    """A stream of msgpack values is damaged, too large in one value, or cut short."""


class TraceFileError(CcwActorsError):
    """A trace cannot be written to the given path; the text says why."""


class TraceInUseError(TraceFileError):
    """Another run is writing a trace to the same file."""


class DispatcherError(CcwActorsError):
    """The System's dispatcher (loop, clock or steps) does not support this call."""


class CrashedError(CcwActorsError):
    """The cause of an actor's failure after a step that crashes the actor."""


class ActorFailedError(CcwActorsError):
    """A handler raised, or an asked actor answered with a failure.

    `actor` is its path, `message` the type of the message it handled. `escalated` is
    True if the System raises the error instead of the actor's supervision deciding.
    """

    def __init__(
        self, actor: str, message: str, reason: str, traceback: str = ""
    ) -> None:
        self.actor = actor
        self.message = message
        self.reason = reason
        self.escalated = False
        self._traceback = traceback
        super().__init__(f"{actor} failed on {message}: {reason}")

    @property
    def traceback(self) -> str:
        """The text of the error's traceback, "" if it was raised elsewhere."""
        cause = self.__cause__
        if self._traceback or cause is None:
            return self._traceback
        return "".join(format_exception(cause))


class ActorStoppedError(CcwActorsError):
    """The actor asked does not exist, or stopped before it answered."""


class AskTimeoutError(CcwActorsError, TimeoutError):
    """An ask got no answer in time.

    `target` is the path of the actor asked, `message` the type of the request, `age`
    how long the ask waited (seconds), `queue_length` how many messages the target's
    mailbox holds. `waits_for` says what the target itself waits for, "" if unknown.
    """

    def __init__(
        self,
        target: str,
        message: str,
        age: float,
        queue_length: int,
        waits_for: str = "",
    ) -> None:
        self.target = target
        self.message = message
        self.age = age
        self.queue_length = queue_length
        self.waits_for = waits_for
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(
            f"{target} did not answer {message} for {age:.3f} s;"
            f" its mailbox holds {queue_length} messages{more}"
        )


class StartTimeoutError(CcwActorsError, TimeoutError):
    """`on_start` of an actor (`target`, its path) did not end in time."""

    def __init__(self, target: str, age: float, waits_for: str = "") -> None:
        self.target = target
        self.age = age
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(f"{target} has not started for {age:.3f} s{more}")


class CycleError(CcwActorsError):
    """An actor would wait for itself, directly or through others.

    `cycle` lists the paths, each of which waits for the next. The first actor would
    close the cycle and is also the last. `message` is the type of the message.
    """

    _verb = "waits for"

    def __init__(self, cycle: tuple[str, ...], message: str) -> None:
        self.cycle = cycle
        self.message = message
        super().__init__(
            f"{cycle[0]} {self._verb} {cycle[1]} {message} and would wait for itself:"
            f" {' -> '.join(cycle)}"
        )


class AskCycleError(CycleError):
    """An ask would never get an answer: the actor asked waits for the asker."""

    _verb = "asks"


class OfferCycleError(CycleError):
    """An offer would wait forever: the actor to make room waits for the sender."""

    _verb = "offers"


class MailboxFullError(CcwActorsError):
    """A mailbox took no more messages because it has reached its bound.

    The text names message, recipient and bound. Send less, wait with `offer`, or give
    the actor another `Mailbox`.
    """


class OfferTimeoutError(MailboxFullError, TimeoutError):
    """A mailbox had no room for a message in time.

    `target` is the path of the recipient, `message` the type of the message, `age` how
    long the offer waited (seconds). `waits_for` is that of `AskTimeoutError`.
    """

    def __init__(
        self, target: str, message: str, age: float, waits_for: str = ""
    ) -> None:
        self.target = target
        self.message = message
        self.age = age
        self.waits_for = waits_for
        more = f"; it waits for {waits_for}" if waits_for else ""
        super().__init__(
            f"there was no room for {message} in the mailbox of {target} for"
            f" {age:.3f} s{more}"
        )


class StashError(CcwActorsError):
    """There is no message to stash, or the stash has reached the mailbox's bound."""


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
