"""Choices that the architecture leaves to the machine, and in which machines differ.

The defaults of `ModelDependent` are this package's own machine.
"""

from msgspec import Struct

from ccw_actors.channel.fields import U16

__all__ = ["ModelDependent"]


class ModelDependent(
    Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True
):
    """Choices of one machine.

    `scsw_from_orb` are the bits of the left half of SCSW word 0 that START SUBCHANNEL
    takes from the ORB. `lpm_from_orb` says whether it replaces the PMCW's logical-path
    mask by the ORB's, even when it is refused with condition code 1 or 2.
    `start_sets_lpum` and `signals_set_lpum` say whether the PMCW shows the path that
    was last used for a start, and for a halt or clear.

    `keeps_esw`: the extended status is kept until the end of another channel program
    replaces it; otherwise each status has its own. `esw_of_signals`: after halt and
    clear it shows the path that was used. `esw_needs_status`: it is stored as zeros
    when no status is pending. `interrupts_alone`: a program-controlled interruption is
    shown before the end of its program, and never together with it.

    `check_shows_end`: if the data area of an input command cannot be used, the device
    status and the residual count are shown as well. `path_reset_initializes`: RESET
    CHANNEL PATH initializes the subchannels of the path. `ancillary_path_report`: the
    report of a path that was reset has its A bit on.
    """

    scsw_from_orb: U16 = 0xF8F8
    lpm_from_orb: bool = False
    start_sets_lpum: bool = True
    signals_set_lpum: bool = False
    keeps_esw: bool = False
    esw_of_signals: bool = False
    esw_needs_status: bool = False
    interrupts_alone: bool = False
    check_shows_end: bool = True
    path_reset_initializes: bool = False
    ancillary_path_report: bool = False
