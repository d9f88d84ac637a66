"""Boots a kernel on this package's subchannel, with a client of vfio_ccw."""

from ccw_actors.kernel.boot._client import COMPILER as COMPILER
from ccw_actors.kernel.boot._client import BootError as BootError
from ccw_actors.kernel.boot._client import ClientLog as ClientLog
from ccw_actors.kernel.boot._client import ClientScript as ClientScript
from ccw_actors.kernel.boot._client import ClientStep as ClientStep
from ccw_actors.kernel.boot._client import ClientThread as ClientThread
from ccw_actors.kernel.boot._client import compile_client as compile_client
from ccw_actors.kernel.boot._client import initramfs as initramfs
from ccw_actors.kernel.boot._client import read_log as read_log
from ccw_actors.kernel.boot._initramfs import Content as Content
from ccw_actors.kernel.boot._initramfs import Executable as Executable
from ccw_actors.kernel.boot._initramfs import Folder as Folder
from ccw_actors.kernel.boot._initramfs import SymbolicLink as SymbolicLink
from ccw_actors.kernel.boot._initramfs import archive as archive
from ccw_actors.kernel.boot._machine import DATA_RECORD as DATA_RECORD
from ccw_actors.kernel.boot._machine import DATA_RECORDS as DATA_RECORDS
from ccw_actors.kernel.boot._machine import DATA_TRACK as DATA_TRACK
from ccw_actors.kernel.boot._machine import BootOptions as BootOptions
from ccw_actors.kernel.boot._machine import KernelMachine as KernelMachine

__all__ = [
    "COMPILER",
    "DATA_RECORD",
    "DATA_RECORDS",
    "DATA_TRACK",
    "BootError",
    "BootOptions",
    "ClientLog",
    "ClientScript",
    "ClientStep",
    "ClientThread",
    "Content",
    "Executable",
    "Folder",
    "KernelMachine",
    "SymbolicLink",
    "archive",
    "compile_client",
    "initramfs",
    "read_log",
]
