"""Every error this package raises, in one tree under `CcwActorsError`."""

from ccw_actors.errors._actors import ActorFailedError as ActorFailedError
from ccw_actors.errors._actors import ActorStoppedError as ActorStoppedError
from ccw_actors.errors._actors import AskCycleError as AskCycleError
from ccw_actors.errors._actors import AskTimeoutError as AskTimeoutError
from ccw_actors.errors._actors import CrashedError as CrashedError
from ccw_actors.errors._actors import CycleError as CycleError
from ccw_actors.errors._actors import DispatcherError as DispatcherError
from ccw_actors.errors._actors import LinkError as LinkError
from ccw_actors.errors._actors import LinkLostError as LinkLostError
from ccw_actors.errors._actors import LinkRefusedError as LinkRefusedError
from ccw_actors.errors._actors import LinkTimeoutError as LinkTimeoutError
from ccw_actors.errors._actors import MailboxFullError as MailboxFullError
from ccw_actors.errors._actors import MessageError as MessageError
from ccw_actors.errors._actors import NoAnswerError as NoAnswerError
from ccw_actors.errors._actors import OfferCycleError as OfferCycleError
from ccw_actors.errors._actors import OfferTimeoutError as OfferTimeoutError
from ccw_actors.errors._actors import StartTimeoutError as StartTimeoutError
from ccw_actors.errors._actors import StashError as StashError
from ccw_actors.errors._actors import StreamError as StreamError
from ccw_actors.errors._actors import UnknownSystemError as UnknownSystemError
from ccw_actors.errors._base import CcwActorsError as CcwActorsError
from ccw_actors.errors._machines import AttachmentError as AttachmentError
from ccw_actors.errors._machines import ChannelDataError as ChannelDataError
from ccw_actors.errors._machines import ClientError as ClientError
from ccw_actors.errors._machines import ControlError as ControlError
from ccw_actors.errors._machines import ControlRefusedError as ControlRefusedError
from ccw_actors.errors._machines import ControlTimeoutError as ControlTimeoutError
from ccw_actors.errors._machines import DebuggerError as DebuggerError
from ccw_actors.errors._machines import DeviceRegistryError as DeviceRegistryError
from ccw_actors.errors._machines import FaultError as FaultError
from ccw_actors.errors._machines import ImageError as ImageError
from ccw_actors.errors._machines import MachineFileError as MachineFileError
from ccw_actors.errors._machines import NameInUseError as NameInUseError
from ccw_actors.errors._machines import NoSuchMachineError as NoSuchMachineError
from ccw_actors.errors._machines import ProgramError as ProgramError
from ccw_actors.errors._machines import (
    ProgramInterruptionError as ProgramInterruptionError,
)
from ccw_actors.errors._machines import QmpCommandError as QmpCommandError
from ccw_actors.errors._machines import QmpConnectionError as QmpConnectionError
from ccw_actors.errors._machines import QmpError as QmpError
from ccw_actors.errors._machines import QmpTimeoutError as QmpTimeoutError
from ccw_actors.errors._machines import RequestFailedError as RequestFailedError
from ccw_actors.errors._machines import SymbolsError as SymbolsError
from ccw_actors.errors._machines import TraceFileError as TraceFileError
from ccw_actors.errors._machines import TraceInUseError as TraceInUseError
from ccw_actors.errors._machines import (
    UnknownControlUnitError as UnknownControlUnitError,
)
from ccw_actors.errors._machines import UnknownDeviceTypeError as UnknownDeviceTypeError
from ccw_actors.errors._machines import UnknownSymbolError as UnknownSymbolError
from ccw_actors.errors._machines import UnplugRefusedError as UnplugRefusedError
from ccw_actors.errors._machines import UnsupportedHostError as UnsupportedHostError
from ccw_actors.errors._machines import UnsupportedSetupError as UnsupportedSetupError
from ccw_actors.errors._machines import VectorError as VectorError

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
    "LinkError",
    "LinkLostError",
    "LinkRefusedError",
    "LinkTimeoutError",
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
