"""Where real systems depart from the architecture, as rules that predict it."""

from typing import Final

from ccw_actors.conformance.rules._base import Rule as Rule
from ccw_actors.conformance.rules._hercules_blocks import (
    FormatInSpiteOfMask,
    ModelOf3370,
    UncheckedBlockSize,
)
from ccw_actors.conformance.rules._hercules_commands import (
    AnyPathFunction,
    ModifierAtTheEnd,
    SeekInstead,
    UndocumentedUpdate,
)
from ccw_actors.conformance.rules._hercules_disks import (
    ChainedSense,
    DomainEndsInDataChain,
    GroupLostByRejection,
    HiddenReservation,
    RoomOfImage,
    UncheckedSector,
    UncountedIndex,
    UndocumentedReads,
)
from ccw_actors.conformance.rules._hercules_programs import (
    GatheredOutput,
    ImmediateLength,
    InitialStatusTogether,
    SilentEndOfDataChain,
    UncheckedSuspension,
    UnusableOrbBits,
    UpdateInSpiteOfMask,
    UpdateWithoutLength,
)
from ccw_actors.conformance.rules._hercules_states import (
    HiddenAttention,
    NoCancelOfSuspended,
    ReportsAtFirst,
    ReservedPmcwBits,
    SeparatePci,
    StartWhileSuspended,
    SuspendedInSpiteOfU,
    UnfinishedHalt,
    UnknownCalls,
)
from ccw_actors.conformance.rules._qemu_idaws import NoShortIdaws, RepeatedIdaws
from ccw_actors.conformance.rules._qemu_programs import (
    ChainLimit,
    IgnoredOrbBits,
    LengthIsProgramCheck,
    LostAddress,
    NoProgramControlledInterruption,
    TransferToNowhere,
    UnitCheckAlone,
)
from ccw_actors.conformance.rules._qemu_states import (
    CancelForgets,
    ClearKeepsStatus,
    HaltedIdle,
    LatePathCheck,
    NeverSuspendedPending,
    StaleInterruption,
)
from ccw_actors.conformance.rules._shared import LeadingTransfer, NoMeasurement

__all__ = ["HERCULES_RULES", "QEMU_RULES", "Rule"]

HERCULES_RULES: Final[tuple[type[Rule], ...]] = (
    StartWhileSuspended,
    LeadingTransfer,
    ImmediateLength,
    ChainedSense,
    SilentEndOfDataChain,
    GatheredOutput,
    InitialStatusTogether,
    UnusableOrbBits,
    ReservedPmcwBits,
    NoCancelOfSuspended,
    UnfinishedHalt,
    SuspendedInSpiteOfU,
    ReportsAtFirst,
    NoMeasurement,
    UpdateWithoutLength,
    UpdateInSpiteOfMask,
    HiddenAttention,
    SeparatePci,
    UnknownCalls,
    UncheckedSuspension,
    UncheckedSector,
    UndocumentedReads,
    DomainEndsInDataChain,
    HiddenReservation,
    GroupLostByRejection,
    UncountedIndex,
    SeekInstead,
    AnyPathFunction,
    ModifierAtTheEnd,
    UndocumentedUpdate,
    UncheckedBlockSize,
    FormatInSpiteOfMask,
    ModelOf3370,
    RoomOfImage,
)
"""The rules of Hercules 3.13, in the order in which they change an instruction."""

QEMU_RULES: Final[tuple[type[Rule], ...]] = (
    LeadingTransfer,
    LengthIsProgramCheck,
    NoProgramControlledInterruption,
    TransferToNowhere,
    ChainLimit,
    NoShortIdaws,
    RepeatedIdaws,
    IgnoredOrbBits,
    LatePathCheck,
    UnitCheckAlone,
    LostAddress,
    NeverSuspendedPending,
    CancelForgets,
    HaltedIdle,
    ClearKeepsStatus,
    StaleInterruption,
    NoMeasurement,
)
"""The rules of QEMU 7.2, in the order in which they change an instruction."""
