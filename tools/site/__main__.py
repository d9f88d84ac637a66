"""Builds the documentation as a site.

    python -m tools.site OUTPUT
    python -m tools.site --external OUTPUT

The first writes the site into the folder OUTPUT; a warning is an error. `python -m
http.server -d OUTPUT` then shows it. The second instead asks for each address outside
the site that a page links to, and needs the network; OUTPUT gets a report.

Needs the extra `docs`, and `dot` of the Debian package graphviz.

Exit status: 0 done; 1 there is a warning, or a link is broken; 2 usage error.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site.sources import lay_out

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site, or check its external links; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.site", description="Build the documentation as a site."
    )
    parser.add_argument("output", type=Path, help="the folder to write into")
    parser.add_argument(
        "--external", action="store_true", help="check the links to other sites instead"
    )
    wanted = parser.parse_args(arguments)
    if shutil.which("dot") is None:
        parser.error("diagrams need `dot`: apt-get install graphviz")
    with tempfile.TemporaryDirectory(prefix="ccw-actors-site-") as folder:
        sources = Path(folder) / "sources"
        lay_out(sources)
        return build(sources, wanted.output, external=wanted.external)


def build(sources: Path, output: Path, *, external: bool) -> int:
    """Run Sphinx; return the exit status. A broken link is a warning."""
    builder = "linkcheck" if external else "html"
    options = ["--fail-on-warning", "--quiet", "--jobs", "auto", "--fresh-env"]
    where = ["-D", f"html_extra_path={sources / 'extra'}", str(sources), str(output)]
    trees = ["-d", str(sources.parent / "doctrees"), "-c", str(HERE)]
    return 1 if build_main([*options, "-b", builder, *trees, *where]) else 0


if __name__ == "__main__":
    sys.exit(main())
