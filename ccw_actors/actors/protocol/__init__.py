"""The messages between the actors, one module for each arrow of the house.

Numbers: an operation number names one START, HALT or CLEAR that a guest's subchannel
has accepted; it counts from 1 per guest subchannel and lives between GuestSubchannel
and Cio. A `run` or `number` in a message to Storage, Device or Volume is chosen by the
sender and comes back in the answer, so that an answer to something that is over can be
told from one that matters.
"""

from ccw_actors.actors.protocol.device import Attend as Attend
from ccw_actors.actors.protocol.device import CommandEnded as CommandEnded
from ccw_actors.actors.protocol.device import ExecuteCommand as ExecuteCommand
from ccw_actors.actors.protocol.device import HaltSignal as HaltSignal
from ccw_actors.actors.protocol.device import ResetDone as ResetDone
from ccw_actors.actors.protocol.device import ResetSignal as ResetSignal
from ccw_actors.actors.protocol.emulator import AwaitGuest as AwaitGuest
from ccw_actors.actors.protocol.emulator import GuestEnded as GuestEnded
from ccw_actors.actors.protocol.guest import AwaitStatus as AwaitStatus
from ccw_actors.actors.protocol.guest import Fetch as Fetch
from ccw_actors.actors.protocol.guest import GuestReport as GuestReport
from ccw_actors.actors.protocol.guest import InsertKey as InsertKey
from ccw_actors.actors.protocol.guest import Instruct as Instruct
from ccw_actors.actors.protocol.guest import Instruction as Instruction
from ccw_actors.actors.protocol.guest import InstructSubsystem as InstructSubsystem
from ccw_actors.actors.protocol.guest import Operate as Operate
from ccw_actors.actors.protocol.guest import Operation as Operation
from ccw_actors.actors.protocol.guest import Outcome as Outcome
from ccw_actors.actors.protocol.guest import ProgramEnded as ProgramEnded
from ccw_actors.actors.protocol.guest import ReportProgress as ReportProgress
from ccw_actors.actors.protocol.guest import RunProgram as RunProgram
from ccw_actors.actors.protocol.guest import SetKey as SetKey
from ccw_actors.actors.protocol.guest import Stopped as Stopped
from ccw_actors.actors.protocol.guest import Store as Store
from ccw_actors.actors.protocol.guest import (
    SubsystemInstruction as SubsystemInstruction,
)
from ccw_actors.actors.protocol.guest import WaitOver as WaitOver
from ccw_actors.actors.protocol.passthrough import Accepted as Accepted
from ccw_actors.actors.protocol.passthrough import Cancel as Cancel
from ccw_actors.actors.protocol.passthrough import CancelRequest as CancelRequest
from ccw_actors.actors.protocol.passthrough import Clear as Clear
from ccw_actors.actors.protocol.passthrough import ClearRequest as ClearRequest
from ccw_actors.actors.protocol.passthrough import Completed as Completed
from ccw_actors.actors.protocol.passthrough import Detach as Detach
from ccw_actors.actors.protocol.passthrough import Found as Found
from ccw_actors.actors.protocol.passthrough import Gone as Gone
from ccw_actors.actors.protocol.passthrough import Halt as Halt
from ccw_actors.actors.protocol.passthrough import HaltRequest as HaltRequest
from ccw_actors.actors.protocol.passthrough import Interrupt as Interrupt
from ccw_actors.actors.protocol.passthrough import IoEvent as IoEvent
from ccw_actors.actors.protocol.passthrough import IoRequest as IoRequest
from ccw_actors.actors.protocol.passthrough import Look as Look
from ccw_actors.actors.protocol.passthrough import LookRequest as LookRequest
from ccw_actors.actors.protocol.passthrough import Refused as Refused
from ccw_actors.actors.protocol.passthrough import Resume as Resume
from ccw_actors.actors.protocol.passthrough import ResumeRequest as ResumeRequest
from ccw_actors.actors.protocol.passthrough import (
    SenseConcurrently as SenseConcurrently,
)
from ccw_actors.actors.protocol.passthrough import Start as Start
from ccw_actors.actors.protocol.passthrough import Taken as Taken
from ccw_actors.actors.protocol.regions import CloseDevice as CloseDevice
from ccw_actors.actors.protocol.regions import DeviceRequested as DeviceRequested
from ccw_actors.actors.protocol.regions import IoRead as IoRead
from ccw_actors.actors.protocol.regions import ReadIo as ReadIo
from ccw_actors.actors.protocol.regions import ReadReport as ReadReport
from ccw_actors.actors.protocol.regions import ReadSchib as ReadSchib
from ccw_actors.actors.protocol.regions import ReportRead as ReportRead
from ccw_actors.actors.protocol.regions import ReportSignalled as ReportSignalled
from ccw_actors.actors.protocol.regions import ResetDevice as ResetDevice
from ccw_actors.actors.protocol.regions import SchibRead as SchibRead
from ccw_actors.actors.protocol.regions import Signalled as Signalled
from ccw_actors.actors.protocol.regions import UnmapDma as UnmapDma
from ccw_actors.actors.protocol.regions import WriteAsync as WriteAsync
from ccw_actors.actors.protocol.regions import WriteIo as WriteIo
from ccw_actors.actors.protocol.regions import Written as Written
from ccw_actors.actors.protocol.storage import Address as Address
from ccw_actors.actors.protocol.storage import AddToStorage as AddToStorage
from ccw_actors.actors.protocol.storage import Area as Area
from ccw_actors.actors.protocol.storage import CountPins as CountPins
from ccw_actors.actors.protocol.storage import InsertStorageKey as InsertStorageKey
from ccw_actors.actors.protocol.storage import Piece as Piece
from ccw_actors.actors.protocol.storage import Pin as Pin
from ccw_actors.actors.protocol.storage import PinCount as PinCount
from ccw_actors.actors.protocol.storage import Pinned as Pinned
from ccw_actors.actors.protocol.storage import ReadStorage as ReadStorage
from ccw_actors.actors.protocol.storage import SetStorageKey as SetStorageKey
from ccw_actors.actors.protocol.storage import StorageData as StorageData
from ccw_actors.actors.protocol.storage import StorageKey as StorageKey
from ccw_actors.actors.protocol.storage import StorageWritten as StorageWritten
from ccw_actors.actors.protocol.storage import Unpin as Unpin
from ccw_actors.actors.protocol.storage import UnpinAll as UnpinAll
from ccw_actors.actors.protocol.storage import Unpinned as Unpinned
from ccw_actors.actors.protocol.storage import WriteStorage as WriteStorage
from ccw_actors.actors.protocol.subchannel import CancelSubchannel as CancelSubchannel
from ccw_actors.actors.protocol.subchannel import ClearSubchannel as ClearSubchannel
from ccw_actors.actors.protocol.subchannel import ConditionCode as ConditionCode
from ccw_actors.actors.protocol.subchannel import DetachDevice as DetachDevice
from ccw_actors.actors.protocol.subchannel import HaltSubchannel as HaltSubchannel
from ccw_actors.actors.protocol.subchannel import InterruptionGone as InterruptionGone
from ccw_actors.actors.protocol.subchannel import InterruptionTaken as InterruptionTaken
from ccw_actors.actors.protocol.subchannel import ModifySubchannel as ModifySubchannel
from ccw_actors.actors.protocol.subchannel import NotePath as NotePath
from ccw_actors.actors.protocol.subchannel import NoteSettings as NoteSettings
from ccw_actors.actors.protocol.subchannel import NotOperational as NotOperational
from ccw_actors.actors.protocol.subchannel import PathNoted as PathNoted
from ccw_actors.actors.protocol.subchannel import Pending as Pending
from ccw_actors.actors.protocol.subchannel import Proceed as Proceed
from ccw_actors.actors.protocol.subchannel import ResetSubchannel as ResetSubchannel
from ccw_actors.actors.protocol.subchannel import ResumeSubchannel as ResumeSubchannel
from ccw_actors.actors.protocol.subchannel import Settings as Settings
from ccw_actors.actors.protocol.subchannel import SettingsNoted as SettingsNoted
from ccw_actors.actors.protocol.subchannel import StartSubchannel as StartSubchannel
from ccw_actors.actors.protocol.subchannel import Stored as Stored
from ccw_actors.actors.protocol.subchannel import StoreSubchannel as StoreSubchannel
from ccw_actors.actors.protocol.subchannel import SubchannelReset as SubchannelReset
from ccw_actors.actors.protocol.subchannel import TakeInterruption as TakeInterruption
from ccw_actors.actors.protocol.subchannel import Tested as Tested
from ccw_actors.actors.protocol.subchannel import TestSubchannel as TestSubchannel
from ccw_actors.actors.protocol.subchannel import UnsolicitedStatus as UnsolicitedStatus
from ccw_actors.actors.protocol.subsystem import AwaitInterruption as AwaitInterruption
from ccw_actors.actors.protocol.subsystem import (
    CallChannelSubsystem as CallChannelSubsystem,
)
from ccw_actors.actors.protocol.subsystem import CancelAwait as CancelAwait
from ccw_actors.actors.protocol.subsystem import (
    ChannelSubsystemCalled as ChannelSubsystemCalled,
)
from ccw_actors.actors.protocol.subsystem import ConfigurePath as ConfigurePath
from ccw_actors.actors.protocol.subsystem import CrwStored as CrwStored
from ccw_actors.actors.protocol.subsystem import Done as Done
from ccw_actors.actors.protocol.subsystem import Interruption as Interruption
from ccw_actors.actors.protocol.subsystem import NoInterruption as NoInterruption
from ccw_actors.actors.protocol.subsystem import PathConfigured as PathConfigured
from ccw_actors.actors.protocol.subsystem import PathReset as PathReset
from ccw_actors.actors.protocol.subsystem import PathStatus as PathStatus
from ccw_actors.actors.protocol.subsystem import Report as Report
from ccw_actors.actors.protocol.subsystem import ResetChannelPath as ResetChannelPath
from ccw_actors.actors.protocol.subsystem import ResetPath as ResetPath
from ccw_actors.actors.protocol.subsystem import SetAddressLimit as SetAddressLimit
from ccw_actors.actors.protocol.subsystem import SetChannelMonitor as SetChannelMonitor
from ccw_actors.actors.protocol.subsystem import (
    StoreChannelPathStatus as StoreChannelPathStatus,
)
from ccw_actors.actors.protocol.subsystem import (
    StoreChannelReportWord as StoreChannelReportWord,
)
from ccw_actors.actors.protocol.subsystem import (
    TestPendingInterruption as TestPendingInterruption,
)
from ccw_actors.actors.protocol.volume import DescribeVolume as DescribeVolume
from ccw_actors.actors.protocol.volume import ReadTrack as ReadTrack
from ccw_actors.actors.protocol.volume import TrackFailed as TrackFailed
from ccw_actors.actors.protocol.volume import TrackRead as TrackRead
from ccw_actors.actors.protocol.volume import TrackWritten as TrackWritten
from ccw_actors.actors.protocol.volume import VolumeDescribed as VolumeDescribed
from ccw_actors.actors.protocol.volume import WriteTrack as WriteTrack
