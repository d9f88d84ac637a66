"""Lets `python -m ccw_actors` be the command `ccw-actors`."""

from ccw_actors.cli import main

main()
