"""The guest: a virtual CPU, the program it runs, and the I/O instructions it has."""

from ccw_actors.actors.guest._cpu import BlockingCpu as BlockingCpu
from ccw_actors.actors.guest._cpu import Cpu as Cpu
from ccw_actors.actors.guest._guest import Guest as Guest
from ccw_actors.actors.guest._program_thread import ProgramThread as ProgramThread
from ccw_actors.actors.guest._program_thread import describe as describe

__all__ = [
    "BlockingCpu",
    "Cpu",
    "Guest",
    "ProgramThread",
    "describe",
]
