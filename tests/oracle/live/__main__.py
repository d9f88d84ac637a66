"""Shows what Hercules and this package's disks do with one chain.

python -m tests.oracle.live '3390 07:20:6:000000010000 06:20:512:'
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.oracle.live.chains import parsed
from tests.oracle.live.comparison import create_bench


def main() -> int:
    """Compare the chains in the arguments; return 1 if one differs."""
    chains = [parsed(text) for text in sys.argv[1:]]
    with TemporaryDirectory() as folder:
        results = create_bench(Path(folder)).compare(chains)
    for one in results:
        how = "explained by rules" if one.is_explained else "unexplained"
        print(how if one.differences else "no difference")  # noqa: T201
        for text in one.texts():
            print(f"  {text}")  # noqa: T201
    return int(any(one.differences and not one.is_explained for one in results))


if __name__ == "__main__":
    sys.exit(main())
