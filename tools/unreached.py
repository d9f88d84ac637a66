"""Why no scenario has a layer handle some message in some phase.

The page gives the first reason that applies to a cell.
"""

from typing import Final, NamedTuple

__all__ = ["REASONS", "Reason"]


class Reason(NamedTuple):
    """Why cells are not reached: fnmatch patterns of actor, phase and message."""

    why: str
    cells: tuple[tuple[str, str, str], ...]


_GUEST, _KERNEL, _HOST = "guest-subchannel", "vfio-ccw", "subchannel"
_INSTRUCTIONS: Final = (
    "CancelSubchannel",
    "ClearSubchannel",
    "HaltSubchannel",
    "ModifySubchannel",
    "ResumeSubchannel",
    "StartSubchannel",
    "StoreSubchannel",
    "TestSubchannel",
)


REASONS: Final[tuple[Reason, ...]] = (
    Reason(
        "The host refuses an operation only if its subchannel is gone or has no path:"
        " scenarios have that in other phases.",
        ((_GUEST, "*", "Refused"), (_KERNEL, "*", "Refused")),
    ),
    Reason(
        "An emulator waits for RESUME and CANCEL, and issues neither while a HALT or a"
        " CLEAR is in progress. The raw scenarios have a client that does not wait."
        " They cover the table of VfioCcw, but not every order of all requests.",
        tuple(
            (_KERNEL, phase, kind)
            for phase in ("*+*", "resuming*", "idle", "untaken")
            for kind in (
                "CancelRequest",
                "ClearRequest",
                "Completed",
                "Found",
                "HaltRequest",
                "Interrupt",
                "IoRequest",
                "ResumeRequest",
            )
        ),
    ),
    Reason(
        "The guest is reset when all its CPUs have ended, and no layer crashes while an"
        " instruction is at the host: so no answer to one can come.",
        tuple(
            (_GUEST, phase, kind)
            for phase in ("resetting", "not operational")
            for kind in ("Completed", "Found")
        ),
    ),
    Reason(
        "The message answers an instruction or a request, and none is open in this"
        " phase.",
        (
            ("cio", "*", "ConditionCode"),
            ("cio", "*", "Stored"),
            ("cio", "*", "Tested"),
            (_GUEST, "*", "Completed"),
            (_GUEST, "*", "Found"),
            (_KERNEL, "*", "Completed"),
            (_KERNEL, "*", "Found"),
            (_KERNEL, "*", "Pinned"),
            (_KERNEL, "*", "StorageData"),
            (_HOST, "*", "CommandEnded"),
            (_HOST, "*", "StorageData"),
            (_HOST, "*", "StorageWritten"),
            (_HOST, "*", "ResetDone"),
        ),
    ),
    Reason(
        "The channel gives a device one command at a time.",
        tuple(
            ("device", phase, kind)
            for phase in ("reading", "writing")
            for kind in ("ExecuteCommand", "WriteHeldTracks")
        ),
    ),
    Reason(
        "No scenario has a volume that fails: tests/actors/test_device.py.",
        (("device", "*", "TrackFailed"),),
    ),
    Reason(
        "Scenarios that write are short: nobody presses the attention key, and no"
        " program reads a track that another, which was cleared, had asked for.",
        (("device", "writing", "Attend"), ("device", "writing", "TrackRead")),
    ),
    Reason(
        "While an instruction is at the host, all others wait, and interruptions are"
        " delivered as in other phases.",
        tuple(
            (_GUEST, "*at the host", kind)
            for kind in (*_INSTRUCTIONS, "TakeInterruption")
        ),
    ),
    Reason(
        "The guest is reset when all its CPUs have ended: none issues an instruction.",
        (
            *((_GUEST, "resetting", kind) for kind in _INSTRUCTIONS),
            (_GUEST, "resetting", "TakeInterruption"),
            (_GUEST, "*at the host", "ResetSubchannel"),
        ),
    ),
    Reason(
        "No status is pending, so nothing announces an interruption to be taken.",
        ((_GUEST, "*", "TakeInterruption"), (_HOST, "*", "TakeInterruption")),
    ),
    Reason(
        "The answer is a row of the life cycle: tests/channel/test_lifecycle.py checks"
        " it for every FC, AC and SC.",
        tuple(
            (actor, "*", kind) for actor in (_GUEST, _HOST) for kind in _INSTRUCTIONS
        ),
    ),
    Reason(
        "The message only changes the limits of the next START:"
        " tests/scenarios/test_bare_programs.py::test_address_limits.",
        ((_GUEST, "*", "NoteSettings"), (_HOST, "*", "NoteSettings")),
    ),
    Reason(
        "Scenarios have this event in other phases. GuestSubchannel matches it to its"
        " operations by number, not by phase.",
        ((_GUEST, "*", "IoEvent"),),
    ),
    Reason(
        "Scenarios reset the guest in other phases; the code is the same in each.",
        ((_GUEST, "*", "ResetSubchannel"),),
    ),
    Reason(
        "Nothing resets a host's subchannel that is passed through. In a machine"
        " without pass-through a channel path does:"
        " tests/actors/test_instructions.py::test_reset_at_any_time.",
        ((_HOST, "*", "ResetSubchannel"),),
    ),
    Reason(
        "In no scenario does a guest pass its device on:"
        " tests/actors/test_nested_guest.py.",
        ((_GUEST, "*", "DetachDevice"),),
    ),
    Reason(
        "No scenario configures a channel path off or on; an exploration of one"
        " subchannel does at any time: tests/actors/test_subchannel_work.py.",
        ((_HOST, "*", "NotePath"),),
    ),
    Reason(
        "Only VfioCcwRegions asks for this message:"
        " tests/actors/test_vfio_ccw_regions.py.",
        ((_KERNEL, "*", "Accepted"),),
    ),
    Reason(
        "Scenarios unplug the device and crash a layer in other phases; the code that"
        " gives up the device is the same in each.",
        (
            ("*", "*", "Detach"),
            ("*", "*", "DetachDevice"),
            ("*", "*", "Gone"),
            ("*", "*", "NotOperational"),
        ),
    ),
    Reason(
        "Scenarios have unsolicited status in other phases. The code that holds it"
        " until the life cycle lets it be shown is the same in each.",
        ((_HOST, "*", "UnsolicitedStatus"),),
    ),
    Reason(
        "The message is from an earlier phase: its number tells, and it is ignored.",
        ((_HOST, "*", "Proceed"),),
    ),
    Reason(
        "The same code passes the message on in each phase.",
        ((_KERNEL, "*", "SenseConcurrently"), (_KERNEL, "*", "LookRequest")),
    ),
    Reason(
        "The message waits for its turn in every phase: Cio issues one instruction at a"
        " time, and decides by the operations that it has accepted.",
        tuple(
            ("cio", "*", kind)
            for kind in (
                "Cancel",
                "Clear",
                "Halt",
                "Look",
                "Resume",
                "SenseConcurrently",
                "Start",
            )
        ),
    ),
    Reason(
        "If the status is still pending, the same code makes the interruption pending"
        " again in each phase. Otherwise the message is ignored.",
        ((_GUEST, "*", "Failure"), (_HOST, "*", "Failure")),
    ),
)
