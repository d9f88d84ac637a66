"""Debian's packages of any architecture and release, fetched as an ordinary user."""

from ccw_actors.debian._apt import Apt as Apt
from ccw_actors.debian._apt import SoftwareError as SoftwareError
from ccw_actors.debian._apt import run_tool as run_tool

__all__ = ["Apt", "SoftwareError", "run_tool"]
