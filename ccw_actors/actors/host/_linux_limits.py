"""Channel programs that Linux refuses: too many CCWs in a chain, too many chains.

Source: Linux drivers/s390/cio/vfio_ccw_cp.c.
"""

from typing import Final

from ccw_actors.actors.host._program_copy import Copy
from ccw_actors.channel.ccw import CCW_LENGTH, is_tic

__all__ = ["exceeds_linux"]

_CCWS: Final = 256
_CHAINS: Final = 16


def exceeds_linux(copy: Copy) -> bool:
    """Whether Linux would refuse the program: it takes 256 CCWs a chain, 16 chains.

    A chain is a CCW and those that follow it without the jump of a TIC.
    """
    chains: list[range] = []
    todo = [copy.orb.cpa & -CCW_LENGTH]
    while todo and len(chains) <= _CHAINS:
        start = todo.pop()
        if any(start in chain for chain in chains):
            continue
        chain = _chain(copy, start)
        if len(chain) > _CCWS:
            return True
        chains.append(chain)
        todo += _left_to(copy, chain)
    return len(chains) > _CHAINS


def _left_to(copy: Copy, chain: range) -> tuple[int, ...]:
    """Return where the TIC at the end of a chain leads, nothing without one."""
    last = copy.ccws.get(chain[-1])
    if last is None or not is_tic(last.code, copy.orb.fmt):
        return ()
    return (last.address & -CCW_LENGTH,)


def _chain(copy: Copy, start: int) -> range:
    """Return the addresses of a chain's CCWs, up to one too many.

    A TIC back into the chain does not end it: a status modifier may skip the TIC.
    """
    address = start
    for _ in range(_CCWS):
        ccw = copy.ccws.get(address)
        if ccw is None:
            break
        if is_tic(ccw.code, copy.orb.fmt):
            if not start <= ccw.address <= address:
                break
        elif not (ccw.chain_command or ccw.chain_data):
            break
        address += CCW_LENGTH
    return range(start, address + CCW_LENGTH, CCW_LENGTH)
