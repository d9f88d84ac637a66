"""The scenarios that the package contains, as the command has them."""

import subprocess
import sys


def test_scenarios_are_made_when_asked_for() -> None:
    """Importing them explores no specification: every command would be slow."""
    program = """if True:
        from ccw_actors.explore import Reference
        made, make = [], Reference.__init__
        def note(*arguments, **more):
            made.append(arguments)
            make(*arguments, **more)
        Reference.__init__ = note
        from ccw_actors.scenarios import SCENARIOS
        assert not made
        for name in SCENARIOS:
            SCENARIOS[name]
        assert made
    """
    subprocess.run([sys.executable, "-c", program], check=True)
