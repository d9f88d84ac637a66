"""Every error this package raises, in one tree under `CcwActorsError`."""

__all__ = [
    "ActorFailedError",
    "ActorStoppedError",
    "AskTimeoutError",
    "CcwActorsError",
    "ChannelDataError",
    "DispatcherError",
    "ImageError",
    "MachineFileError",
    "MessageError",
    "ProgramError",
    "StreamError",
    "UnknownDeviceTypeError",
]


class CcwActorsError(Exception):
    """Base of every error raised on purpose by this package."""


class MessageError(CcwActorsError):
    """Bytes are not a message that their receiver accepts.

    The text names the message's type where it can be read, and the place in it.
    """


class StreamError(CcwActorsError):
    """A stream of msgpack values is damaged, too large in one value, or cut short."""


class DispatcherError(CcwActorsError):
    """A System was used in a way that its dispatcher (loop, clock, steps) cannot do."""


class ActorFailedError(CcwActorsError):
    """A handler raised, or an asked actor answered with a failure.

    `actor` is its path, `message` the type of the message it handled.
    """

    def __init__(self, actor: str, message: str, reason: str) -> None:
        self.actor = actor
        self.message = message
        self.reason = reason
        super().__init__(f"{actor} failed on {message}: {reason}")


class ActorStoppedError(CcwActorsError):
    """The actor asked does not exist, or stopped before it answered."""


class AskTimeoutError(CcwActorsError, TimeoutError):
    """An ask was not answered in time.

    The text names target, message, age in seconds and the target's queue length.
    """


class ChannelDataError(CcwActorsError, ValueError):
    """A structure of the channel subsystem could not be read from bytes or text.

    Raised for a wrong length, and for a device number that is none. Reserved bits and
    invalid combinations are the business of the instruction that meets them, which
    answers with a condition code, a check or a program exception.
    """


class ImageError(CcwActorsError):
    """A disk image is not what its header or its machine file says it is."""


class UnknownDeviceTypeError(CcwActorsError, LookupError):
    """There is no model of the device type that was asked for.

    `device_type` is that type, `known` are those there are.
    """

    def __init__(self, device_type: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"unknown device type {device_type!r}, expected one of {', '.join(known)}"
        )
        self.device_type = device_type
        self.known = known


class MachineFileError(CcwActorsError):
    """A machine file names something wrong; the text has file, key and expectation."""


class ProgramError(CcwActorsError):
    """A guest program met something it cannot go on with."""
