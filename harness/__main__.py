"""python -m harness, and the `harness` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    from harness.cli.funnel import let_go_of_streams, start

    code = start(sys.argv[1:])
    let_go_of_streams()
    sys.exit(code)


if __name__ == "__main__":
    main()
