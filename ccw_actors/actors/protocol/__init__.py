"""The messages between the actors, one module for each pair of actors.

Numbers: an operation number names one START, HALT or CLEAR that a guest's subchannel
has accepted; it counts from 1 per guest subchannel and lives between GuestSubchannel
and Cio. A `run` or `number` in a message to Storage, Device or Volume is chosen by the
sender and comes back in the answer, so that the sender can tell an answer to something
that has ended from one that matters.
"""

from ccw_actors.actors.protocol._device import Attend as Attend
from ccw_actors.actors.protocol._device import CommandEnded as CommandEnded
from ccw_actors.actors.protocol._device import DeviceMessage as DeviceMessage
from ccw_actors.actors.protocol._device import ExecuteCommand as ExecuteCommand
from ccw_actors.actors.protocol._device import HaltSignal as HaltSignal
from ccw_actors.actors.protocol._device import ResetDone as ResetDone
from ccw_actors.actors.protocol._device import ResetSignal as ResetSignal
from ccw_actors.actors.protocol._device import SubchannelToDevice as SubchannelToDevice
from ccw_actors.actors.protocol._device import WriteHeldTracks as WriteHeldTracks
from ccw_actors.actors.protocol._emulator import AwaitGuest as AwaitGuest
from ccw_actors.actors.protocol._emulator import EmulatorMessage as EmulatorMessage
from ccw_actors.actors.protocol._emulator import GuestEnded as GuestEnded
from ccw_actors.actors.protocol._guest import AwaitStatus as AwaitStatus
from ccw_actors.actors.protocol._guest import Fetch as Fetch
from ccw_actors.actors.protocol._guest import GuestMessage as GuestMessage
from ccw_actors.actors.protocol._guest import GuestReport as GuestReport
from ccw_actors.actors.protocol._guest import InsertKey as InsertKey
from ccw_actors.actors.protocol._guest import Instruct as Instruct
from ccw_actors.actors.protocol._guest import InstructSubsystem as InstructSubsystem
from ccw_actors.actors.protocol._guest import Operate as Operate
from ccw_actors.actors.protocol._guest import Operation as Operation
from ccw_actors.actors.protocol._guest import Outcome as Outcome
from ccw_actors.actors.protocol._guest import ProgramEnded as ProgramEnded
from ccw_actors.actors.protocol._guest import ReportProgress as ReportProgress
from ccw_actors.actors.protocol._guest import RunProgram as RunProgram
from ccw_actors.actors.protocol._guest import SetKey as SetKey
from ccw_actors.actors.protocol._guest import Stopped as Stopped
from ccw_actors.actors.protocol._guest import Store as Store
from ccw_actors.actors.protocol._guest import ThreadToGuest as ThreadToGuest
from ccw_actors.actors.protocol._guest import WaitOver as WaitOver
from ccw_actors.actors.protocol._pass_through import Accepted as Accepted
from ccw_actors.actors.protocol._pass_through import Cancel as Cancel
from ccw_actors.actors.protocol._pass_through import CancelRequest as CancelRequest
from ccw_actors.actors.protocol._pass_through import CioMessage as CioMessage
from ccw_actors.actors.protocol._pass_through import CioToVfioCcw as CioToVfioCcw
from ccw_actors.actors.protocol._pass_through import Clear as Clear
from ccw_actors.actors.protocol._pass_through import ClearRequest as ClearRequest
from ccw_actors.actors.protocol._pass_through import Completed as Completed
from ccw_actors.actors.protocol._pass_through import Detach as Detach
from ccw_actors.actors.protocol._pass_through import Found as Found
from ccw_actors.actors.protocol._pass_through import Gone as Gone
from ccw_actors.actors.protocol._pass_through import (
    GuestSubchannelMessage as GuestSubchannelMessage,
)
from ccw_actors.actors.protocol._pass_through import (
    GuestSubchannelToVfioCcw as GuestSubchannelToVfioCcw,
)
from ccw_actors.actors.protocol._pass_through import Halt as Halt
from ccw_actors.actors.protocol._pass_through import HaltRequest as HaltRequest
from ccw_actors.actors.protocol._pass_through import HostOperation as HostOperation
from ccw_actors.actors.protocol._pass_through import Interrupt as Interrupt
from ccw_actors.actors.protocol._pass_through import IoEvent as IoEvent
from ccw_actors.actors.protocol._pass_through import IoRequest as IoRequest
from ccw_actors.actors.protocol._pass_through import Look as Look
from ccw_actors.actors.protocol._pass_through import LookRequest as LookRequest
from ccw_actors.actors.protocol._pass_through import Refused as Refused
from ccw_actors.actors.protocol._pass_through import Resume as Resume
from ccw_actors.actors.protocol._pass_through import ResumeRequest as ResumeRequest
from ccw_actors.actors.protocol._pass_through import (
    SenseConcurrently as SenseConcurrently,
)
from ccw_actors.actors.protocol._pass_through import Start as Start
from ccw_actors.actors.protocol._pass_through import VfioCcwMessage as VfioCcwMessage
from ccw_actors.actors.protocol._pass_through import VfioCcwToCio as VfioCcwToCio
from ccw_actors.actors.protocol._pass_through import (
    VfioCcwToGuestSubchannel as VfioCcwToGuestSubchannel,
)
from ccw_actors.actors.protocol._regions import ClientToRegions as ClientToRegions
from ccw_actors.actors.protocol._regions import CloseDevice as CloseDevice
from ccw_actors.actors.protocol._regions import DeviceRequested as DeviceRequested
from ccw_actors.actors.protocol._regions import IoRead as IoRead
from ccw_actors.actors.protocol._regions import ReadIo as ReadIo
from ccw_actors.actors.protocol._regions import ReadReport as ReadReport
from ccw_actors.actors.protocol._regions import ReadSchib as ReadSchib
from ccw_actors.actors.protocol._regions import RegionsMessage as RegionsMessage
from ccw_actors.actors.protocol._regions import RegionsToClient as RegionsToClient
from ccw_actors.actors.protocol._regions import ReportRead as ReportRead
from ccw_actors.actors.protocol._regions import ReportSignalled as ReportSignalled
from ccw_actors.actors.protocol._regions import ResetDevice as ResetDevice
from ccw_actors.actors.protocol._regions import SchibRead as SchibRead
from ccw_actors.actors.protocol._regions import Signalled as Signalled
from ccw_actors.actors.protocol._regions import UnmapDma as UnmapDma
from ccw_actors.actors.protocol._regions import WriteAsync as WriteAsync
from ccw_actors.actors.protocol._regions import WriteIo as WriteIo
from ccw_actors.actors.protocol._regions import Written as Written
from ccw_actors.actors.protocol._storage import Address as Address
from ccw_actors.actors.protocol._storage import AddToStorage as AddToStorage
from ccw_actors.actors.protocol._storage import Area as Area
from ccw_actors.actors.protocol._storage import CountPins as CountPins
from ccw_actors.actors.protocol._storage import GuestToStorage as GuestToStorage
from ccw_actors.actors.protocol._storage import InsertStorageKey as InsertStorageKey
from ccw_actors.actors.protocol._storage import Piece as Piece
from ccw_actors.actors.protocol._storage import Pin as Pin
from ccw_actors.actors.protocol._storage import PinCount as PinCount
from ccw_actors.actors.protocol._storage import Pinned as Pinned
from ccw_actors.actors.protocol._storage import ReadStorage as ReadStorage
from ccw_actors.actors.protocol._storage import SetStorageKey as SetStorageKey
from ccw_actors.actors.protocol._storage import StorageData as StorageData
from ccw_actors.actors.protocol._storage import StorageKey as StorageKey
from ccw_actors.actors.protocol._storage import StorageMessage as StorageMessage
from ccw_actors.actors.protocol._storage import StorageToVfioCcw as StorageToVfioCcw
from ccw_actors.actors.protocol._storage import StorageWritten as StorageWritten
from ccw_actors.actors.protocol._storage import (
    SubchannelToStorage as SubchannelToStorage,
)
from ccw_actors.actors.protocol._storage import Unpin as Unpin
from ccw_actors.actors.protocol._storage import UnpinAll as UnpinAll
from ccw_actors.actors.protocol._storage import VfioCcwToStorage as VfioCcwToStorage
from ccw_actors.actors.protocol._storage import WriteStorage as WriteStorage
from ccw_actors.actors.protocol._subchannel import CancelSubchannel as CancelSubchannel
from ccw_actors.actors.protocol._subchannel import CioToSubchannel as CioToSubchannel
from ccw_actors.actors.protocol._subchannel import ClearSubchannel as ClearSubchannel
from ccw_actors.actors.protocol._subchannel import ConditionCode as ConditionCode
from ccw_actors.actors.protocol._subchannel import DetachDevice as DetachDevice
from ccw_actors.actors.protocol._subchannel import (
    DeviceToSubchannel as DeviceToSubchannel,
)
from ccw_actors.actors.protocol._subchannel import (
    GuestToSubchannel as GuestToSubchannel,
)
from ccw_actors.actors.protocol._subchannel import HaltSubchannel as HaltSubchannel
from ccw_actors.actors.protocol._subchannel import Instruction as Instruction
from ccw_actors.actors.protocol._subchannel import (
    InstructionAnswer as InstructionAnswer,
)
from ccw_actors.actors.protocol._subchannel import Interruption as Interruption
from ccw_actors.actors.protocol._subchannel import InterruptionGone as InterruptionGone
from ccw_actors.actors.protocol._subchannel import ModifySubchannel as ModifySubchannel
from ccw_actors.actors.protocol._subchannel import NotePath as NotePath
from ccw_actors.actors.protocol._subchannel import NoteSettings as NoteSettings
from ccw_actors.actors.protocol._subchannel import NotOperational as NotOperational
from ccw_actors.actors.protocol._subchannel import PathNoted as PathNoted
from ccw_actors.actors.protocol._subchannel import PathToSubchannel as PathToSubchannel
from ccw_actors.actors.protocol._subchannel import Pending as Pending
from ccw_actors.actors.protocol._subchannel import Proceed as Proceed
from ccw_actors.actors.protocol._subchannel import ResetSubchannel as ResetSubchannel
from ccw_actors.actors.protocol._subchannel import ResumeSubchannel as ResumeSubchannel
from ccw_actors.actors.protocol._subchannel import Settings as Settings
from ccw_actors.actors.protocol._subchannel import SettingsNoted as SettingsNoted
from ccw_actors.actors.protocol._subchannel import StartSubchannel as StartSubchannel
from ccw_actors.actors.protocol._subchannel import Stored as Stored
from ccw_actors.actors.protocol._subchannel import StoreSubchannel as StoreSubchannel
from ccw_actors.actors.protocol._subchannel import StoreSubchannels as StoreSubchannels
from ccw_actors.actors.protocol._subchannel import (
    SubchannelMessage as SubchannelMessage,
)
from ccw_actors.actors.protocol._subchannel import SubchannelReset as SubchannelReset
from ccw_actors.actors.protocol._subchannel import (
    SubchannelSetMessage as SubchannelSetMessage,
)
from ccw_actors.actors.protocol._subchannel import (
    SubchannelsStored as SubchannelsStored,
)
from ccw_actors.actors.protocol._subchannel import SubchannelToSink as SubchannelToSink
from ccw_actors.actors.protocol._subchannel import SubsystemToSet as SubsystemToSet
from ccw_actors.actors.protocol._subchannel import (
    SubsystemToSubchannel as SubsystemToSubchannel,
)
from ccw_actors.actors.protocol._subchannel import TakeInterruption as TakeInterruption
from ccw_actors.actors.protocol._subchannel import Tested as Tested
from ccw_actors.actors.protocol._subchannel import TestSubchannel as TestSubchannel
from ccw_actors.actors.protocol._subchannel import (
    UnsolicitedStatus as UnsolicitedStatus,
)
from ccw_actors.actors.protocol._subsystem import AwaitInterruption as AwaitInterruption
from ccw_actors.actors.protocol._subsystem import (
    CallChannelSubsystem as CallChannelSubsystem,
)
from ccw_actors.actors.protocol._subsystem import CancelAwait as CancelAwait
from ccw_actors.actors.protocol._subsystem import (
    ChannelPathMessage as ChannelPathMessage,
)
from ccw_actors.actors.protocol._subsystem import (
    ChannelSubsystemCalled as ChannelSubsystemCalled,
)
from ccw_actors.actors.protocol._subsystem import (
    ChannelSubsystemMessage as ChannelSubsystemMessage,
)
from ccw_actors.actors.protocol._subsystem import ConfigurePath as ConfigurePath
from ccw_actors.actors.protocol._subsystem import CrwStored as CrwStored
from ccw_actors.actors.protocol._subsystem import Done as Done
from ccw_actors.actors.protocol._subsystem import GuestToSubsystem as GuestToSubsystem
from ccw_actors.actors.protocol._subsystem import NoInterruption as NoInterruption
from ccw_actors.actors.protocol._subsystem import PathConfigured as PathConfigured
from ccw_actors.actors.protocol._subsystem import PathReset as PathReset
from ccw_actors.actors.protocol._subsystem import PathStatus as PathStatus
from ccw_actors.actors.protocol._subsystem import Report as Report
from ccw_actors.actors.protocol._subsystem import ResetChannelPath as ResetChannelPath
from ccw_actors.actors.protocol._subsystem import ResetPath as ResetPath
from ccw_actors.actors.protocol._subsystem import SetAddressLimit as SetAddressLimit
from ccw_actors.actors.protocol._subsystem import SetChannelMonitor as SetChannelMonitor
from ccw_actors.actors.protocol._subsystem import (
    StoreChannelPathStatus as StoreChannelPathStatus,
)
from ccw_actors.actors.protocol._subsystem import (
    StoreChannelReportWord as StoreChannelReportWord,
)
from ccw_actors.actors.protocol._subsystem import (
    SubsystemInstruction as SubsystemInstruction,
)
from ccw_actors.actors.protocol._subsystem import (
    TestPendingInterruption as TestPendingInterruption,
)
from ccw_actors.actors.protocol._volume import DescribeVolume as DescribeVolume
from ccw_actors.actors.protocol._volume import DeviceToVolume as DeviceToVolume
from ccw_actors.actors.protocol._volume import ReadTrack as ReadTrack
from ccw_actors.actors.protocol._volume import TrackFailed as TrackFailed
from ccw_actors.actors.protocol._volume import TrackRead as TrackRead
from ccw_actors.actors.protocol._volume import TrackWritten as TrackWritten
from ccw_actors.actors.protocol._volume import VolumeDescribed as VolumeDescribed
from ccw_actors.actors.protocol._volume import VolumeMessage as VolumeMessage
from ccw_actors.actors.protocol._volume import WriteTrack as WriteTrack
