"""Why no scenario has a layer handle some message in some phase.

Cells that are reached need no reason. For the others the first that fits is told.
"""

from typing import Final, NamedTuple

__all__ = ["REASONS", "Reason"]


class Reason(NamedTuple):
    """Why cells are empty: patterns of actor, phase and message, as of fnmatch."""

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
        "An operation is refused where the host's subchannel is gone, or has no path:"
        " that happens at other times.",
        ((_GUEST, "*", "Refused"), (_KERNEL, "*", "Refused")),
    ),
    Reason(
        "An emulator waits for RESUME and CANCEL, and does neither while a HALT or a"
        " CLEAR is under way. Of a client that does not wait, the raw scenarios have"
        " what the table of VfioCcw tells of, but not every order of all requests.",
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
                "Taken",
            )
        ),
    ),
    Reason(
        "The guest is reset when all its CPUs have ended, and no layer crashes while an"
        " instruction is down: no answer to one comes then.",
        tuple(
            (_GUEST, phase, kind)
            for phase in ("resetting", "not operational")
            for kind in ("Completed", "Found")
        ),
    ),
    Reason(
        "It answers an instruction or a request that is not under way in this phase.",
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
            (_KERNEL, "*", "Unpinned"),
            (_HOST, "*", "CommandEnded"),
            (_HOST, "*", "StorageData"),
            (_HOST, "*", "StorageWritten"),
            (_HOST, "*", "ResetDone"),
        ),
    ),
    Reason(
        "The channel gives a device one command at a time.",
        (("device", "reading", "ExecuteCommand"),),
    ),
    Reason(
        "No scenario writes, or has a volume that fails:"
        " tests/machine/test_disk_images.py.",
        (("device", "*", "TrackFailed"), ("device", "*", "TrackWritten")),
    ),
    Reason(
        "While an instruction is down all others wait, whatever they are, and"
        " interruptions are handed over as ever.",
        tuple(
            (_GUEST, "*one down", kind) for kind in (*_INSTRUCTIONS, "TakeInterruption")
        ),
    ),
    Reason(
        "The guest is reset when all its CPUs have ended: none executes anything.",
        (
            *((_GUEST, "resetting", kind) for kind in _INSTRUCTIONS),
            (_GUEST, "resetting", "TakeInterruption"),
            (_GUEST, "*one down", "ResetSubchannel"),
        ),
    ),
    Reason(
        "Nothing is pending, and nobody is told so: no interruption is taken.",
        ((_GUEST, "*", "TakeInterruption"), (_HOST, "*", "TakeInterruption")),
    ),
    Reason(
        "The answer is a row of the life cycle, whose table"
        " tests/channel/test_lifecycle.py goes through for every FC, AC and SC.",
        tuple(
            (actor, "*", kind) for actor in (_GUEST, _HOST) for kind in _INSTRUCTIONS
        ),
    ),
    Reason(
        "It changes nothing but the limits of the next START:"
        " tests/scenarios/test_bare_programs.py::test_address_limits.",
        ((_GUEST, "*", "NoteSettings"), (_HOST, "*", "NoteSettings")),
    ),
    Reason(
        "It only counts what it has been told before: START, HALT and CLEAR are told"
        " apart by number, not by phase.",
        ((_GUEST, "*", "IoEvent"),),
    ),
    Reason(
        "The guest is reset at other times: by the same code in each phase.",
        ((_GUEST, "*", "ResetSubchannel"),),
    ),
    Reason(
        "Nobody resets a host's subchannel that is passed through; a channel path"
        " does, of a machine of its own:"
        " tests/actors/test_instructions.py::test_reset_at_any_time.",
        ((_HOST, "*", "ResetSubchannel"),),
    ),
    Reason(
        "In no scenario does a guest pass its device on:"
        " tests/actors/test_nested_guest.py.",
        ((_GUEST, "*", "DetachDevice"),),
    ),
    Reason(
        "Only VfioCcwRegions asks for Accepted: scenarios raw-regions.",
        ((_KERNEL, "*", "Accepted"),),
    ),
    Reason(
        "No scenario configures a channel path: tests/actors/test_channel_path.py.",
        ((_HOST, "*", "NotePath"),),
    ),
    Reason(
        "The device is unplugged, and one layer crashes, at other times: it is given"
        " up by the same code in each phase.",
        (
            ("*", "*", "Detach"),
            ("*", "*", "DetachDevice"),
            ("*", "*", "Gone"),
            ("*", "*", "NotOperational"),
        ),
    ),
    Reason(
        "Status that nobody has asked for comes at other times: it is kept by the"
        " same code in each phase, until the life cycle lets it be shown.",
        ((_HOST, "*", "UnsolicitedStatus"),),
    ),
    Reason(
        "What was to be done in another phase is old: it is known by its number.",
        ((_HOST, "*", "Proceed"),),
    ),
    Reason(
        "It is passed on in each phase by the same code.",
        ((_KERNEL, "*", "SenseConcurrently"), (_KERNEL, "*", "LookRequest")),
    ),
    Reason(
        "Whatever is under way, it waits for its turn: Cio issues one instruction at a"
        " time, and goes by what it has accepted.",
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
)
